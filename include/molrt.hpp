// molrt.hpp: molrt.h for C++17, in this header alone. Link with libmolrt; nothing else is needed.
//
//   molrt::Context context;
//   const auto model = molrt::Model::open(context, "solubility.molrt");
//   molrt::Batch batch(context);
//   batch.add("CCO");
//   const float mean = molrt::predict(context, model, batch).mean[0];
//
// molrt.h says what each call does; its constants and its functions that return a text are used as
// they are. What this header adds to its conventions:
//  1. Errors. A call that fails throws Error, with the status and the library's text. A bad
//     molecule is its row's status and a row of NaN, never an exception.
//  2. Ownership. Objects own their handles, can be moved and not copied, and may be destroyed in
//     any order. One that was moved from may be assigned to or destroyed; calls with it throw
//     Error. get() is the handle, for calls of molrt.h.
//  3. Structs are molrt.h's with the defaults filled in; `const char*` fields stay the caller's.
//  4. Arrays are std::vector, row-major. A length that does not fit the rest throws Error.
//  5. Texts are std::string in UTF-8. C ends a text at its first NUL: one inside becomes U+FFFD.
//  6. Callbacks are std::function and run on the calling thread. They may throw: the call stops
//     as soon as it can, and the exception leaves the call as if there were no C between.
//  7. Threads. A Context, Batch, Settings, Job or Pretraining is used by one thread at a time; a
//  const Model
//     by any number, each with a Context of its own.
#ifndef MOLRT_HPP
#define MOLRT_HPP

#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "molrt.h"

namespace molrt {
inline namespace v0_1 {  // two headers in one program stay apart

class MOLRT_API Error : public std::runtime_error {
 public:
  Error(int32_t status, const std::string& text) : std::runtime_error(text), status_(status) {}
  int32_t status() const noexcept { return status_; }  // MOLRT_ERROR_*

 private:
  int32_t status_;
};

// Throws if the status of a call of molrt.h, just made on this thread, is no MOLRT_OK.
inline void check(int32_t status) {
  if (status != MOLRT_OK) throw Error(status, molrt_last_error());
}

namespace detail {

template <typename T, void (*free)(T*)>
struct Free {
  void operator()(T* handle) const noexcept { free(handle); }
};
template <typename T, void (*free)(T*)>
using Handle = std::unique_ptr<T, Free<T, free>>;

// A struct of molrt.h with the library's defaults.
template <typename CStruct, int32_t (*init)(CStruct*, size_t)>
struct Struct : CStruct {
  Struct() { check(init(this, sizeof(CStruct))); }
};

inline void require(bool fits, const char* expected) {
  if (!fits) throw Error(MOLRT_ERROR_INVALID_ARGUMENT, expected);
}

inline std::string without_nul(std::string text) {
  for (size_t i = 0; (i = text.find('\0', i)) != std::string::npos;)
    text.replace(i, 1, "\xEF\xBF\xBD");
  return text;
}

inline std::vector<std::string> without_nul(std::vector<std::string> texts) {
  for (auto& text : texts) text = without_nul(std::move(text));
  return texts;
}

// The addresses of texts, which must outlive them.
inline std::vector<const char*> addresses(const std::vector<std::string>& texts) {
  std::vector<const char*> list;
  for (const auto& text : texts) list.push_back(text.c_str());
  return list;
}

// The text of a call with (buffer, capacity, needed).
template <typename Call>
std::string read_text(Call call) {
  size_t needed = 0;
  check(call(nullptr, 0, &needed));
  std::string text(needed, '\0');
  check(call(&text[0], text.size(), &needed));
  text.resize(needed - 1);
  return text;
}

// A callback, and what it threw until the call that it ran in has returned.
template <typename Function>
class Callback {
 public:
  explicit Callback(Function function) : function_(std::move(function)) {}
  explicit operator bool() const { return static_cast<bool>(function_); }

  // True: go on.
  template <typename... Arguments>
  bool call(Arguments... arguments) noexcept {
    if (raised_) return false;
    try {
      return function_(arguments...);
    } catch (...) {
      raised_ = std::current_exception();
      return false;
    }
  }
  std::exception_ptr take() noexcept { return std::exchange(raised_, nullptr); }

 private:
  Function function_;
  std::exception_ptr raised_;
};

}  // namespace detail

/* ---- context ------------------------------------------------------------------------------------
 */
// Called with MOLRT_LOG_* and a message.
using Log = std::function<void(int32_t level, const std::string& message)>;

struct ContextOptions : detail::Struct<molrt_context_options, molrt_context_options_init> {
  Log on_log;  // instead of `log` and `log_user`; what it throws leaves the call when that ends
};

using ConformerCacheInfo =
    detail::Struct<molrt_conformer_cache_info, molrt_conformer_cache_info_init>;

class Context {
 public:
  explicit Context(const ContextOptions& options = {})
      : log_(new LogCallback(wrap(options.on_log))) {
    molrt_context_options c = options;
    if (options.on_log) {
      c.log = forward;
      c.log_user = log_.get();
    }
    molrt_context* made = nullptr;
    const int32_t status = molrt_context_create(&c, &made);
    handle_.reset(made);
    check(status);
  }
  explicit Context(int32_t threads) : Context(with_threads(threads)) {}

  molrt_context* get() const noexcept { return handle_.get(); }

  // Conformers that were made before, by any process: a file (molrt.h). max_bytes 0: 1 GiB.
  void set_conformer_cache(const std::string& path, uint64_t max_bytes = 0) const {
    check(molrt_context_set_conformer_cache(get(), detail::without_nul(path).c_str(), max_bytes));
  }
  void unset_conformer_cache() const {
    check(molrt_context_set_conformer_cache(get(), nullptr, 0));
  }
  // What the file was good for.
  ConformerCacheInfo conformer_cache() const {
    ConformerCacheInfo info;
    check(molrt_context_get_conformer_cache(get(), &info));
    return info;
  }

  // Ends a call of molrt.h with this context: throws what the log threw, or what failed.
  void finish(int32_t status) const {
    const auto raised = log_ ? log_->take() : nullptr;
    if (raised) std::rethrow_exception(raised);
    check(status);
  }

 private:
  using LogCallback = detail::Callback<std::function<bool(int32_t, const char*)>>;

  static std::function<bool(int32_t, const char*)> wrap(const Log& log) {
    return [log](int32_t level, const char* message) {
      log(level, message);
      return true;
    };
  }
  static void forward(void* log, int32_t level, const char* message) noexcept {
    static_cast<LogCallback*>(log)->call(level, message);
  }
  static ContextOptions with_threads(int32_t threads) {
    ContextOptions options;
    options.threads = threads;
    return options;
  }

  std::unique_ptr<LogCallback> log_;  // its address is the library's
  detail::Handle<molrt_context, molrt_context_free> handle_;
};

// What is in a file of conformers, as JSON.
inline std::string describe_conformer_cache(const std::string& path) {
  return detail::read_text([&](char* buffer, size_t capacity, size_t* needed) {
    return molrt_conformer_cache_describe(detail::without_nul(path).c_str(), buffer, capacity,
                                          needed);
  });
}
inline void clear_conformer_cache(const std::string& path) {
  check(molrt_conformer_cache_clear(detail::without_nul(path).c_str()));
}

/* ---- model --------------------------------------------------------------------------------------
 */
using OpenOptions = detail::Struct<molrt_open_options, molrt_open_options_init>;
using Architecture = detail::Struct<molrt_architecture, molrt_architecture_init>;
using ModelInfo = detail::Struct<molrt_model_info, molrt_model_info_init>;
using SaveOptions = detail::Struct<molrt_save_options, molrt_save_options_init>;

// Uni-Mol's own weight files, as JSON, and which of them a file is; FORMAT for a broken download.
inline std::string describe_official_weights() {
  return detail::read_text([](char* buffer, size_t capacity, size_t* needed) {
    return molrt_official_weights_describe(buffer, capacity, needed);
  });
}
inline std::string find_model(const std::string& path) {
  return detail::read_text([&](char* buffer, size_t capacity, size_t* needed) {
    return molrt_model_find(detail::without_nul(path).c_str(), buffer, capacity, needed);
  });
}
inline std::string verify_official_weights(const std::string& path) {
  return detail::read_text([&](char* buffer, size_t capacity, size_t* needed) {
    return molrt_official_weights_verify(detail::without_nul(path).c_str(), buffer, capacity,
                                         needed);
  });
}

class Model {
 public:
  static Model open(const Context& context, const std::string& path,
                    const OpenOptions& options = {}) {
    return made(context, [&](molrt_model** model) {
      return molrt_model_open(context.get(), detail::without_nul(path).c_str(), &options, model);
    });
  }
  // From a file's bytes, which may be freed afterwards.
  static Model open(const Context& context, const void* data, size_t size,
                    const OpenOptions& options = {}) {
    return made(context, [&](molrt_model** model) {
      return molrt_model_open_memory(context.get(), data, size, &options, model);
    });
  }
  static Model untrained(const Context& context, const Architecture& architecture = {}) {
    return made(context, [&](molrt_model** model) {
      return molrt_model_create_untrained(context.get(), &architecture, model);
    });
  }
  // Owns what a call of molrt.h made.
  explicit Model(molrt_model* handle) noexcept : handle_(handle) {}

  void save(const Context& context, const std::string& path,
            const SaveOptions& options = {}) const {
    context.finish(
        molrt_model_save(context.get(), get(), detail::without_nul(path).c_str(), &options));
  }

  ModelInfo info() const {
    ModelInfo info;
    check(molrt_model_get_info(get(), &info));
    return info;
  }
  std::vector<std::string> target_names() const {
    std::vector<std::string> names;
    for (int32_t i = 0; const char* name = molrt_model_target_name(get(), i); ++i)
      names.emplace_back(name);
    return names;
  }
  // Of the columns that the head reads (Batch::set_columns).
  std::vector<std::string> column_names() const {
    std::vector<std::string> names;
    for (int32_t i = 0; const char* name = molrt_model_column_name(get(), i); ++i)
      names.emplace_back(name);
    return names;
  }
  // The targets' units, "" where not known.
  std::vector<std::string> target_units() const {
    std::vector<std::string> units;
    for (int32_t i = 0; const char* unit = molrt_model_target_unit(get(), i); ++i)
      units.emplace_back(unit);
    return units;
  }
  // The probability above which an output is class 1; NaN where the model stores none.
  double threshold(int32_t output = 0) const {
    double threshold = 0;
    check(molrt_model_get_threshold(get(), output, &threshold));
    return threshold;
  }
  // Everything known of the model, as JSON.
  std::string describe() const {
    return detail::read_text([this](char* buffer, size_t capacity, size_t* needed) {
      return molrt_model_describe(get(), buffer, capacity, needed);
    });
  }
  bool supports_element(const std::string& symbol) const {
    int32_t supported = 0;
    check(molrt_model_supports_element(get(), detail::without_nul(symbol).c_str(), &supported));
    return supported != 0;
  }

  const molrt_model* get() const noexcept { return handle_.get(); }

 private:
  template <typename Call>
  static Model made(const Context& context, Call call) {
    molrt_model* handle = nullptr;
    const int32_t status = call(&handle);
    Model model(handle);
    context.finish(status);
    return model;
  }

  detail::Handle<molrt_model, molrt_model_free> handle_;
};

/* ---- running ------------------------------------------------------------------------------------
 */
// Called every so often; false stops the call, which then throws Error with MOLRT_ERROR_CANCELLED.
using Progress = std::function<bool(const molrt_progress&)>;

struct RunOptions : detail::Struct<molrt_run_options, molrt_run_options_init> {
  Progress on_progress;  // instead of `progress` and `progress_user`
};

namespace detail {

// Run options for one call of molrt.h, and the end of that call.
class Run {
 public:
  explicit Run(const RunOptions& options) : options_(options), progress_(options.on_progress) {
    if (!progress_) return;
    options_.progress = forward;
    options_.progress_user = &progress_;
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  const molrt_run_options* options() const noexcept { return &options_; }

  // Throws what the callback threw, or what failed.
  void finish(int32_t status) { finish(status, check); }
  void finish(int32_t status, const Context& context) {
    finish(status, [&](int32_t s) { context.finish(s); });
  }

 private:
  static int32_t forward(void* callback, const molrt_progress* progress) noexcept {
    return static_cast<Callback<Progress>*>(callback)->call(std::cref(*progress)) ? 0 : 1;
  }
  template <typename Rest>
  void finish(int32_t status, Rest rest) {
    const auto raised = progress_.take();
    if (raised) std::rethrow_exception(raised);
    rest(status);
  }

  molrt_run_options options_;
  Callback<Progress> progress_;
};

}  // namespace detail

/* ---- batch --------------------------------------------------------------------------------------
 */
using ConformerOptions = detail::Struct<molrt_conformer_options, molrt_conformer_options_init>;
using Row = detail::Struct<molrt_row, molrt_row_init>;

struct Conformer {
  std::vector<int32_t> atomic_numbers;  // [atoms]; 0: unknown
  std::vector<float> coordinates;       // [atoms, 3], in Angstrom
  std::vector<int32_t> input_index;     // [atoms]; -1: an added hydrogen
};

class Batch {
 public:
  explicit Batch(const Context& context, const ConformerOptions& options = {}) {
    molrt_batch* made = nullptr;
    const int32_t status = molrt_batch_create(context.get(), &options, &made);
    handle_.reset(made);
    context.finish(status);
  }

  // Appends a row. A bad SMILES is the row's status.
  void add(const std::string& smiles) {
    check(molrt_batch_add_smiles(get(), detail::without_nul(smiles).c_str()));
  }
  // Appends a row from a MOL block. A bad one is the row's status.
  void add_mol_block(const std::string& block) {
    check(molrt_batch_add_mol_block(get(), detail::without_nul(block).c_str()));
  }
  // Appends a row of given atoms: symbols [atoms], coordinates [atoms, 3] in Angstrom.
  void add(const std::vector<std::string>& symbols, const std::vector<double>& coordinates) {
    detail::require(coordinates.size() == 3 * symbols.size(),
                    "coordinates: expected 3 for each symbol");
    const auto texts = detail::without_nul(symbols);
    check(molrt_batch_add_atoms(get(), detail::addresses(texts).data(), coordinates.data(),
                                texts.size()));
  }
  // Numbers that come with the molecules: values [rows, names], NaN where there is none.
  void set_columns(const std::vector<std::string>& names, const std::vector<double>& values) {
    detail::require(values.size() == size() * names.size(),
                    "values: expected one for each row and name");
    const auto texts = detail::without_nul(names);
    check(molrt_batch_set_columns(get(), detail::addresses(texts).data(), values.data(), size(),
                                  texts.size()));
  }
  size_t size() const noexcept { return molrt_batch_size(get()); }
  void clear() { check(molrt_batch_clear(get())); }

  void compute_conformers(const Context& context, const RunOptions& options = {}) {
    detail::Run run(options);
    run.finish(molrt_batch_compute_conformers(context.get(), get(), run.options()), context);
  }
  // Conformers, and each row's status, flags and model_atoms for `model`.
  void prepare(const Context& context, const Model& model, const RunOptions& options = {}) {
    detail::Run run(options);
    run.finish(molrt_batch_prepare(context.get(), model.get(), get(), run.options()), context);
  }

  Row row(size_t index) const {
    Row row;
    check(molrt_batch_get_row(get(), index, &row));
    return row;
  }
  // What went wrong with the row, or "".
  std::string row_message(size_t index) const { return molrt_batch_row_message(get(), index); }
  // One of the row's conformers, of which row(index).conformers succeeded.
  Conformer conformer(size_t index, size_t number = 0) const {
    const auto atoms = static_cast<size_t>(row(index).conformer_atoms);
    Conformer c{std::vector<int32_t>(atoms), std::vector<float>(3 * atoms),
                std::vector<int32_t>(atoms)};
    check(molrt_batch_get_conformer(get(), index, number, c.atomic_numbers.data(),
                                    c.coordinates.data(), c.input_index.data(), atoms));
    return c;
  }
  std::string sdf(size_t index, const std::string& title = "", size_t number = 0) const {
    const std::string name = detail::without_nul(title);
    return detail::read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_batch_get_sdf(get(), index, number, name.c_str(), buffer, capacity, needed);
    });
  }
  // The canonical SMILES of the row's molecule.
  std::string smiles(size_t index) const {
    return detail::read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_batch_get_smiles(get(), index, buffer, capacity, needed);
    });
  }
  // For each of the row's model_atoms its index in the SMILES or given atoms, -1: an added
  // hydrogen.
  std::vector<int32_t> model_atoms(size_t index) const {
    std::vector<int32_t> input_index(static_cast<size_t>(row(index).model_atoms));
    check(molrt_batch_get_model_atoms(get(), index, input_index.data(), input_index.size()));
    return input_index;
  }

  molrt_batch* get() noexcept { return handle_.get(); }
  const molrt_batch* get() const noexcept { return handle_.get(); }

 private:
  detail::Handle<molrt_batch, molrt_batch_free> handle_;
};

/* ---- predictions and representations
 * -------------------------------------------------------------- */
struct Prediction {
  size_t rows, outputs;
  std::vector<float> mean;       // [rows, outputs], of the model's folds, in the targets' own units
  std::vector<float> deviation;  // [rows, outputs], the folds' standard deviation; NaN with one
};

inline Prediction predict(const Context& context, const Model& model, Batch& batch,
                          const RunOptions& options = {}) {
  const size_t rows = batch.size(), outputs = static_cast<size_t>(model.info().outputs);
  const size_t count = rows * outputs;
  Prediction p{rows, outputs, std::vector<float>(count), std::vector<float>(count)};
  detail::Run run(options);
  run.finish(molrt_predict(context.get(), model.get(), batch.get(), run.options(), p.mean.data(),
                           p.deviation.data(), count),
             context);
  return p;
}

using UncertainOptions = detail::Struct<molrt_uncertain_options, molrt_uncertain_options_init>;

// With what is known of the errors; each [rows, outputs], as molrt_uncertain_result says.
struct UncertainPrediction {
  size_t rows, outputs;
  int32_t mode;  // MOLRT_MODE_*: how was predicted
  std::vector<float> value, deviation, error, low, high, spread, gap, deterministic, entropy,
      mutual_information;
};

inline UncertainPrediction predict_uncertain(const Context& context, const Model& model,
                                             Batch& batch, const UncertainOptions& how = {},
                                             const RunOptions& options = {}) {
  const size_t rows = batch.size(), outputs = static_cast<size_t>(model.info().outputs);
  const std::vector<float> empty(rows * outputs);
  UncertainPrediction p{rows,  outputs, 0,     empty, empty, empty, empty,
                        empty, empty,   empty, empty, empty, empty};
  detail::Struct<molrt_uncertain_result, molrt_uncertain_result_init> result;
  result.value = p.value.data();
  result.std = p.deviation.data();
  result.error = p.error.data();
  result.low = p.low.data();
  result.high = p.high.data();
  result.spread = p.spread.data();
  result.gap = p.gap.data();
  result.deterministic = p.deterministic.data();
  result.entropy = p.entropy.data();
  result.mutual_information = p.mutual_information.data();
  detail::Run run(options);
  run.finish(molrt_predict_uncertain(context.get(), model.get(), batch.get(), run.options(), &how,
                                     &result, rows * outputs),
             context);
  p.mode = result.mode;
  return p;
}

struct Representations {
  size_t rows, width;
  std::vector<float> cls;             // [rows, width]
  std::vector<float> atoms;           // [offsets[rows], width]
  std::vector<size_t> atoms_offsets;  // [rows + 1]: row i's atoms are offsets[i] to offsets[i + 1]
};

// One representation for each molecule; `atoms` and `atoms_offsets` stay empty.
inline Representations embed(const Context& context, const Model& model, Batch& batch,
                             const RunOptions& options = {}) {
  const size_t rows = batch.size(), width = static_cast<size_t>(model.info().width);
  Representations r{rows, width, std::vector<float>(rows * width), {}, {}};
  detail::Run run(options);
  run.finish(molrt_embed(context.get(), model.get(), batch.get(), run.options(), r.cls.data(),
                         r.cls.size(), nullptr, 0),
             context);
  return r;
}

// And one for each atom that the model reads.
inline Representations embed_atoms(const Context& context, const Model& model, Batch& batch,
                                   const RunOptions& options = {}) {
  batch.prepare(context, model, options);
  const size_t rows = batch.size(), width = static_cast<size_t>(model.info().width);
  std::vector<size_t> offsets{0};
  for (size_t i = 0; i < rows; ++i)
    offsets.push_back(offsets.back() + static_cast<size_t>(batch.row(i).model_atoms));
  Representations r{rows, width, std::vector<float>(rows * width),
                    std::vector<float>(offsets.back() * width), std::move(offsets)};
  detail::Run run(options);
  run.finish(molrt_embed(context.get(), model.get(), batch.get(), run.options(), r.cls.data(),
                         r.cls.size(), r.atoms.data(), r.atoms.size()),
             context);
  return r;
}

/* ---- settings
 * ------------------------------------------------------------------------------------- */
using SettingInfo = detail::Struct<molrt_setting_info, molrt_setting_info_init>;

class Settings {
 public:
  // The library's table of settings of jobs.
  static std::vector<SettingInfo> table() {
    return rows(molrt_settings_count(), molrt_settings_describe);
  }
  // That of pre-training.
  static std::vector<SettingInfo> pretraining_table() {
    return rows(molrt_pretraining_settings_count(), molrt_pretraining_settings_describe);
  }

  Settings() : Settings(molrt_settings_create) {}
  // What Pretraining takes; a Job takes none of these.
  static Settings of_pretraining() { return Settings(molrt_pretraining_settings_create); }

  Settings& set(const std::string& name, double value) {
    return done(molrt_settings_set_f64(get(), detail::without_nul(name).c_str(), value));
  }
  Settings& set(const std::string& name, int64_t value) {
    return done(molrt_settings_set_i64(get(), detail::without_nul(name).c_str(), value));
  }
  Settings& set(const std::string& name, int value) { return set(name, int64_t{value}); }
  Settings& set(const std::string& name, const std::string& value) {
    return done(molrt_settings_set_text(get(), detail::without_nul(name).c_str(),
                                        detail::without_nul(value).c_str()));
  }

  double get_f64(const std::string& name) const {
    double value = 0;
    check(molrt_settings_get_f64(get(), detail::without_nul(name).c_str(), &value));
    return value;
  }
  int64_t get_i64(const std::string& name) const {
    int64_t value = 0;
    check(molrt_settings_get_i64(get(), detail::without_nul(name).c_str(), &value));
    return value;
  }
  std::string get_text(const std::string& name) const {
    const std::string key = detail::without_nul(name);
    return detail::read_text([&](char* buffer, size_t capacity, size_t* needed) {
      return molrt_settings_get_text(get(), key.c_str(), buffer, capacity, needed);
    });
  }

  molrt_settings* get() noexcept { return handle_.get(); }
  const molrt_settings* get() const noexcept { return handle_.get(); }

 private:
  explicit Settings(int32_t (*create)(molrt_settings**)) {
    molrt_settings* made = nullptr;
    check(create(&made));
    handle_.reset(made);
  }
  static std::vector<SettingInfo> rows(size_t count,
                                       int32_t (*describe)(size_t, molrt_setting_info*)) {
    std::vector<SettingInfo> list(count);
    for (size_t i = 0; i < list.size(); ++i) check(describe(i, &list[i]));
    return list;
  }
  Settings& done(int32_t status) {
    check(status);
    return *this;
  }

  detail::Handle<molrt_settings, molrt_settings_free> handle_;
};

/* ---- job
 * ------------------------------------------------------------------------------------------ */
class Job {
 public:
  // targets [rows of batch, target_names], NaN where there is no value.
  Job(const Context& context, const Model& base, const Batch& batch,
      const std::vector<double>& targets, const std::vector<std::string>& target_names = {"target"},
      const Settings& settings = {})
      : rows_(batch.size()) {
    detail::require(targets.size() == rows_ * target_names.size(),
                    "targets: expected one for each row and name");
    const auto names = detail::without_nul(target_names);
    molrt_job* made = nullptr;
    const int32_t status =
        molrt_job_create(context.get(), base.get(), batch.get(), targets.data(), names.size(),
                         detail::addresses(names).data(), settings.get(), &made);
    handle_.reset(made);
    context.finish(status);
  }

  // Columns beside the targets, one value for each row, before the run.
  void set_weights(const std::vector<double>& weights) {
    check(molrt_job_set_weights(get(), weights.data(), weights.size()));
  }
  void set_groups(const std::vector<std::string>& groups) {
    const auto names = detail::without_nul(groups);
    check(molrt_job_set_groups(get(), detail::addresses(names).data(), names.size()));
  }
  // MOLRT_PART_* or the number of the fold that holds the row out.
  void set_parts(const std::vector<int32_t>& parts) {
    check(molrt_job_set_parts(get(), parts.data(), parts.size()));
  }

  // Molecules without values, for rdrop.u_mode.
  void set_unlabelled(const Batch& batch) { check(molrt_job_set_unlabelled(get(), batch.get())); }

  // Before run(): "kcal/mol", which the model stores.
  void set_unit(int32_t target, const std::string& unit) {
    check(molrt_job_set_unit(get(), target, detail::without_nul(unit).c_str()));
  }
  // Trains. Once only.
  void run(const RunOptions& options = {}) {
    detail::Run run(options);
    run.finish(molrt_job_run(get(), run.options()));
  }
  // Asks run() to stop, which then throws Error with MOLRT_ERROR_CANCELLED. From any thread.
  void cancel() { check(molrt_job_cancel(get())); }
  void set_checkpoint(const std::string& directory, bool resume = false) {
    check(molrt_job_set_checkpoint(get(), directory.c_str(), resume));
  }
  void remove_checkpoint() { check(molrt_job_remove_checkpoint(get())); }

  Model model() const {
    molrt_model* made = nullptr;
    check(molrt_job_get_model(get(), &made));
    return Model(made);
  }
  // What happened, as JSON.
  std::string report() const {
    return detail::read_text([this](char* buffer, size_t capacity, size_t* needed) {
      return molrt_job_get_report(get(), buffer, capacity, needed);
    });
  }
  // What the regularisation weighs and costs, as JSON; "" for solver=ridge.
  std::string counted() const {
    return detail::read_text([this](char* buffer, size_t capacity, size_t* needed) {
      return molrt_job_get_counted(get(), buffer, capacity, needed);
    });
  }
  // Every setting that takes effect, as it runs or will run, as JSON.
  std::string settings() const {
    return detail::read_text([this](char* buffer, size_t capacity, size_t* needed) {
      return molrt_job_get_settings(get(), buffer, capacity, needed);
    });
  }
  // What happened for people, as one self-contained HTML page.
  std::string html() const {
    return detail::read_text([this](char* buffer, size_t capacity, size_t* needed) {
      return molrt_job_get_html(get(), buffer, capacity, needed);
    });
  }
  // The page's heading.
  void set_title(const std::string& title) {
    check(molrt_job_set_title(get(), detail::without_nul(title).c_str()));
  }
  // Predictions for rows while they were held out, and for those of the test; [rows, the model's
  // outputs], NaN for the others.
  std::vector<float> held_out() const {
    std::vector<float> predictions(rows_ * static_cast<size_t>(model().info().outputs));
    check(molrt_job_get_held_out(get(), predictions.data(), predictions.size()));
    return predictions;
  }
  // The split that was used, [rows].
  std::vector<int32_t> parts() const {
    std::vector<int32_t> parts(rows_);
    check(molrt_job_get_parts(get(), parts.data(), parts.size()));
    return parts;
  }
  // Their error bars and 90 % intervals, [rows, outputs]; NaN where there is none.
  struct HeldOutErrors {
    std::vector<float> error, low, high;
  };
  HeldOutErrors held_out_errors() const {
    const std::vector<float> empty(rows_ * static_cast<size_t>(model().info().outputs));
    HeldOutErrors e{empty, empty, empty};
    check(molrt_job_get_held_out_errors(get(), e.error.data(), e.low.data(), e.high.data(),
                                        empty.size()));
    return e;
  }
  Row row(size_t index) const {
    Row row;
    check(molrt_job_get_row(get(), index, &row));
    return row;
  }
  std::string row_message(size_t index) const { return molrt_job_row_message(get(), index); }

  molrt_job* get() noexcept { return handle_.get(); }
  const molrt_job* get() const noexcept { return handle_.get(); }

 private:
  size_t rows_;
  detail::Handle<molrt_job, molrt_job_free> handle_;
};

/* ---- pre-training
 * -------------------------------------------------------------------------------- */
using Added = detail::Struct<molrt_added, molrt_added_init>;

// An encoder from molecules without measured values.
class Pretraining {
 public:
  Pretraining(const Context& context, const Model& start,
              const std::vector<std::string>& target_names = {},
              const Settings& settings = Settings::of_pretraining())
      : targets_(target_names.size()) {
    const auto names = detail::without_nul(target_names);
    molrt_pretraining* made = nullptr;
    const int32_t status =
        molrt_pretraining_create(context.get(), start.get(), settings.get(),
                                 detail::addresses(names).data(), names.size(), &made);
    handle_.reset(made);
    context.finish(status);
  }

  // Before molecules are added: this one stays out, in all its stereoisomers.
  void exclude(const std::string& smiles) {
    check(molrt_pretraining_exclude(get(), detail::without_nul(smiles).c_str()));
  }
  // NumPy's .npz (molrt.h). Of the options only on_progress may be set.
  Added add_archive(const std::string& path, const RunOptions& options = {}) {
    Added added;
    detail::Run run(options);
    run.finish(molrt_pretraining_add_archive(get(), detail::without_nul(path).c_str(),
                                             run.options(), &added));
    return added;
  }
  // A batch with conformers; labels [rows of batch, target_names], NaN where not known; {}: none.
  Added add(const Batch& batch, const std::vector<float>& labels = {}) {
    detail::require(labels.empty() || labels.size() == batch.size() * targets_,
                    "labels: expected one for each row and target");
    Added added;
    check(molrt_pretraining_add_batch(get(), batch.get(), labels.empty() ? nullptr : labels.data(),
                                      labels.size(), &added));
    return added;
  }

  void set_checkpoint(const std::string& directory, bool resume = false) {
    check(molrt_pretraining_set_checkpoint(get(), detail::without_nul(directory).c_str(), resume));
  }
  void remove_checkpoint() { check(molrt_pretraining_remove_checkpoint(get())); }
  // Trains. Once only.
  void run(const RunOptions& options = {}) {
    detail::Run run(options);
    run.finish(molrt_pretraining_run(get(), run.options()));
  }
  // Asks run() to stop, which then throws Error with MOLRT_ERROR_CANCELLED. From any thread.
  void cancel() { check(molrt_pretraining_cancel(get())); }

  Model model() const {
    molrt_model* made = nullptr;
    check(molrt_pretraining_get_model(get(), &made));
    return Model(made);
  }
  // What happened, with the curves, as JSON.
  std::string report() const {
    return detail::read_text([this](char* buffer, size_t capacity, size_t* needed) {
      return molrt_pretraining_get_report(get(), buffer, capacity, needed);
    });
  }
  // The same for people, as one self-contained HTML page.
  std::string html() const {
    return detail::read_text([this](char* buffer, size_t capacity, size_t* needed) {
      return molrt_pretraining_get_html(get(), buffer, capacity, needed);
    });
  }

  molrt_pretraining* get() noexcept { return handle_.get(); }
  const molrt_pretraining* get() const noexcept { return handle_.get(); }

 private:
  size_t targets_;
  detail::Handle<molrt_pretraining, molrt_pretraining_free> handle_;
};

/* ---- probe
 * ---------------------------------------------------------------------------------------- */
struct ProbeOptions {
  uint32_t attributions = 0;    // MOLRT_ATTRIBUTION_*, or-ed; 0: both
  std::vector<int32_t> layers;  // empty: the library's choice
  std::vector<double> rates;    // empty: .1 to .9
  uint64_t seed = 0;
  std::string title;  // of the page; empty: made of the targets' names
};

namespace detail {

// Points into `options` and `title`.
inline Struct<molrt_probe_options, molrt_probe_options_init> probe_options(
    const ProbeOptions& options, const std::string& title) {
  Struct<molrt_probe_options, molrt_probe_options_init> how;
  how.attributions = options.attributions;
  how.layers = options.layers.empty() ? nullptr : options.layers.data();
  how.layer_count = options.layers.size();
  how.rates = options.rates.empty() ? nullptr : options.rates.data();
  how.rate_count = options.rates.size();
  how.seed = options.seed;
  how.title = title.empty() ? nullptr : title.c_str();
  return how;
}

}  // namespace detail

// What a probe will cost: passes of each conformer through a whole network.
inline double probe_passes(const Model& model, const ProbeOptions& options = {}) {
  const auto how = detail::probe_options(options, {});
  double passes = 0;
  check(molrt_probe_get_passes(model.get(), &how, &passes));
  return passes;
}

// Predictions with keys of the attention dropped, one layer at a time.
class Probe {
 public:
  // targets [rows of batch, targets of the model], NaN where there is no value.
  Probe(const Context& context, const Model& model, Batch& batch,
        const std::vector<double>& targets, const ProbeOptions& options = {},
        const RunOptions& run_options = {}) {
    const size_t rows = batch.size(), count = rows ? targets.size() / rows : 0;
    detail::require(targets.size() == rows * count, "targets: expected as many for each row");
    const std::string title = detail::without_nul(options.title);
    const auto how = detail::probe_options(options, title);
    detail::Run run(run_options);
    molrt_probe* made = nullptr;
    const int32_t status = molrt_probe_run(context.get(), model.get(), batch.get(), targets.data(),
                                           count, run.options(), &how, &made);
    handle_.reset(made);
    run.finish(status, context);
  }
  // The numbers, as JSON.
  std::string report() const {
    return detail::read_text([this](char* buffer, size_t capacity, size_t* needed) {
      return molrt_probe_get_report(get(), buffer, capacity, needed);
    });
  }
  // The same for people, as one self-contained HTML page.
  std::string html() const {
    return detail::read_text([this](char* buffer, size_t capacity, size_t* needed) {
      return molrt_probe_get_html(get(), buffer, capacity, needed);
    });
  }

  const molrt_probe* get() const noexcept { return handle_.get(); }

 private:
  detail::Handle<molrt_probe, molrt_probe_free> handle_;
};

}  // namespace v0_1
}  // namespace molrt

#endif  // MOLRT_HPP
