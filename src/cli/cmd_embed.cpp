// molrt embed: the representations of every molecule of a table, and of its atoms.
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/conformer_cache.h"
#include "cli/results.h"
#include "cli/windows.h"

namespace molrt::cli {
namespace {

constexpr const char* formats = "npy csv tsv safetensors";

struct EmbedOptions : ModelRunOptions {
  bool atoms = false;
};

std::vector<std::string> added_columns(const InputTable& table, size_t width) {
  auto names = molecule_columns(table);
  for (size_t i = 0; i < width; ++i) names.push_back(fmt::format("cls_{}", i));
  names.insert(names.end(), {"status", "flags"});
  return names;
}

class Embedding {
 public:
  explicit Embedding(const EmbedOptions& options)
      : options_(options),
        format_(checked_format(options)),
        progress_(options.report),
        table_(options.input),
        output_(options.output, format_, progress_),
        context_(make_context(options.run.threads, options.conformers, progress_)),
        model_(open_model(context_.get(), options.model, options.open)),
        width_(model_info(model_.get()).width) {
    if (const auto encoders = model_info(model_.get()).encoders; encoders > 1) {
      fail(MOLRT_ERROR_UNSUPPORTED,
           "{}: its folds have {} different encoders, whose representations have no mean; choose "
           "one "
           "fold with --fold",
           options.model, encoders);
    }
  }

  void run() {
    if (format_ == "npy") {
      run_with(ResultMatrix(output_, width_, table_.rows()));
    } else if (format_ == "safetensors") {
      run_with(make_arrays());
    } else {
      run_with(ResultTable(output_, format_, options_.input.decimal_comma, table_.header(),
                           added_columns(table_, width_)));
    }
    output_.commit();
    report();
  }

 private:
  static std::string checked_format(const EmbedOptions& options) {
    const auto format = output_format(options.output, formats);
    if (options.atoms && format != "safetensors") {
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "--atoms: {} holds one row for each molecule; write atoms to a .safetensors file",
           format);
    }
    return format;
  }

  void run_with(auto results) {
    warn_without_header(context_.get(), table_, progress_);
    const auto batch = make_batch(context_.get(), options_.conformers);
    const auto work = [&](Window& window) {
      embed(window);
      for (size_t row = 0; row < window.records.size(); ++row) write(results, window, row);
    };
    for_each_window(
        {table_, batch.get(), output_, progress_, tally_, work, [&] { results.flush(); }});
    finish(results);
  }

  ResultArrays make_arrays() const {
    ResultArrays results(options_.output.path);
    const auto width = static_cast<int64_t>(width_);
    results.declare("cls", Dtype::f32, {width});
    for (const auto* name : {"status", "source", "flags"}) results.declare(name, Dtype::i64);
    if (!options_.atoms) return results;
    results.declare("atoms", Dtype::f32, {width});
    results.declare("atom_offsets", Dtype::i64);
    results.declare("atom_index", Dtype::i64);
    results.add("atom_offsets", int64_t{0});
    return results;
  }

  void embed(const Window& window) {
    const auto run = run_options(options_.run, progress_);
    if (options_.atoms) {
      check(molrt_batch_prepare(context_.get(), model_.get(), window.batch, &run));
      read_atom_index(window);
    }
    cls_.resize(window.records.size() * width_);
    atoms_.resize(atom_index_.size() * width_);
    check(molrt_embed(context_.get(), model_.get(), window.batch, &run, cls_.data(), cls_.size(),
                      options_.atoms ? atoms_.data() : nullptr, atoms_.size()));
  }

  void read_atom_index(const Window& window) {
    atom_index_.clear();
    atom_ends_.clear();
    for (size_t row = 0; row < window.records.size(); ++row) {
      const size_t begin = atom_index_.size(), atoms = get_row(window.batch, row).model_atoms;
      atom_index_.resize(begin + atoms);
      if (atoms > 0) {
        check(molrt_batch_get_model_atoms(window.batch, row, atom_index_.data() + begin, atoms));
      }
      atom_ends_.push_back(atom_index_.size());
    }
  }

  const float* cls(size_t row) const { return cls_.data() + row * width_; }

  void write(ResultMatrix& results, Window&, size_t row) { results.add(cls(row)); }

  void write(ResultTable& results, Window& window, size_t row) {
    auto added = molecule_cells(table_, window, row);
    for (size_t i = 0; i < width_; ++i) added.push_back(results.number(cls(row)[i]));
    added.insert(added.end(), {window.status(row), window.flags(row)});
    results.add(window.records[row].fields, added);
  }

  void write(ResultArrays& results, Window& window, size_t row) {
    const auto info = get_row(window.batch, row);
    results.add("cls", cls(row), width_);
    results.add("status", info.status);
    results.add("source", info.source);
    results.add("flags", info.flags);
    if (options_.atoms) write_atoms(results, row);
  }

  void write_atoms(ResultArrays& results, size_t row) {
    const size_t begin = row == 0 ? 0 : atom_ends_[row - 1], atoms = atom_ends_[row] - begin;
    results.add("atoms", atoms_.data() + begin * width_, atoms * width_);
    for (size_t i = 0; i < atoms; ++i) results.add("atom_index", atom_index_[begin + i]);
    atoms_written_ += static_cast<int64_t>(atoms);
    results.add("atom_offsets", atoms_written_);
  }

  void finish(auto& results) { results.finish(); }

  void finish(ResultArrays& results) { results.write(output_); }

  void report() {
    tally_.print(progress_, "embedded");
    say_conformers(context_.get(), progress_);
    if (!options_.report.json) return;
    auto json = tally_.json();
    json["width"] = width_;
    add_conformers(context_.get(), json);
    json["seconds"] = progress_.seconds();
    print_json(json, output_.is_stdout());
  }

  const EmbedOptions& options_;
  std::string format_;
  Progress progress_;
  InputTable table_;
  Output output_;
  Context context_;
  Model model_;
  size_t width_;
  std::vector<float> cls_, atoms_;   // of the window: [rows, width], [sum of model_atoms, width]
  std::vector<int32_t> atom_index_;  // of the window: [sum of model_atoms]
  std::vector<size_t> atom_ends_;    // [rows]: where each row's atoms end
  int64_t atoms_written_ = 0;
  Tally tally_;
};

}  // namespace

Command embed_command(CLI::App& app) {
  auto* command = app.add_subcommand("embed", "Representations of the molecules in a table");
  auto options = std::make_shared<EmbedOptions>();
  command
      ->add_option("-m,--model,--weights", options->model,
                   "Model or weights; molecule or oled: those that come with molrt")
      ->required()
      ->transform(model_path)
      ->type_name("FILE");
  command->add_flag("--atoms", options->atoms, "The atoms' representations too (safetensors)");
  add_model_run_options(*command, *options, formats);
  command->footer(
      "npy: float32 [rows, width], NaN for rows that failed.\n"
      "csv, tsv: the input's own columns, cls_0, cls_1 ..., status and flags.\n"
      "safetensors: cls [rows, width]; status, source and flags [rows], numbers as in molrt.h; "
      "with\n"
      "--atoms also atoms [sum, width], atom_offsets [rows + 1] (row i's atoms are offsets[i] to\n"
      "offsets[i+1]) and atom_index [sum]: the atom's index in the SMILES, -1 for an added "
      "hydrogen.");
  return {command, [options] { Embedding(*options).run(); }};
}

}  // namespace molrt::cli
