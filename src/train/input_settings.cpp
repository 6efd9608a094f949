#include "train/input_settings.h"

namespace molrt {
namespace {

bool reads(const Settings& s, const char* kind) {
  return s.text("inputs").find(kind) != std::string::npos;
}

std::string of_morgan(const Settings& s) {
  return reads(s, "morgan") ? "" : "it belongs to inputs=cls+morgan";
}

}  // namespace

std::vector<SettingRow> input_settings() {
  return {
      {"inputs", "auto", "", "", 0, 0, "auto|cls|cls+rdkit|cls+morgan|cls+rdkit+morgan", "0.1.0",
       "what the head reads: the molecule's representation (cls) and beside it RDKit's descriptors "
       "(rdkit), counts of Morgan environments (morgan); columns of the table that are named as "
       "inputs come on top. All are standardised by the training rows, within 10 standard "
       "deviations. auto: cls+rdkit, but cls where a molecule is given as atoms without bonds, and "
       "with head_init=base what the base model's head reads"},
      {"morgan.radius", int64_t{2}, "bonds", "", 0, 10, "", "0.1.0",
       "radius of the Morgan environments", of_morgan},
      {"morgan.bits", int64_t{1024}, "", "", 16, 65536, "", "0.1.0",
       "numbers that the Morgan environments are hashed to", of_morgan},
  };
}

void settle_inputs(Settings& settings, bool has_bonds, const DescriptorList* of_base) {
  if (settings.text("inputs") != "auto") return;
  if (!of_base) return settings.set_text("inputs", has_bonds ? "cls+rdkit" : "cls");
  const bool morgan = of_base->morgan_bits > 0;
  settings.set_text("inputs", std::string("cls") + (of_base->names.empty() ? "" : "+rdkit") +
                                  (morgan ? "+morgan" : ""));
  if (!morgan) return;
  settings.set_i64("morgan.radius", of_base->morgan_radius);
  settings.set_i64("morgan.bits", of_base->morgan_bits);
}

DescriptorList read_descriptor_list(const Settings& s) {
  DescriptorList list;
  if (reads(s, "rdkit")) list.names = known_descriptors();
  if (!reads(s, "morgan")) return list;
  list.morgan_radius = static_cast<int>(s.i64("morgan.radius"));
  list.morgan_bits = static_cast<int>(s.i64("morgan.bits"));
  return list;
}

}  // namespace molrt
