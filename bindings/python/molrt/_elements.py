"""Element symbols and atomic numbers: the C interface takes symbols and returns numbers."""

import operator
from typing import Any

# By atomic number. "*" is no element.
SYMBOLS = ("* H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As "
           "Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd "
           "Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am "
           "Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og").split()


def symbol_of(element: Any) -> str:
    """A symbol as it is, or that of an atomic number."""
    if isinstance(element, str):
        return element
    if isinstance(element, bool):
        raise TypeError("expected an element symbol or an atomic number, not a bool")
    try:
        number = operator.index(element)  # numpy's and torch's integers too
    except TypeError:
        raise TypeError(f"expected an element symbol (str) or an atomic number (int), not a "
                        f"{type(element).__name__}") from None
    if not 0 <= number < len(SYMBOLS):
        raise ValueError(f"expected an atomic number from 0 (no element) to {len(SYMBOLS) - 1}")
    return SYMBOLS[number]
