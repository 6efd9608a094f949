"""The library's tables of settings, and values of them as keyword arguments."""

import difflib
import numbers
import operator
from ctypes import byref
from dataclasses import dataclass
from typing import Any, Dict, List

from ._call import Handle, c_text, new_struct, run
from ._library import SettingInfo, lib, text

_F64, _I64, _TEXT = 1, 2, 3
_TYPES = {_F64: "float", _I64: "int", _TEXT: "str"}


@dataclass(frozen=True)
class Setting:
    """One setting: finetune(..., keyword=value), or of pretrain(). Models store it as `name`.

    default and recommended are texts; the latter is a good value where the default is off. choices,
    minimum and maximum (inclusive) are what is taken; since is the version that brought it.
    """

    name: str
    keyword: str
    type: str  # "float", "int" or "str"
    unit: str
    default: str
    recommended: str
    choices: List[str]  # of a str; empty: any
    since: str
    help: str
    minimum: float
    maximum: float


class SettingsTable:
    """One of the library's tables: whose keywords these are, what lists them, and its functions."""

    def __init__(self, owner: str, listing: str, count: Any, describe: Any, create: Any):
        self._owner, self._listing = owner, listing
        self._count, self._describe, self._create = count, describe, create

    def rows(self) -> List[Setting]:
        return [self._row(i) for i in range(self._count())]

    def handle(self, values: Dict[str, Any]) -> Handle:
        table = {setting.keyword: setting for setting in self.rows()}
        handle = Handle(lib.molrt_settings_free, self._create)
        for keyword, value in values.items():
            if keyword not in table:
                raise TypeError(f"{self._owner} has no setting {keyword!r}" + self._nearest(keyword, table))
            _set(handle, table[keyword], value)
        return handle

    def _nearest(self, keyword: str, table: Dict[str, Setting]) -> str:
        close = difflib.get_close_matches(keyword, table, n=1, cutoff=0)
        return f"; the nearest is {close[0]!r}. {self._listing} lists all" if close else ""

    def _row(self, index: int) -> Setting:
        info = new_struct(SettingInfo)
        run(self._describe, index, byref(info))
        name, choices = text(info.name), text(info.choices)
        return Setting(name=name, keyword=name.replace(".", "_"), type=_TYPES[info.type],
                       unit=text(info.unit), default=text(info.default_text),
                       recommended=text(info.recommended_text),
                       choices=choices.split("|") if choices else [], since=text(info.since),
                       help=text(info.help), minimum=info.minimum, maximum=info.maximum)


def _set(handle: Handle, setting: Setting, value: Any) -> None:
    name = c_text(setting.name)
    try:
        if setting.type == "float" and isinstance(value, numbers.Real):
            run(lib.molrt_settings_set_f64, handle, name, float(value))
        elif setting.type == "int":
            run(lib.molrt_settings_set_i64, handle, name, _int64(operator.index(value)))
        elif setting.type == "str" and isinstance(value, str):
            run(lib.molrt_settings_set_text, handle, name, c_text(value))
        else:
            raise TypeError(f"expected a {setting.type}")
    except TypeError as error:
        raise TypeError(f"setting {setting.keyword}={value!r}: {error}") from None


def _int64(value: int) -> int:
    if not -(2**63) <= value < 2**63:  # ctypes would wrap it silently
        raise ValueError(f"{value} does not fit into a 64-bit integer")
    return value
