// What a training step costs with each method of regularisation, by the clock of one run beside
// what is counted (regularisers.md 10), and with --memory the peak of a process of its own for
// each:
//   molrt_bench_methods TABLE.csv [--layers 15] [--width 512] [--rounds 7] [--rows 32]
//                                 [--threads 2] [--memory]
// The steps of all arms take turns, so that a noisy machine disturbs all alike; times are medians.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <functional>
#include <optional>

#include "chem/conformer.h"
#include "model/initialise.h"
#include "model/mc.h"
#include "train/counted.h"
#include "train/mc_settings.h"
#include "train/network.h"
#include "train/optimiser.h"
#include "train/run_settings.h"
#include "train/task_plan.h"

namespace molrt {
namespace {

using Change = std::pair<const char*, const char*>;

struct ArmSettings {
  const char* name;
  std::vector<Change> changes;
};

const std::vector<ArmSettings> all_arms = {
    {"plain", {}},
    {"no_dropout", {{"no_dropout", "1"}}},
    {"bf16", {{"precision", "bf16"}}},
    {"msd n=5 loss", {{"msd.n", "5"}, {"msd.p", ".2"}}},
    {"mixout column", {{"mixout.p", ".9"}, {"mixout.replaces_dropout", "0"}}},
    {"mixout element",
     {{"mixout.p", ".9"}, {"mixout.mask", "element"}, {"mixout.replaces_dropout", "0"}}},
    {"child F", {{"child.mode", "F"}}},
    {"child F update", {{"child.mode", "F"}, {"child.stage", "update"}}},
    {"child D (after its epoch)", {{"child.mode", "D"}, {"fisher.batches", "1"}}},
    {"rdrop", {{"rdrop.on", "1"}}},
    {"addrop ga", {{"addrop.q", ".3"}, {"addrop.every", "1"}}},
    {"addrop aa", {{"addrop.q", ".3"}, {"addrop.every", "1"}, {"addrop.attr", "aa"}}},
    {"addrop iga m=4",
     {{"addrop.q", ".3"}, {"addrop.every", "1"}, {"addrop.attr", "iga"}, {"addrop.m", "4"}}},
};

void set(Settings& s, const Change& change) {
  const auto& table = settings_table();
  const auto row = std::find_if(table.begin(), table.end(), [&](const SettingRow& r) {
    return std::string(r.name) == change.first;
  });
  if (std::holds_alternative<std::string>(row->default_value))
    s.set_text(change.first, change.second);
  else if (std::holds_alternative<double>(row->default_value))
    s.set_f64(change.first, std::stod(change.second));
  else
    s.set_i64(change.first, std::stoll(change.second));
}

// Of the wall, and of all threads' processors: the latter does not see other programs.
struct Times {
  std::vector<double> wall, cpu;
  void add(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t ticks = std::clock();
    work();
    cpu.push_back(static_cast<double>(std::clock() - ticks) / CLOCKS_PER_SEC);
    wall.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Molecules {
  std::vector<Features> features;
  TrainingMolecules list;
  std::vector<double> values;
  std::vector<size_t> rows;
};

std::vector<std::string> read_smiles(const std::string& path, size_t count) {
  std::ifstream file(path);
  std::vector<std::string> smiles;
  std::string line;
  std::getline(file, line);
  while (smiles.size() < count && std::getline(file, line))
    smiles.push_back(line.substr(0, line.find(',')));
  return smiles;
}

// Those of the table that have a conformer.
Molecules make_molecules(const Model& base, const std::vector<std::string>& smiles) {
  Molecules m;
  for (const auto& text : smiles) {
    const auto result = make_conformer(text, {});
    if (result.status != MOLRT_ROW_OK) continue;
    m.features.push_back(
        make_features(result.conformer, base.dictionary(), base.feature_options()));
    m.values.push_back(static_cast<double>(m.values.size() % 7));
  }
  for (const Features& f : m.features) {
    m.rows.push_back(m.list.size());
    m.list.push_back(&f);
  }
  return m;
}

// A network in training.
class Arm {
 public:
  Arm(const Model& base, const Molecules& molecules, const ArmSettings& arm, int threads)
      : name_(arm.name), molecules_(molecules), threads_(threads), frozen_(0) {
    settings_.set_text("freeze.prefix", "none");
    for (const Change& change : arm.changes) set(settings_, change);
    team_.emplace(threads, precision_of(settings_));
    const int layers = base.card().architecture.layers;
    counted_ = count_run(settings_, layers, 0);
    network_ = read_network_settings(settings_);
    data_.rows = molecules.rows.size();
    data_.width = base.card().architecture.width;
    data_.targets = 1;
    data_.values = molecules.values;
    data_.target_names = {"y"};
    fold_.emplace(make_fold(data_, network_.head,
                            plan_task(data_, network_.head.task, molecules.rows), {},
                            {molecules.rows, {}, {}}));
    trainee_.emplace(base, molecules.list, *fold_, network_, *team_, frozen_);
    tensors_ = trainee_->tensors();
    adam_.emplace(.9, .999, 1e-6, tensors_);
    for (const auto& method : *fold_->methods) method->on_start(tensors_);
    start_epoch();
  }

  void step() {
    times_.add([&] {
      trainee_->learn(molecules_.rows, {step_, 1, 1000}, 0);
      clip_gradients(tensors_, 5, threads_);
      adam_->step(tensors_, 1e-5, threads_, {*fold_->methods, random_key(fold_->seed, step_)});
    });
    ++step_;
  }
  void forget() { times_ = {}; }

  const std::string& name() const { return name_; }
  double counted() const { return counted_.factor; }
  const Times& times() const { return times_; }

 private:
  void start_epoch() {
    for (const auto& method : *fold_->methods)
      method->on_epoch({0, *trainee_, tensors_, molecules_.rows, 2, 42, threads_, [] {}});
  }

  std::string name_;
  const Molecules& molecules_;
  int threads_;
  Settings settings_;
  Counted counted_;
  NetworkSettings network_;
  HeadTrainingData data_;
  std::optional<Fold> fold_;
  FrozenLayers frozen_;
  std::optional<Team> team_;
  std::optional<NetworkTrainee> trainee_;
  std::vector<TrainedTensor> tensors_;
  std::optional<Adam> adam_;
  uint32_t step_ = 0;
  Times times_;
};

struct Options {
  std::string table;
  std::vector<std::string> arms;  // empty: all
  int layers = 15, width = 512, rounds = 7, threads = 2;
  size_t rows = 32;
  bool memory = false;
};

Model make_base(const Options& o) {
  const Architecture a{
      PairKernel::gaussian, o.layers,    o.width,
      4 * o.width,          o.width / 8, official_architecture(PairKernel::gaussian).vocabulary};
  return initialise_model(a, Hydrogens::all, TokenLayout::file_order, 7);
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void print_line(const std::string& name, const Times& times, const Times& plain, double counted) {
  fmt::print("{:28} {:9.1f} ms {:8.3f} {:8.3f} {:8.3f}\n", name, 1e3 * median(times.wall),
             median(times.wall) / median(plain.wall), median(times.cpu) / median(plain.cpu),
             counted);
}

// Of passes with dropout, which predict, by one without.
void print_mc(const Model& base, const Molecules& molecules, const Options& o) {
  Team team(o.threads);
  NoisyEncoder encoder(base.card().architecture, base.tensors());
  DropoutRates rates;
  rates.embedding = rates.attention = rates.residual = .1;
  const std::vector<uint32_t> ids(molecules.list.size(), 1);
  Times plain, noisy;
  constexpr uint32_t passes = 3;
  for (int round = 0; round < o.rounds; ++round) {
    plain.add([&] { encoder.cls(team, molecules.list, {}); });
    noisy.add([&] {
      for (uint32_t t = 0; t < passes; ++t)
        encoder.cls(team, molecules.list, encoder_noise(rates, t, ids));
    });
  }
  print_line("MC prediction, T=3", noisy, plain, passes);
}

bool is_wanted(const Options& o, const std::string& arm) {
  if (arm == "bf16" && !has_bf16()) return false;
  return o.arms.empty() || std::find(o.arms.begin(), o.arms.end(), arm) != o.arms.end();
}

void run(const Options& o) {
  const Model base = make_base(o);
  const Molecules molecules = make_molecules(base, read_smiles(o.table, o.rows));
  std::vector<std::unique_ptr<Arm>> arms;
  for (const ArmSettings& arm : all_arms)
    if (is_wanted(o, arm.name))
      arms.push_back(std::make_unique<Arm>(base, molecules, arm, o.threads));
  for (const auto& arm : arms) arm->step();  // what is made once
  for (const auto& arm : arms) arm->forget();
  for (int round = 0; round < o.rounds; ++round)
    for (const auto& arm : arms) arm->step();
  if (o.memory) {
    fmt::print("{:28} {:9.1f} MB\n", o.arms.front(), peak_megabytes());
    return;
  }
  fmt::print(
      "{} layers x {}, {} molecules, {} threads; medians of {} steps\n{:28} {:>12} {:>8} {:>8} "
      "{:>8}\n",
      o.layers, o.width, molecules.rows.size(), o.threads, o.rounds, "step", "time", "factor",
      "of CPU", "counted");
  for (const auto& arm : arms)
    print_line(arm->name(), arm->times(), arms[0]->times(), arm->counted());
  print_mc(base, molecules, o);
}

}  // namespace
}  // namespace molrt

int main(int argc, char** argv) {
  molrt::Options o;
  CLI::App app("what training steps cost with each method");
  app.add_option("table", o.table, "a table whose first column is SMILES")->required();
  app.add_option("--layers", o.layers);
  app.add_option("--width", o.width);
  app.add_option("--rounds", o.rounds);
  app.add_option("--rows", o.rows);
  app.add_option("--threads", o.threads);
  app.add_option("--arm", o.arms, "these alone, the first of which is the baseline");
  app.add_flag("--memory", o.memory, "the peak memory of --arm, of each in a process of its own");
  CLI11_PARSE(app, argc, argv);
  if (o.memory && o.arms.empty()) {
    for (const auto& arm : molrt::all_arms) {
      const auto command = fmt::format(
          "'{}' '{}' --layers {} --width {} --rounds 1 --rows {} --threads {} --memory --arm '{}'",
          argv[0], o.table, o.layers, o.width, o.rows, o.threads, arm.name);
      if (std::system(command.c_str()) != 0) return 1;
    }
    return 0;
  }
  molrt::run(o);
}
