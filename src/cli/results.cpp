#include "cli/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "io/csv.h"
#include "io/npy.h"
#include "io/safetensors.h"
#include "molrt.h"

namespace molrt::cli {
namespace {

template <typename Sink>
void copy_spooled(SpoolFile& spool, Sink&& sink) {
  std::array<char, 1 << 16> block;
  spool.flush();
  for (uint64_t at = 0; at < spool.size();) {
    const size_t got = spool.read_at(at, block.data(), block.size());
    sink.write(block.data(), got);
    at += got;
  }
}

}  // namespace

std::string free_name(const std::vector<std::string>& taken, const std::string& wanted) {
  auto name = wanted;
  for (int i = 2; std::find(taken.begin(), taken.end(), name) != taken.end(); ++i) {
    name = fmt::format("{}_{}", wanted, i);
  }
  return name;
}

ResultTable::ResultTable(Output& output, const std::string& format, bool decimal_comma,
                         const std::vector<std::string>& header,
                         const std::vector<std::string>& added)
    : output_(output),
      decimal_comma_(decimal_comma),
      delimiter_(format == "tsv" ? '\t'
                 : decimal_comma ? ';'
                                 : ',') {
  if (output_.resumed()) return;
  auto names = header;
  for (const auto& name : added) names.push_back(free_name(names, name));
  append_csv_record(text_, names, delimiter_);
}

void ResultTable::add(std::vector<std::string> fields, const std::vector<std::string>& added) {
  fields.insert(fields.end(), added.begin(), added.end());
  append_csv_record(text_, fields, delimiter_);
  if (text_.size() > (1 << 16)) flush();
}

std::string ResultTable::number(float value) const {
  if (std::isnan(value)) return "";
  auto text = fmt::format("{}", value);
  if (decimal_comma_) std::replace(text.begin(), text.end(), '.', ',');
  return text;
}

void ResultTable::flush() {
  output_.write(text_.data(), text_.size());
  text_.clear();
}

ResultMatrix::ResultMatrix(Output& output, uint64_t columns, std::optional<uint64_t> known_rows)
    : output_(output), columns_(columns) {
  if (output_.resumed()) {
    rows_ = output_.resumed()->rows;
    flush();  // a kill may have left the head of more rows
  }
  if (output_.has_head()) return;  // its head comes with the first row, or at the end
  if (known_rows) {
    const auto header = npy_header(*known_rows, columns_);
    output_.write(header.data(), header.size());
  } else {
    waiting_ = std::make_unique<SpoolFile>();
  }
}

void ResultMatrix::add(const float* values) {
  if (rows_ == 0) flush();  // the head's place
  ++rows_;
  if (waiting_) {
    waiting_->write(values, columns_ * sizeof(float));
  } else {
    output_.write(values, columns_ * sizeof(float));
  }
}

void ResultMatrix::flush() {
  if (output_.has_head()) output_.set_head(npy_header(rows_, columns_));
}

void ResultMatrix::finish() {
  flush();
  if (!waiting_) return;
  const auto header = npy_header(rows_, columns_);
  output_.write(header.data(), header.size());
  copy_spooled(*waiting_, output_);
}

ResultArrays::ResultArrays(std::string output_path)
    : directory_(std::filesystem::path(std::move(output_path)).parent_path().string()) {
  if (directory_.empty()) directory_ = ".";
}

void ResultArrays::declare(const std::string& name, Dtype dtype, std::vector<int64_t> inner) {
  arrays_[name] = {dtype, std::move(inner), std::make_unique<SpoolFile>(directory_)};
}

void ResultArrays::add(const std::string& name, const float* values, size_t count) {
  arrays_.at(name).values->write(values, count * sizeof(float));
}

void ResultArrays::add(const std::string& name, int64_t value) {
  arrays_.at(name).values->write(&value, sizeof value);
}

void ResultArrays::write(Output& output) {
  TensorMap shapes;
  for (const auto& [name, array] : arrays_) {
    uint64_t item = dtype_size(array.dtype);
    for (const int64_t size : array.inner) item *= static_cast<uint64_t>(size);
    Tensor tensor{array.dtype, {static_cast<int64_t>(array.values->size() / item)}, nullptr};
    tensor.shape.insert(tensor.shape.end(), array.inner.begin(), array.inner.end());
    shapes.emplace(name, std::move(tensor));
  }
  write_safetensors(
      output.file(), shapes, {{"producer", "molrt " + std::string(molrt_version_text())}},
      [&](const std::string& name) { copy_spooled(*arrays_.at(name).values, output); });
}

}  // namespace molrt::cli
