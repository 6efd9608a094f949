#include "support/golden.h"

#include "chem/conformer.h"

namespace molrt::test {

Model open_golden(const std::string& file, const OpenOptions& options) {
  return open_model(*ByteSource::open_file(golden_path(file)), options, [](int32_t, const std::string&) {});
}

std::vector<Features> golden_features(const Npz& golden, const Model& model) {
  const auto offsets = golden.at("offsets").integers();
  const auto& symbols = golden.at("symbols").strings;
  const auto& numbers = golden.at("coordinates").numbers;
  std::vector<Features> features;
  for (size_t m = 0; m + 1 < offsets.size(); ++m) {
    const auto conformer =
        given_conformer({symbols.begin() + offsets[m], symbols.begin() + offsets[m + 1]},
                        {numbers.begin() + 3 * offsets[m], numbers.begin() + 3 * offsets[m + 1]});
    features.push_back(
        make_features(conformer.conformer, model.dictionary(), model.feature_options()));
  }
  return features;
}

std::vector<const Features*> pointers(const std::vector<Features>& features) {
  std::vector<const Features*> list;
  for (const Features& f : features) list.push_back(&f);
  return list;
}

}  // namespace molrt::test
