// What a training step costs with each method of regularisation, by the clock of one run beside
// what is counted (regularisers.md 10), and with --memory the peak of a process of its own for
// each:
//   molrt_bench_methods TABLE.csv [--layers 15] [--width 512] [--rounds 7] [--rows 32]
//                                 [--threads 2] [--memory]
// The steps of all arms take turns, so that a noisy machine disturbs all alike; times are medians.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "model/initialise.h"
#include "model/mc.h"
#include "train/mc_settings.h"
#include "training_arm.h"

namespace molrt {
namespace {

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

// With the times of its steps.
struct Arm {
  TrainingArm arm;
  Times times;
  void step() { times.add(arm.step()); }
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
    plain.add(time_of([&] { encoder.cls(team, molecules.list, {}); }));
    noisy.add(time_of([&] {
      for (uint32_t t = 0; t < passes; ++t)
        encoder.cls(team, molecules.list, encoder_noise(rates, t, ids));
    }));
  }
  print_line("MC prediction, T=3", noisy, plain, passes);
}

bool is_wanted(const Options& o, const std::string& arm) {
  if (arm == "bf16" && !has_bf16()) return false;
  return o.arms.empty() || std::find(o.arms.begin(), o.arms.end(), arm) != o.arms.end();
}

void run(const Options& o) {
  const Model base = make_base(o);
  const Molecules molecules(features_of(base, read_smiles(o.table, o.rows)));
  std::vector<std::unique_ptr<Arm>> arms;
  for (const ArmSettings& arm : all_arms)
    if (is_wanted(o, arm.name)) arms.emplace_back(new Arm{{base, molecules, arm, o.threads}, {}});
  for (const auto& arm : arms) arm->arm.step();  // what is made once
  for (int round = 0; round < o.rounds; ++round)
    for (const auto& arm : arms) arm->step();
  if (o.memory) {
    fmt::print("{:28} {:9.1f} MB\n", o.arms.front(), peak_bytes() / (1 << 20));
    return;
  }
  fmt::print(
      "{} layers x {}, {} molecules, {} threads; medians of {} steps\n{:28} {:>12} {:>8} {:>8} "
      "{:>8}\n",
      o.layers, o.width, molecules.rows.size(), o.threads, o.rounds, "step", "time", "factor",
      "of CPU", "counted");
  for (const auto& arm : arms)
    print_line(arm->arm.name(), arm->times, arms[0]->times, arm->arm.counted());
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
