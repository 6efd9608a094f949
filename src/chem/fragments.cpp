// Counts of functional groups. The patterns are RDKit's Data/FragmentDescriptors.csv, which its C++
// does not read and installed programs lack; copyright (C) 2002 Rational Discovery LLC, BSD
// (NOTICE).
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/Substruct/SubstructMatch.h>

#include <memory>

#include "chem/descriptor_groups.h"

namespace molrt {
namespace {

struct Fragment {
  const char *name, *pattern;  // SMARTS
};

// clang-format off
constexpr Fragment fragments[] = {
    {"fr_C_O", R"([CX3]=[OX1])"},
    {"fr_C_O_noCOO", R"([C!$(C-[OH])]=O)"},
    {"fr_Al_OH", R"([C!$(C=O)]-[OH])"},
    {"fr_Ar_OH", R"(c[OH1])"},
    {"fr_methoxy", R"([OX2](-[#6])-[CH3])"},
    {"fr_oxime", R"([CX3]=[NX2]-[OX2])"},
    {"fr_ester", R"([#6][CX3](=O)[OX2H0][#6])"},
    {"fr_Al_COO", R"(C-C(=O)[O;H1,-])"},
    {"fr_Ar_COO", R"(c-C(=O)[O;H1,-])"},
    {"fr_COO", R"([#6]C(=O)[O;H,-1])"},
    {"fr_COO2", R"([CX3](=O)[OX1H0-,OX2H1])"},
    {"fr_ketone", R"([#6][CX3](=O)[#6])"},
    {"fr_ether", R"([OD2]([#6])[#6])"},
    {"fr_phenol", R"([OX2H]-c1ccccc1)"},
    {"fr_aldehyde", R"([CX3H1](=O)[#6])"},
    {"fr_quatN", R"([$([NX4+]),$([NX4]=*)])"},
    {"fr_NH2", R"([NH2,nH2])"},
    {"fr_NH1", R"([NH1,nH1])"},
    {"fr_NH0", R"([NH0,nH0])"},
    {"fr_Ar_N", R"(n)"},
    {"fr_Ar_NH", R"([nH])"},
    {"fr_aniline", R"(c-[NX3;!$(N=*)])"},
    {"fr_Imine", R"([Nv3](=C)-[#6])"},
    {"fr_nitrile", R"([NX1]#[CX2])"},
    {"fr_hdrzine", R"([NX3]-[NX3])"},
    {"fr_hdrzone", R"(C=N-[NX3])"},
    {"fr_nitroso", R"([N!$(N-O)]=O)"},
    {"fr_N_O", R"([N!$(N=O)](-O)-C)"},
    {"fr_nitro", R"([$([NX3](=O)=O),$([NX3+](=O)[O-])][!#8])"},
    {"fr_azo", R"([#6]-N=N-[#6])"},
    {"fr_diazo", R"([N+]#N)"},
    {"fr_azide", R"([$(*-[NX2-]-[NX2+]#[NX1]),$(*-[NX2]=[NX2+]=[NX1-])])"},
    {"fr_amide", R"(C(=O)-N)"},
    {"fr_priamide", R"(C(=O)-[NH2])"},
    {"fr_amidine", R"(C(=N)(-N)-[!#7])"},
    {"fr_guanido", R"(C(=N)(N)N)"},
    {"fr_Nhpyrrole", R"([nH])"},
    {"fr_imide", R"(N(-C(=O))-C=O)"},
    {"fr_isocyan", R"(N=C=O)"},
    {"fr_isothiocyan", R"(N=C=S)"},
    {"fr_thiocyan", R"(S-C#N)"},
    {"fr_halogen", R"([#9,#17,#35,#53])"},
    {"fr_alkyl_halide", R"([CX4]-[Cl,Br,I,F])"},
    {"fr_sulfide", R"([SX2](-[#6])-C)"},
    {"fr_SH", R"([SH])"},
    {"fr_C_S", R"(C=[SX1])"},
    {"fr_sulfone", R"(S(=,-[OX1;+0,-1])(=,-[OX1;+0,-1])(-[#6])-[#6])"},
    {"fr_sulfonamd", R"(N-S(=,-[OX1;+0,-1])(=,-[OX1;+0,-1])-[#6])"},
    {"fr_prisulfonamd", R"([NH2]-S(=,-[OX1;+0;-1])(=,-[OX1;+0;-1])-[#6])"},
    {"fr_barbitur", R"(C1C(=O)NC(=O)NC1=O)"},
    {"fr_urea", R"(C(=O)(-N)-N)"},
    {"fr_term_acetylene", R"(C#[CH])"},
    {"fr_imidazole", R"(n1cncc1)"},
    {"fr_furan", R"(o1cccc1)"},
    {"fr_thiophene", R"(s1cccc1)"},
    {"fr_thiazole", R"(c1scnc1)"},
    {"fr_oxazole", R"(c1ocnc1)"},
    {"fr_pyridine", R"(n1ccccc1)"},
    {"fr_piperdine", R"(N1CCCCC1)"},
    {"fr_piperzine", R"(N1CCNCC1)"},
    {"fr_morpholine", R"(O1CCNCC1)"},
    {"fr_lactam", R"(N1C(=O)CC1)"},
    {"fr_lactone", R"([C&R1](=O)[O&R1][C&R1])"},
    {"fr_tetrazole", R"(c1nnnn1)"},
    {"fr_epoxide", R"(O1CC1)"},
    {"fr_unbrch_alkane", R"([R0;D2][R0;D2][R0;D2][R0;D2])"},
    {"fr_bicyclic", R"([R2][R2])"},
    {"fr_benzene", R"(c1ccccc1)"},
    {"fr_phos_acid",
     R"([$(P(=[OX1])([$([OX2H]),$([OX1-]),$([OX2]P)])([$([OX2H]),$([OX1-]),$([)"
     R"(OX2]P)])[$([OX2H]),$([OX1-]),$([OX2]P)]),$([P+]([OX1-])([$([OX2H]),$([)"
     R"(OX1-]),$([OX2]P)])([$([OX2H]),$([OX1-]),$([OX2]P)])[$([OX2H]),$([OX1-])"
     R"(),$([OX2]P)])])"},
    {"fr_phos_ester",
     R"([$(P(=[OX1])([OX2][#6])([$([OX2H]),$([OX1-]),$([OX2][#6])])[$([OX2H]),)"
     R"($([OX1-]),$([OX2][#6]),$([OX2]P)]),$([P+]([OX1-])([OX2][#6])([$([OX2H])"
     R"(),$([OX1-]),$([OX2][#6])])[$([OX2H]),$([OX1-]),$([OX2][#6]),$([OX2]P)])"
     R"()])"},
    {"fr_nitro_arom", R"([$(c1(-[$([NX3](=O)=O),$([NX3+](=O)[O-])])ccccc1)])"},
    {"fr_nitro_arom_nonortho",
     R"([$(c1(-[$([NX3](=O)=O),$([NX3+](=O)[O-])])ccccc1);!$(cc-!:*)])"},
    {"fr_dihydropyridine",
     R"([$([NX3H1]1-C=C-C-C=C1),$([Nv3]1=C-C-C=C-C1),$([Nv3]1=C-C=C-C-C1),$([N)"
     R"(X3H1]1-C-C=C-C=C1)])"},
    {"fr_phenol_noOrthoHbond",
     R"([$(c1(-[OX2H])ccccc1);!$(cc-!:[CH2]-[OX2H]);!$(cc-!:C(=O)[O;H1,-]);!$()"
     R"(cc-!:C(=O)-[NH2])])"},
    {"fr_Al_OH_noTert", R"([$(C-[OX2H]);!$([CX3](-[OX2H])=[OX1]);!$([CD4]-[OX2H])])"},
    {"fr_benzodiazepine",
     R"([c&R2]12[c&R1][c&R1][c&R1][c&R1][c&R2]1[N&R1][C&R1][C&R1][N&R1]=[C&R1])"
     R"(2)"},
    {"fr_para_hydroxylation",
     R"([$([cH]1[cH]cc(c[cH]1)~[$([#8,$([#8]~[H,c,C])])]),$([cH]1[cH]cc(c[cH]1)"
     R"()~[$([#7X3,$([#7](~[H,c,C])~[H,c,C])])]),$([cH]1[cH]cc(c[cH]1)-!:[$([N)"
     R"(X3H,$(NC(=O)[H,c,C])])])])"},
    {"fr_allylic_oxid",
     R"([$(C=C-C);!$(C=C-C-[N,O,S]);!$(C=C-C-C-[N,O]);!$(C12=CC(=O)CCC1C3C(C4C)"
     R"((CCC4)CC3)CC2)])"},
    {"fr_aryl_methyl",
     R"([$(a-[CH3]),$(a-[CH2]-[CH3]),$(a-[CH2]-[CH2]~[!N;!O]);!$(a(:a!:*):a!:*)"
     R"()])"},
    {"fr_Ndealkylation1",
     R"([$(N(-[CH3])-C-[$(C~O),$(C-a),$(C-N),$(C=C)]),$(N(-[CH2][CH3])-C-[$(C~)"
     R"(O),$(C-a),$(C-N),$(C=C)])])"},
    {"fr_Ndealkylation2",
     R"([$([N&R1]1(-C)CCC1),$([N&R1]1(-C)CCCC1),$([N&R1]1(-C)CCCCC1),$([N&R1]1)"
     R"((-C)CCCCCC1),$([N&R1]1(-C)CCCCCCC1)])"},
    {"fr_alkyl_carbamate", R"(C[NH1]C(=O)OC)"},
    {"fr_ketone_Topliss",
     R"([$([CX3](=[OX1])(C)([c,C]));!$([CX3](=[OX1])([CH1]=C)[c,C])])"},
    {"fr_ArN",
     R"([$(a-[NX3H2]),$(a-[NH1][NH2]),$(a-C(=[OX1])[NH1][NH2]),$(a-C(=[NH])[NH)"
     R"(2])])"},
    {"fr_HOCCN",
     R"([$([OX2H1][CX4][CX4H2][NX3&R1]),$([OH1][CX4][CX4H2][NX3][CX4](C)(C)C)])"},
};
// clang-format on

std::vector<std::unique_ptr<RDKit::ROMol>> read_patterns() {
  std::vector<std::unique_ptr<RDKit::ROMol>> patterns;
  for (const Fragment& fragment : fragments)
    patterns.emplace_back(RDKit::SmartsToMol(fragment.pattern));
  return patterns;
}

}  // namespace

const std::vector<std::string>& fragment_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Fragment& fragment : fragments) all.emplace_back(fragment.name);
    return all;
  }();
  return names;
}

std::vector<double> count_fragments(const RDKit::ROMol& molecule) {
  // A set for each thread: matching locks a pattern that has patterns within.
  thread_local const auto patterns = read_patterns();
  std::vector<double> counts;
  for (const auto& pattern : patterns)
    counts.push_back(static_cast<double>(RDKit::SubstructMatch(molecule, *pattern).size()));
  return counts;
}

}  // namespace molrt
