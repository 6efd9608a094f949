#pragma once
// Training runs of a small network on a few molecules.
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "model/initialise.h"
#include "train/job.h"

namespace molrt::test {

inline const std::vector<std::string> smiles = {
    "C",    "CC",   "CCO", "CO",  "CN",   "CCN",  "C=O", "CCC", "COC", "C#N",  "CC=O", "CCCl",
    "OCCO", "CCCO", "CF",  "CCF", "NC=O", "CC#N", "CSC", "CCS", "C=C", "OC=O", "CCCC", "CNC"};

inline std::shared_ptr<const Model> small_base(PairKernel kernel = PairKernel::gaussian) {
  const Architecture a{kernel, 3, 24, 32, 3, official_architecture(kernel).vocabulary};
  return std::make_shared<Model>(initialise_model(a, Hydrogens::all, TokenLayout::file_order, 7));
}

inline Settings network_settings_of(
    std::initializer_list<std::pair<const char*, double>> numbers = {}) {
  Settings s;
  s.set_text("inputs", "cls");  // few numbers, for tests that call parts of a network
  s.set_text("freeze.prefix", "none");
  s.set_i64("epochs", 4);
  s.set_i64("batch_size", 6);
  s.set_f64("lr", 1e-3);
  s.set_f64("valid_fraction", .25);
  for (const auto& [name, value] : numbers) s.set_f64(name, value);
  return s;
}

struct Trained {
  std::unique_ptr<Job> job;
  const Model& model() const { return *job->model(); }
  nlohmann::json report() const { return nlohmann::json::parse(job->result().report); }
};

inline Trained run(const std::shared_ptr<const Model>& base, const Settings& settings,
                   int threads = 1) {
  Batch batch(ConformerOptions{});
  TrainingTable table;
  table.target_names = {"y"};
  for (size_t i = 0; i < smiles.size(); ++i) {
    batch.add_text({smiles[i]});
    table.values.push_back(static_cast<double>((i * 7) % 11) / 3);
  }
  Trained result{std::make_unique<Job>(base, std::move(batch), std::move(table), settings)};
  RunOptions options;
  options.threads = threads;
  result.job->run(options, {});
  return result;
}

inline bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.bytes() == b.bytes() && std::memcmp(a.hold().get(), b.hold().get(), a.bytes()) == 0;
}

inline bool same_tensors(const Model& a, const Model& b) {
  if (a.tensors().size() != b.tensors().size()) return false;
  for (const auto& [name, tensor] : a.tensors())
    if (!b.tensors().contains(name) || !same_bytes(tensor, b.tensors().at(name))) return false;
  return true;
}

inline double distance(const Model& a, const Model& b, const std::string& name) {
  const auto x = to_f32(a.tensors().at(name)), y = to_f32(b.tensors().at(name));
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return std::sqrt(sum);
}

}  // namespace molrt::test
