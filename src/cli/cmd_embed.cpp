// molrt embed: the representations of every molecule of a table, and of its atoms.
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "cli/arrays.h"
#include "cli/commands.h"
#include "cli/windows.h"

namespace molrt::cli {
namespace {

constexpr const char* formats = "npy csv tsv safetensors";

struct EmbedOptions : ModelRunOptions {
  bool atoms = false;
};

std::vector<std::string> added_columns(size_t width) {
  std::vector<std::string> names;
  for (size_t i = 0; i < width; ++i) names.push_back(fmt::format("cls_{}", i));
  names.insert(names.end(), {"status", "flags"});
  return names;
}

// Everything in memory until the end: safetensors' header comes first and tells all sizes.
struct ArrayResults {
  std::vector<float> cls, atoms;
  std::vector<int64_t> status, source, flags, atom_offsets = {0}, atom_index;
};

class Embedding {
 public:
  explicit Embedding(const EmbedOptions& options)
      : options_(options),
        format_(checked_format(options)),
        table_(options.input),
        output_(options.output.path),
        progress_(options.report),
        context_(make_context(options.run.threads, progress_)),
        model_(open_model(context_.get(), options.model, options.open)),
        width_(model_info(model_.get()).width) {}

  void run() {
    if (format_ == "npy") {
      run_with(ResultMatrix(output_, width_));
    } else if (format_ == "safetensors") {
      run_with(ArrayResults());
    } else {
      run_with(ResultTable(output_, format_, table_.header(), added_columns(width_)));
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
    for_each_window(table_, batch.get(), progress_, tally_, [&](Window& window) {
      embed(window);
      for (size_t row = 0; row < window.records.size(); ++row) write(results, window, row);
      if (options_.atoms) write_atoms(results);
    });
    finish(results);
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
    const auto info = get_row(window.batch, row);
    std::vector<std::string> added;
    for (size_t i = 0; i < width_; ++i) added.push_back(number_text(cls(row)[i]));
    added.insert(added.end(), {row_status(info), row_flags(info)});
    results.add(window.records[row].fields, added);
  }

  void write(ArrayResults& results, Window& window, size_t row) {
    const auto info = get_row(window.batch, row);
    results.cls.insert(results.cls.end(), cls(row), cls(row) + width_);
    results.status.push_back(info.status);
    results.source.push_back(info.source);
    results.flags.push_back(info.flags);
  }

  void write_atoms(ArrayResults& results) {
    const auto before = static_cast<int64_t>(results.atom_index.size());
    for (const size_t end : atom_ends_) {
      results.atom_offsets.push_back(before + static_cast<int64_t>(end));
    }
    results.atom_index.insert(results.atom_index.end(), atom_index_.begin(), atom_index_.end());
    results.atoms.insert(results.atoms.end(), atoms_.begin(), atoms_.end());
  }

  void write_atoms(auto&) {}  // refused by checked_format

  void finish(auto& results) { results.finish(); }

  void finish(ArrayResults& results) {
    const auto rows = static_cast<int64_t>(results.status.size());
    const auto width = static_cast<int64_t>(width_);
    TensorMap tensors;
    tensors["cls"] = make_tensor({rows, width}, std::move(results.cls));
    tensors["status"] = integers(results.status);
    tensors["source"] = integers(results.source);
    tensors["flags"] = integers(results.flags);
    if (options_.atoms) {
      const auto atoms = static_cast<int64_t>(results.atom_index.size());
      tensors["atoms"] = make_tensor({atoms, width}, std::move(results.atoms));
      tensors["atom_offsets"] = integers(results.atom_offsets);
      tensors["atom_index"] = integers(results.atom_index);
    }
    write_arrays(output_, tensors);
  }

  void report() {
    tally_.print(progress_, "embedded");
    if (!options_.report.json) return;
    auto json = tally_.json();
    json["width"] = width_;
    json["seconds"] = progress_.seconds();
    print_json(json, output_.is_stdout());
  }

  const EmbedOptions& options_;
  std::string format_;
  InputTable table_;
  Output output_;
  Progress progress_;
  Context context_;
  Model model_;
  size_t width_;
  std::vector<float> cls_, atoms_;   // of the window: [rows, width], [sum of model_atoms, width]
  std::vector<int32_t> atom_index_;  // of the window: [sum of model_atoms]
  std::vector<size_t> atom_ends_;    // [rows]: where each row's atoms end
  Tally tally_;
};

}  // namespace

Command embed_command(CLI::App& app) {
  auto* command = app.add_subcommand("embed", "Representations of the molecules in a table");
  auto options = std::make_shared<EmbedOptions>();
  command->add_option("-m,--model,--weights", options->model, "Model or weights")
      ->required()
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
