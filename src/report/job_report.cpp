#include "report/job_report.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <bit>
#include <cmath>
#include <memory>

#include "base/error.h"

namespace molrt {
namespace {

using Json = nlohmann::ordered_json;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_) throw std::bad_alloc();
    check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
  }
  void add(const void* data, size_t size) { check(EVP_DigestUpdate(context_.get(), data, size)); }
  // With its length, so that no two lists of texts are the same bytes.
  void add(const std::string& text) {
    add(static_cast<double>(text.size()));
    add(text.data(), text.size());
  }
  void add(double value) {  // all NaN are one
    auto bits = std::bit_cast<uint64_t>(std::isnan(value) ? std::nan("") : value);
    for (int i = 0; i < 8; ++i, bits >>= 8) {
      const auto byte = static_cast<unsigned char>(bits);
      add(&byte, 1);
    }
  }
  std::string hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    check(EVP_DigestFinal_ex(context_.get(), digest, &size));
    std::string text;
    for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  static void check(int done) {
    if (done != 1) fail(MOLRT_ERROR_INTERNAL, "OpenSSL cannot make a SHA-256");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

void add_atoms(const Batch& batch, size_t row, Sha256& hash) {
  if (batch.conformers(row) == 0) return;
  const Conformer& atoms = batch.conformer(row, 0);
  for (const uint8_t number : atoms.atomic_numbers) hash.add(&number, 1);
  for (const float x : atoms.coordinates) hash.add(static_cast<double>(x));
}

// Of the molecules as they were given and their values, in order.
std::string data_hash(const Batch& batch, const TrainingTable& table) {
  Sha256 hash;
  for (const std::string& name : table.target_names) hash.add(name);
  const size_t targets = table.target_names.size();
  for (size_t row = 0; row < batch.size(); ++row) {
    hash.add(batch.text(row).text);
    if (batch.is_atoms(row)) add_atoms(batch, row, hash);
    for (size_t t = 0; t < targets; ++t) hash.add(table.values[row * targets + t]);
  }
  return hash.hex();
}

Json defaults(const Settings& settings) {
  Json json = Json::object();
  for (const SettingRow& row : settings_table()) {
    const SettingValue value =
        row.default_beside == nullptr ? row.default_value : row.default_beside(settings);
    std::visit([&](const auto& typed) { json[row.name] = typed; }, value);
  }
  return json;
}

// Where the weights came from, as far as their file says.
std::string origin(const ModelCard& card) {
  const Json provenance = Json::parse(card.provenance);
  if (!provenance.is_object()) return "";
  if (provenance.value("untrained", false)) return ", untrained";
  const auto file = provenance.find("file");
  return file != provenance.end() && file->is_string() ? ", from " + file->get<std::string>() : "";
}

std::string in_words(const Model& model) {
  const Architecture& a = model.card().architecture;
  return fmt::format("{} architecture, {} layers, width {}, {:.1f} million parameters{}",
                     a.kernel == PairKernel::linear ? "OLED" : "molecule", a.layers, a.width,
                     static_cast<double>(model.parameters()) / 1e6, origin(model.card()));
}

// {"file": "a.pt", "bytes": 7} -> "file a.pt, bytes 7".
std::string in_words(const std::string& json) {
  std::string text;
  const Json object = Json::parse(json);
  for (const auto& [key, value] : object.items())
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key,
                        value.is_string() ? value.get<std::string>() : value.dump());
  return text;
}

// Of the members, each once.
std::string seeds_of(const Json& run) {
  std::vector<std::string> seeds;
  for (const Json& fold : run.at("folds"))
    if (const std::string seed = fold.at("seed").dump(); seeds.empty() || seeds.back() != seed)
      seeds.push_back(seed);
  return fmt::format("{}", fmt::join(seeds, ", "));
}

std::vector<ReportRow> rows_of(const Batch& batch) {
  std::vector<ReportRow> rows;
  for (size_t i = 0; i < batch.size(); ++i) {
    const RowState state = batch.row(i);
    rows.push_back({batch.text(i), state.status, state.source, state.flags, batch.message(i)});
  }
  return rows;
}

// One column of a matrix [rows, columns].
template <typename T>
std::vector<T> column(const std::vector<T>& matrix, size_t columns, size_t index) {
  std::vector<T> values;
  for (size_t i = index; i < matrix.size(); i += columns) values.push_back(matrix[i]);
  return values;
}

// A multiclass target's outputs are its classes; else each target has one.
std::vector<float> predictions(const HeadTrainingResult& result, size_t targets, size_t index) {
  return result.plan.task == Task::multiclass ? result.held_out
                                              : column(result.held_out, targets, index);
}

std::vector<ReportTarget> targets_of(const TrainingTable& table, const HeadTrainingResult& result) {
  std::vector<ReportTarget> targets;
  const size_t count = table.target_names.size();
  for (size_t t = 0; t < count; ++t) {
    ReportTarget target;
    target.name = table.target_names[t];
    target.unit = table.units[t];
    target.error_bar = column(result.error, count, t);
    target.measured = column(table.values, count, t);
    target.classes = result.plan.classes;
    target.predicted = predictions(result, count, t);
    if (t < result.thresholds.size()) target.threshold = result.thresholds[t];
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace

ReportData report_data(const Job& job, const std::string& title, const std::string& begun) {
  ReportData data;
  data.run = Json::parse(job.result().report);
  data.defaults = defaults(job.settings());
  data.title = title;
  data.task = job.model()->card().task;
  data.base = in_words(job.base());
  data.targets = targets_of(job.table(), job.result());
  data.rows = rows_of(job.batch());
  data.provenance = {
      {"Software", molrt_build_info()},
      {"Begun", begun},
      {"Seeds", seeds_of(data.run)},
      {"Data (SHA-256 of molecules and values)", data_hash(job.batch(), job.table())},
      {"Base model", in_words(job.base().card().provenance)}};
  return data;
}

}  // namespace molrt
