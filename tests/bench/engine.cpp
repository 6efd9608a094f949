// molrt and its limit as run.py's engine: answers lines of words on its input with lines of JSON
// (README.md, the protocol).
//   molrt_bench_engine prepare MODEL TABLE FILE [--rows 256]   molecules for all engines
//   molrt_bench_engine serve MODEL FILE [--threads 2]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/parallel.h"
#include "chain.h"
#include "io/model_file.h"
#include "model/run.h"
#include "molecule_file.h"
#include "training_arm.h"

namespace molrt {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

// ---- models

Model open_for_bench(const std::string& path) {
  return open_model(path, OpenOptions(), [](int32_t, const std::string&) {});
}

Precision network_precision(const std::string& name) {
  const Precision precision = parse_precision(name);
  if (name != precision_name(precision) || !why_not(precision).empty())
    throw CLI::ValidationError(name, "no such precision");
  return precision;
}

Precision chain_precision(const std::string& name) {
  const Precision precision = network_precision(name);
  if (precision == Precision::split) throw CLI::ValidationError(name, "no such products");
  return precision;
}

class Engine {
 public:
  Engine(std::string path, const std::string& molecules, int threads)
      : path_(std::move(path)), threads_(threads), molecules_(read_molecules(molecules)) {}

  json hello() const {
    return {{"engine", "molrt"},
            {"onednn", fmt::format("{} {}", onednn_version(), onednn_isa())},
            {"threads", threads_},
            {"lengths", lengths()}};
  }

  json throughput(const std::string& precision) {
    const Span span = time_of([&] { cls(precision, molecules_.list); });
    return {{"seconds", span.wall}, {"cpu", span.cpu}};
  }
  json outputs(const std::string& precision, const std::string& path) {
    const std::vector<float> values = cls(precision, molecules_.list);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    return json::object();
  }
  json latency(const std::string& precision, size_t index, int count) {
    const Features* one = molecules_.list.at(index);
    return repeat(count, [&] { return time_of([&] { cls(precision, {&one, 1}); }).wall; });
  }
  json chain(const std::string& precision) {
    auto& chain = chains_[precision];
    if (!chain) chain = fastest_chain(shape(), chain_precision(precision), tokens(), threads_);
    const Span span = chain->time(tokens());
    return {{"seconds", span.wall},
            {"cpu", span.cpu},
            {"way", chain->way().text()},
            {"gflop", shape().operations(tokens()) / 1e9}};
  }
  json small_chain(const std::string& precision, size_t index, int count) {
    const size_t rows = molecules_.list.at(index)->length();
    auto& chain = small_chains_[precision + std::to_string(rows)];
    if (!chain) chain = fastest_small_chain(shape(), chain_precision(precision), rows, threads_);
    return repeat(count, [&] { return chain->time(rows).wall; });
  }
  json step(const std::string& precision, size_t batch) {
    if (!training_ || training_->batch.list.size() != batch || training_->precision != precision)
      training_ = std::make_unique<Training>(model(), first(batch), precision, threads_);
    const Span span = training_->arm.step();
    return {{"seconds", span.wall}, {"cpu", span.cpu}};
  }

 private:
  struct Training {
    Molecules batch;
    std::string precision;
    TrainingArm arm;
    Training(const Model& model, std::vector<Features> molecules, const std::string& name,
             int threads)
        : batch(std::move(molecules)),
          precision(name),
          arm(model, batch, {"plain", {{"precision", precision.c_str()}}}, threads) {}
  };

  const Model& model() {
    if (!model_) model_ = open_for_bench(path_);
    return *model_;
  }
  ChainShape shape() {
    const Architecture& a = model().card().architecture;
    return {a.layers, a.width, a.ffn};
  }
  std::vector<int> lengths() const {
    std::vector<int> all;
    for (const Features& m : molecules_.features) all.push_back(m.length());
    return all;
  }
  size_t tokens() const {
    size_t sum = 0;
    for (const Features& m : molecules_.features) sum += m.length();
    return sum;
  }
  std::vector<Features> first(size_t count) const {
    const auto begin = molecules_.features.begin();
    return {begin, begin + std::min(count, molecules_.features.size())};
  }
  // CLS [molecules, width]
  std::vector<float> cls(const std::string& precision, std::span<const Features* const> molecules) {
    const Model& network = model();
    const size_t width = network.card().architecture.width;
    std::vector<float> all(molecules.size() * width);
    EncoderRun run;
    run.threads = threads_;
    run.precision = network_precision(precision);
    run.rows = Encoder::Rows::cls;
    run.consume = [&](size_t m, size_t, const float* rows) {
      std::copy_n(rows, width, all.data() + m * width);
    };
    run_encoder(network, molecules, run);
    return all;
  }
  static json repeat(int count, const std::function<double()>& seconds) {
    std::vector<double> all;
    for (int i = 0; i < count; ++i) all.push_back(seconds());
    return {{"seconds", all}};
  }

  std::string path_;
  int threads_;
  Molecules molecules_;
  std::optional<Model> model_;
  std::map<std::string, std::unique_ptr<Chain>> chains_, small_chains_;
  std::unique_ptr<Training> training_;
};

// ---- the protocol

json answer(Engine& engine, const Words& words) {
  const std::string& command = words.at(0);
  const auto number = [&](size_t i) { return std::stoull(words.at(i)); };
  if (command == "throughput") return engine.throughput(words.at(1));
  if (command == "outputs") return engine.outputs(words.at(1), words.at(2));
  if (command == "latency") return engine.latency(words.at(1), number(2), number(3));
  if (command == "chain") return engine.chain(words.at(1));
  if (command == "chain1") return engine.small_chain(words.at(1), number(2), number(3));
  if (command == "step") return engine.step(words.at(1), number(2));
  if (command == "memory") return {{"peak", peak_bytes()}};
  throw CLI::ValidationError(command, "no such command");
}

json answer_or_error(Engine& engine, const std::string& line) {
  std::istringstream text(line);
  const Words words{std::istream_iterator<std::string>(text), {}};
  try {
    return answer(engine, words);
  } catch (const std::exception& e) {
    return {{"error", e.what()}};
  }
}

void serve(const std::string& model, const std::string& molecules, int threads) {
  Engine engine(model, molecules, threads);
  std::cout << engine.hello() << std::endl;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << answer_or_error(engine, line) << std::endl;
}

}  // namespace
}  // namespace molrt

int main(int argc, char** argv) try {
  CLI::App app("molrt as an engine of tests/bench/run.py");
  app.require_subcommand(1);
  std::string model, table, file;
  size_t rows = 256;
  int threads = molrt::available_threads();
  CLI::App* prepare = app.add_subcommand("prepare", "writes a table's molecules for all engines");
  prepare->add_option("model", model)->required();
  prepare->add_option("table", table)->required();
  prepare->add_option("file", file)->required();
  prepare->add_option("--rows", rows);
  CLI::App* serve = app.add_subcommand("serve", "answers commands");
  serve->add_option("model", model)->required();
  serve->add_option("molecules", file)->required();
  serve->add_option("--threads", threads);
  CLI11_PARSE(app, argc, argv);
  if (*serve) molrt::serve(model, file, threads);
  if (*prepare)
    molrt::write_molecules(
        molrt::features_of(molrt::open_for_bench(model), molrt::read_smiles(table, rows)), file);
  return 0;
} catch (const std::exception& e) {
  std::cerr << "molrt_bench_engine: " << e.what() << "\n";
  return 1;
}
