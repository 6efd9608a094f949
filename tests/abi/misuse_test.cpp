// NULL and garbage to every function: no crash, the right status, the last error set and cleared.
#include <climits>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <set>

#include "support.h"

namespace molrt::abi {
namespace {

constexpr int32_t kInvalid = MOLRT_ERROR_INVALID_ARGUMENT;
constexpr int32_t kAnyError = INT32_MAX;  // the header leaves open which

// A wrong call of `function`, and the status it must return.
struct Misuse {
  std::string function;
  const char* what;
  int32_t expected;
  std::function<int32_t()> call;
};

void expect_refused(const Misuse& m) {
  SCOPED_TRACE(m.function + ": " + m.what);
  const int32_t status = m.call();
  const std::string text = molrt_last_error();
  if (m.expected == kAnyError) {
    EXPECT_LT(status, 0);
  } else {
    EXPECT_EQ(status, m.expected) << molrt_status_name(status) << ": " << text;
  }
  EXPECT_NE(text, "") << "no text for the failure";
  molrt_row row;
  EXPECT_EQ(molrt_row_init(&row, sizeof row), MOLRT_OK);
  EXPECT_STREQ(molrt_last_error(), "") << "not cleared by the next call";
}

// A wrong call whose options differ from the defaults by one field.
template <typename Struct>
std::function<int32_t()> with(int32_t (*init)(Struct*, size_t), std::function<void(Struct&)> change,
                              std::function<int32_t(const Struct&)> call) {
  return [=] {
    Struct options = initialised(init);
    change(options);
    return call(options);
  };
}

class MisuseTest : public testing::Test {
 protected:
  using Table = std::vector<Misuse>;

  Table inits() const;
  Table contexts() const;
  Table caches() const;
  Table official_weights() const;
  Table models() const;
  Table model_queries();
  Table batches();
  Table rows();
  Table runs();
  Table run_sizes();
  Table settings_calls();
  Table jobs();
  Table job_results();
  Table pretraining_setups();
  Table pretraining_sources();
  Table pretraining_results();
  Table probes();

  std::function<int32_t()> open_with(std::function<void(molrt_open_options&)> change) const;
  std::function<int32_t()> create_with(std::function<void(molrt_architecture&)> change) const;
  std::function<int32_t()> batch_with(std::function<void(molrt_conformer_options&)> change) const;
  std::function<int32_t()> run_with(std::function<void(molrt_run_options&)> change) const;
  int32_t create_job(const molrt_model* base, const double* targets, size_t count,
                     const char* const* names, molrt_job** job) const {
    return molrt_job_create(c_, base, b_, targets, count, names, nullptr, job);
  }

  Context context_ = new_context();
  Model model_ = small_model(context_.get());
  Batch batch_ = new_batch(context_.get(), {"C", "CC"});
  Settings settings_ = [] {
    molrt_settings* made = nullptr;
    must(molrt_settings_create(&made));
    return Settings(made);
  }();
  Job job_ = new_job(context_.get(), model_.get());
  Pretraining pretraining_ = new_pretraining(context_.get(), model_.get(), {"y"});

  molrt_context* const c_ = context_.get();
  molrt_model* const m_ = model_.get();
  molrt_batch* const b_ = batch_.get();
  molrt_settings* const s_ = settings_.get();
  molrt_job* const j_ = job_.get();
  molrt_pretraining* const p_ = pretraining_.get();
  static constexpr int kWidth = 16;
};

template <typename Struct>
Misuse null_init(const char* name, int32_t (*init)(Struct*, size_t)) {
  return {name, "NULL", kInvalid, [=] { return init(nullptr, sizeof(Struct)); }};
}

MisuseTest::Table MisuseTest::inits() const {
  return {
      null_init("molrt_context_options_init", molrt_context_options_init),
      null_init("molrt_conformer_cache_info_init", molrt_conformer_cache_info_init),
      null_init("molrt_open_options_init", molrt_open_options_init),
      null_init("molrt_architecture_init", molrt_architecture_init),
      null_init("molrt_model_info_init", molrt_model_info_init),
      null_init("molrt_save_options_init", molrt_save_options_init),
      null_init("molrt_conformer_options_init", molrt_conformer_options_init),
      null_init("molrt_row_init", molrt_row_init),
      null_init("molrt_run_options_init", molrt_run_options_init),
      null_init("molrt_setting_info_init", molrt_setting_info_init),
      null_init("molrt_uncertain_options_init", molrt_uncertain_options_init),
      null_init("molrt_uncertain_result_init", molrt_uncertain_result_init),
      null_init("molrt_added_init", molrt_added_init),
      null_init("molrt_probe_options_init", molrt_probe_options_init),
  };
}

MisuseTest::Table MisuseTest::contexts() const {
  return {
      {"molrt_context_create", "no result", kInvalid,
       [] { return molrt_context_create(nullptr, nullptr); }},
      {"molrt_context_create", "negative threads", kInvalid,
       with<molrt_context_options>(
           molrt_context_options_init, [](auto& o) { o.threads = -1; },
           [](auto& o) {
             molrt_context* made = nullptr;
             return molrt_context_create(&o, &made);
           })},
  };
}

MisuseTest::Table MisuseTest::caches() const {
  static const char* const no_database = MOLRT_TEST_DATA "/esol.csv";
  const auto set = [this](const char* path, uint64_t bytes) {
    return [=, this] { return molrt_context_set_conformer_cache(c_, path, bytes); };
  };
  return {
      {"molrt_context_set_conformer_cache", "NULL", kInvalid,
       [] { return molrt_context_set_conformer_cache(nullptr, "x", 0); }},
      {"molrt_context_set_conformer_cache", "an empty path", kInvalid, set("", 0)},
      {"molrt_context_set_conformer_cache", "a limit of a byte", kInvalid, set("x", 1)},
      {"molrt_context_set_conformer_cache", "a limit below the least", kInvalid, set("x", 65535)},
      {"molrt_context_get_conformer_cache", "no context", kInvalid,
       [] {
         auto info = initialised(molrt_conformer_cache_info_init);
         return molrt_context_get_conformer_cache(nullptr, &info);
       }},
      {"molrt_context_get_conformer_cache", "no info", kInvalid,
       [this] { return molrt_context_get_conformer_cache(c_, nullptr); }},
      {"molrt_conformer_cache_describe", "NULL", kInvalid,
       [] {
         size_t needed;
         return molrt_conformer_cache_describe(nullptr, nullptr, 0, &needed);
       }},
      {"molrt_conformer_cache_describe", "no needed", kInvalid,
       [] { return molrt_conformer_cache_describe("/no/such/file", nullptr, 0, nullptr); }},
      {"molrt_conformer_cache_describe", "a table", MOLRT_ERROR_FORMAT,
       [] {
         size_t needed;
         return molrt_conformer_cache_describe(no_database, nullptr, 0, &needed);
       }},
      {"molrt_conformer_cache_clear", "NULL", kInvalid,
       [] { return molrt_conformer_cache_clear(nullptr); }},
      {"molrt_conformer_cache_clear", "a table", MOLRT_ERROR_FORMAT,
       [] { return molrt_conformer_cache_clear(no_database); }},
  };
}

MisuseTest::Table MisuseTest::official_weights() const {
  static const auto verify = [](const char* path) {
    size_t needed;
    return molrt_official_weights_verify(path, nullptr, 0, &needed);
  };
  static const std::string cut_off = testing::TempDir() + "mol_pre_no_h_220816.pt";
  return {
      {"molrt_model_find", "NULL", kInvalid,
       [] {
         size_t needed;
         return molrt_model_find(nullptr, nullptr, 0, &needed);
       }},
      {"molrt_model_find", "no needed", kInvalid,
       [] { return molrt_model_find("molecule", nullptr, 0, nullptr); }},
      {"molrt_model_find", "no such name", MOLRT_ERROR_IO,
       [] {
         size_t needed;
         return molrt_model_find("molecul", nullptr, 0, &needed);
       }},
      {"molrt_official_weights_describe", "no needed", kInvalid,
       [] { return molrt_official_weights_describe(nullptr, 0, nullptr); }},
      {"molrt_official_weights_verify", "NULL", kInvalid, [] { return verify(nullptr); }},
      {"molrt_official_weights_verify", "no file", MOLRT_ERROR_IO,
       [] { return verify("/no/such/file"); }},
      {"molrt_official_weights_verify", "no needed", kInvalid,
       [] {
         return molrt_official_weights_verify(MOLRT_TEST_DATA "/esol.csv", nullptr, 0, nullptr);
       }},
      {"molrt_official_weights_verify", "a download cut off", MOLRT_ERROR_FORMAT,
       [] {
         std::ofstream(cut_off) << "PK";
         const int32_t status = verify(cut_off.c_str());
         std::remove(cut_off.c_str());
         return status;
       }},
  };
}

std::function<int32_t()> MisuseTest::open_with(
    std::function<void(molrt_open_options&)> change) const {
  return with<molrt_open_options>(molrt_open_options_init, change, [this](auto& o) {
    molrt_model* made = nullptr;
    return molrt_model_open(c_, MOLRT_TEST_DATA "/molecule_linear.pth", &o, &made);
  });
}

std::function<int32_t()> MisuseTest::create_with(
    std::function<void(molrt_architecture&)> change) const {
  return with<molrt_architecture>(
      molrt_architecture_init,
      [change](auto& a) {
        a.kernel = MOLRT_KERNEL_LINEAR;
        a.layers = 1;
        a.width = a.ffn = 8;
        a.heads = 2;
        change(a);
      },
      [this](auto& a) {
        molrt_model* made = nullptr;
        return molrt_model_create_untrained(c_, &a, &made);
      });
}

MisuseTest::Table MisuseTest::models() const {
  static molrt_model* made = nullptr;
  static const char noise[] = "PK\003\004 and then nothing that is a checkpoint";
  const auto open = [this](const char* path) {
    return [this, path] { return molrt_model_open(c_, path, nullptr, &made); };
  };
  const auto save = [this](const char* path) {
    return [this, path] { return molrt_model_save(c_, m_, path, nullptr); };
  };
  const std::string unused = testing::TempDir() + "molrt_misuse.molrt";
  return {
      {"molrt_model_open", "no context", kInvalid,
       [] { return molrt_model_open(nullptr, "x", nullptr, &made); }},
      {"molrt_model_open", "no path", kInvalid, open(nullptr)},
      {"molrt_model_open", "no result", kInvalid,
       [this] { return molrt_model_open(c_, "x", nullptr, nullptr); }},
      {"molrt_model_open", "missing file", MOLRT_ERROR_IO, open("/nonexistent/weights.pt")},
      {"molrt_model_open", "empty path", kAnyError, open("")},
      {"molrt_model_open", "a directory", kAnyError, open("/")},
      {"molrt_model_open", "an empty file", kAnyError, open("/dev/null")},
      {"molrt_model_open", "no such hydrogens", kInvalid,
       open_with([](auto& o) { o.hydrogens = 3; })},
      {"molrt_model_open", "negative hydrogens", kInvalid,
       open_with([](auto& o) { o.hydrogens = -1; })},
      {"molrt_model_open", "no such layout", kInvalid, open_with([](auto& o) { o.layout = 99; })},
      {"molrt_model_open", "negative layout", kInvalid,
       open_with([](auto& o) { o.layout = INT_MIN; })},
      {"molrt_model_open", "negative max_atoms", kInvalid,
       open_with([](auto& o) { o.max_atoms = -1; })},
      {"molrt_model_open", "negative fold", kInvalid, open_with([](auto& o) { o.fold = -2; })},
      {"molrt_model_open", "no such fold", kInvalid, open_with([](auto& o) { o.fold = 1; })},
      {"molrt_model_open", "missing dictionary", MOLRT_ERROR_IO,
       open_with([](auto& o) { o.dictionary_path = "/nonexistent/dict.txt"; })},
      {"molrt_model_open_memory", "no context", kInvalid,
       [] { return molrt_model_open_memory(nullptr, noise, sizeof noise, nullptr, &made); }},
      {"molrt_model_open_memory", "no data", kInvalid,
       [this] { return molrt_model_open_memory(c_, nullptr, 10, nullptr, &made); }},
      {"molrt_model_open_memory", "no result", kInvalid,
       [this] { return molrt_model_open_memory(c_, noise, sizeof noise, nullptr, nullptr); }},
      {"molrt_model_open_memory", "no bytes", kAnyError,
       [this] { return molrt_model_open_memory(c_, noise, 0, nullptr, &made); }},
      {"molrt_model_open_memory", "noise", MOLRT_ERROR_FORMAT,
       [this] { return molrt_model_open_memory(c_, noise, sizeof noise, nullptr, &made); }},
      {"molrt_model_create_untrained", "no context", kInvalid,
       [] { return molrt_model_create_untrained(nullptr, nullptr, &made); }},
      {"molrt_model_create_untrained", "no result", kInvalid,
       [this] { return molrt_model_create_untrained(c_, nullptr, nullptr); }},
      {"molrt_model_create_untrained", "no such kernel", kInvalid,
       create_with([](auto& a) { a.kernel = 3; })},
      {"molrt_model_create_untrained", "negative layers", kInvalid,
       create_with([](auto& a) { a.layers = -1; })},
      {"molrt_model_create_untrained", "width no multiple of heads", kInvalid,
       create_with([](auto& a) { a.heads = 3; })},
      {"molrt_model_create_untrained", "negative heads", kInvalid,
       create_with([](auto& a) { a.heads = -2; })},
      {"molrt_model_create_untrained", "negative ffn", kInvalid,
       create_with([](auto& a) { a.ffn = -8; })},
      {"molrt_model_create_untrained", "no such hydrogens", kInvalid,
       create_with([](auto& a) { a.hydrogens = 7; })},
      {"molrt_model_create_untrained", "no such layout", kInvalid,
       create_with([](auto& a) { a.layout = -7; })},
      {"molrt_model_create_untrained", "sizes beyond any memory", kAnyError,
       create_with([](auto& a) { a.layers = a.width = a.ffn = a.heads = 1 << 30; })},
      {"molrt_model_save", "no context", kInvalid,
       [this, unused] { return molrt_model_save(nullptr, m_, unused.c_str(), nullptr); }},
      {"molrt_model_save", "no model", kInvalid,
       [this, unused] { return molrt_model_save(c_, nullptr, unused.c_str(), nullptr); }},
      {"molrt_model_save", "no path", kInvalid, save(nullptr)},
      {"molrt_model_save", "no such folder", MOLRT_ERROR_IO, save("/nonexistent/model.molrt")},
      {"molrt_model_save", "a folder", MOLRT_ERROR_IO, save("/")},
      {"molrt_model_save", "no such dtype", kInvalid,
       with<molrt_save_options>(
           molrt_save_options_init, [](auto& o) { o.dtype = 4; },
           [this, unused](auto& o) { return molrt_model_save(c_, m_, unused.c_str(), &o); })},
  };
}

MisuseTest::Table MisuseTest::model_queries() {
  static int32_t supported;
  static size_t needed;
  static char buffer[4];
  static double threshold;
  static molrt_model_info info;
  must(molrt_model_info_init(&info, sizeof info));
  return {
      {"molrt_model_get_info", "no model", kInvalid,
       [] { return molrt_model_get_info(nullptr, &info); }},
      {"molrt_model_get_info", "no result", kInvalid,
       [this] { return molrt_model_get_info(m_, nullptr); }},
      {"molrt_model_describe", "no model", kInvalid,
       [] { return molrt_model_describe(nullptr, nullptr, 0, &needed); }},
      {"molrt_model_describe", "no buffer but a capacity", kInvalid,
       [this] { return molrt_model_describe(m_, nullptr, 4, &needed); }},
      {"molrt_model_describe", "no needed", kInvalid,
       [this] { return molrt_model_describe(m_, buffer, sizeof buffer, nullptr); }},
      {"molrt_model_describe", "a small buffer", MOLRT_ERROR_BUFFER_TOO_SMALL,
       [this] { return molrt_model_describe(m_, buffer, sizeof buffer, &needed); }},
      {"molrt_model_get_threshold", "no model", kInvalid,
       [] { return molrt_model_get_threshold(nullptr, 0, &threshold); }},
      {"molrt_model_get_threshold", "no such output", kInvalid,
       [this] { return molrt_model_get_threshold(m_, 0, &threshold); }},
      {"molrt_model_get_threshold", "negative output", kInvalid,
       [this] { return molrt_model_get_threshold(m_, -1, &threshold); }},
      {"molrt_model_supports_element", "no model", kInvalid,
       [] { return molrt_model_supports_element(nullptr, "C", &supported); }},
      {"molrt_model_supports_element", "no symbol", kInvalid,
       [this] { return molrt_model_supports_element(m_, nullptr, &supported); }},
      {"molrt_model_supports_element", "no result", kInvalid,
       [this] { return molrt_model_supports_element(m_, "C", nullptr); }},
  };
}

std::function<int32_t()> MisuseTest::batch_with(
    std::function<void(molrt_conformer_options&)> change) const {
  return with<molrt_conformer_options>(molrt_conformer_options_init, change, [this](auto& o) {
    molrt_batch* made = nullptr;
    return molrt_batch_create(c_, &o, &made);
  });
}

MisuseTest::Table MisuseTest::batches() {
  static molrt_batch* made = nullptr;
  static const char* const symbols[] = {"C", "O"};
  static const char* const hole[] = {"C", nullptr};
  static const double points[6] = {0, 0, 0, 0, 0, 1.2};
  return {
      {"molrt_batch_create", "no context", kInvalid,
       [] { return molrt_batch_create(nullptr, nullptr, &made); }},
      {"molrt_batch_create", "no result", kInvalid,
       [this] { return molrt_batch_create(c_, nullptr, nullptr); }},
      {"molrt_batch_create", "no such ladder", kInvalid, batch_with([](auto& o) { o.ladder = 2; })},
      {"molrt_batch_create", "negative ladder", kInvalid,
       batch_with([](auto& o) { o.ladder = -1; })},
      {"molrt_batch_create", "negative seed", kInvalid, batch_with([](auto& o) { o.seed = -1; })},
      {"molrt_batch_create", "negative max_atoms", kInvalid,
       batch_with([](auto& o) { o.max_atoms = -5; })},
      {"molrt_batch_create", "negative time limit", kInvalid,
       batch_with([](auto& o) { o.time_limit = -1; })},
      {"molrt_batch_create", "time limit NaN", kInvalid,
       batch_with([](auto& o) { o.time_limit = std::nan(""); })},
      {"molrt_batch_create", "no conformers", kInvalid, batch_with([](auto& o) { o.count = 0; })},
      {"molrt_batch_create", "too many conformers", kInvalid,
       batch_with([](auto& o) { o.count = 1001; })},
      {"molrt_batch_create", "flat is no truth value", kInvalid,
       batch_with([](auto& o) { o.flat = 2; })},
      {"molrt_batch_create", "canonical is no truth value", kInvalid,
       batch_with([](auto& o) { o.canonical = -1; })},
      {"molrt_batch_create", "the last seed is too large", kInvalid,
       batch_with([](auto& o) { o.count = 3, o.seed = INT32_MAX - 1; })},
      {"molrt_batch_add_smiles", "no batch", kInvalid,
       [] { return molrt_batch_add_smiles(nullptr, "C"); }},
      {"molrt_batch_add_mol_block", "no batch", kInvalid,
       [] { return molrt_batch_add_mol_block(nullptr, "\n\n\n"); }},
      {"molrt_batch_add_atoms", "no batch", kInvalid,
       [] { return molrt_batch_add_atoms(nullptr, symbols, points, 2); }},
      {"molrt_batch_add_atoms", "no symbols", kInvalid,
       [this] { return molrt_batch_add_atoms(b_, nullptr, points, 2); }},
      {"molrt_batch_add_atoms", "no coordinates", kInvalid,
       [this] { return molrt_batch_add_atoms(b_, symbols, nullptr, 2); }},
      {"molrt_batch_add_atoms", "a symbol is NULL", kInvalid,
       [this] { return molrt_batch_add_atoms(b_, hole, points, 2); }},
      {"molrt_batch_add_atoms", "more atoms than memory", kAnyError,
       [this] { return molrt_batch_add_atoms(b_, symbols, points, SIZE_MAX); }},
      {"molrt_batch_set_columns", "no batch", kInvalid,
       [] { return molrt_batch_set_columns(nullptr, symbols, points, 2, 1); }},
      {"molrt_batch_set_columns", "no names", kInvalid,
       [this] { return molrt_batch_set_columns(b_, nullptr, points, 2, 1); }},
      {"molrt_batch_set_columns", "a name is NULL", kInvalid,
       [this] { return molrt_batch_set_columns(b_, hole, points, 2, 2); }},
      {"molrt_batch_set_columns", "an empty name", kInvalid,
       [this] {
         const char* empty = "";
         return molrt_batch_set_columns(b_, &empty, points, 2, 1);
       }},
      {"molrt_batch_set_columns", "a name twice", kInvalid,
       [this] {
         const char* twice[] = {"pH", "pH"};
         return molrt_batch_set_columns(b_, twice, points, 2, 2);
       }},
      {"molrt_batch_set_columns", "no values", kInvalid,
       [this] { return molrt_batch_set_columns(b_, symbols, nullptr, 2, 1); }},
      {"molrt_batch_set_columns", "other rows than the batch has", kInvalid,
       [this] { return molrt_batch_set_columns(b_, symbols, points, 3, 1); }},
      {"molrt_batch_set_columns", "more columns than memory", kInvalid,
       [this] { return molrt_batch_set_columns(b_, symbols, points, 2, SIZE_MAX); }},
      {"molrt_batch_set_columns", "infinite", kInvalid,
       [this] {
         const double infinite[] = {0, -HUGE_VAL};
         return molrt_batch_set_columns(b_, symbols, infinite, 2, 1);
       }},
      {"molrt_batch_clear", "no batch", kInvalid, [] { return molrt_batch_clear(nullptr); }},
  };
}

MisuseTest::Table MisuseTest::rows() {
  static molrt_row row;
  static size_t needed;
  static char buffer[8];
  static int32_t integers[64];
  must(molrt_row_init(&row, sizeof row));
  return {
      {"molrt_batch_get_row", "no batch", kInvalid,
       [] { return molrt_batch_get_row(nullptr, 0, &row); }},
      {"molrt_batch_get_row", "no result", kInvalid,
       [this] { return molrt_batch_get_row(b_, 0, nullptr); }},
      {"molrt_batch_get_row", "behind the last", kInvalid,
       [this] { return molrt_batch_get_row(b_, 2, &row); }},
      {"molrt_batch_get_row", "far behind", kInvalid,
       [this] { return molrt_batch_get_row(b_, SIZE_MAX, &row); }},
      {"molrt_batch_get_conformer", "no batch", kInvalid,
       [] { return molrt_batch_get_conformer(nullptr, 0, 0, integers, nullptr, nullptr, 64); }},
      {"molrt_batch_get_conformer", "no such row", kInvalid,
       [this] { return molrt_batch_get_conformer(b_, 9, 0, integers, nullptr, nullptr, 64); }},
      {"molrt_batch_get_conformer", "too small", MOLRT_ERROR_BUFFER_TOO_SMALL,
       [this] { return molrt_batch_get_conformer(b_, 0, 0, integers, nullptr, nullptr, 4); }},
      {"molrt_batch_get_conformer", "no such conformer", kInvalid,
       [this] { return molrt_batch_get_conformer(b_, 0, 1, integers, nullptr, nullptr, 64); }},
      {"molrt_batch_get_sdf", "no batch", kInvalid,
       [] { return molrt_batch_get_sdf(nullptr, 0, 0, "", buffer, 8, &needed); }},
      {"molrt_batch_get_sdf", "no such row", kInvalid,
       [this] { return molrt_batch_get_sdf(b_, SIZE_MAX, 0, "", buffer, 8, &needed); }},
      {"molrt_batch_get_sdf", "no such conformer", kInvalid,
       [this] { return molrt_batch_get_sdf(b_, 0, 1, "", buffer, 8, &needed); }},
      {"molrt_batch_get_smiles", "no batch", kInvalid,
       [] { return molrt_batch_get_smiles(nullptr, 0, buffer, 8, &needed); }},
      {"molrt_batch_get_smiles", "no such row", kInvalid,
       [this] { return molrt_batch_get_smiles(b_, 2, buffer, 8, &needed); }},
      {"molrt_batch_get_smiles", "a small buffer", MOLRT_ERROR_BUFFER_TOO_SMALL,
       [this] { return molrt_batch_get_smiles(b_, 0, buffer, 1, &needed); }},
      {"molrt_batch_get_smiles", "no SMILES", MOLRT_ERROR_STATE,
       [this] {
         const Batch bad = new_batch(c_, {"C1CC"});
         return molrt_batch_get_smiles(bad.get(), 0, buffer, 8, &needed);
       }},
      {"molrt_batch_get_smiles", "atoms without bonds", MOLRT_ERROR_STATE,
       [this] {
         const Batch atoms = new_batch(c_, {});
         const char* const carbon = "C";
         const double origin[3] = {0, 0, 0};
         must(molrt_batch_add_atoms(atoms.get(), &carbon, origin, 1));
         return molrt_batch_get_smiles(atoms.get(), 0, buffer, 8, &needed);
       }},
      {"molrt_batch_get_sdf", "a small buffer", MOLRT_ERROR_BUFFER_TOO_SMALL,
       [this] { return molrt_batch_get_sdf(b_, 0, 0, nullptr, buffer, 8, &needed); }},
      {"molrt_batch_get_sdf", "no buffer but a capacity", kInvalid,
       [this] { return molrt_batch_get_sdf(b_, 0, 0, nullptr, nullptr, 8, &needed); }},
      {"molrt_batch_get_sdf", "no conformer", MOLRT_ERROR_STATE,
       [this] {
         const Batch fresh = new_batch(c_, {"C"});
         return molrt_batch_get_sdf(fresh.get(), 0, 0, nullptr, buffer, 8, &needed);
       }},
      {"molrt_batch_get_model_atoms", "no batch", kInvalid,
       [] { return molrt_batch_get_model_atoms(nullptr, 0, integers, 64); }},
      {"molrt_batch_get_model_atoms", "no result", kInvalid,
       [this] { return molrt_batch_get_model_atoms(b_, 0, nullptr, 64); }},
      {"molrt_batch_get_model_atoms", "no such row", kInvalid,
       [this] { return molrt_batch_get_model_atoms(b_, 2, integers, 64); }},
      {"molrt_batch_get_model_atoms", "too small", MOLRT_ERROR_BUFFER_TOO_SMALL,
       [this] { return molrt_batch_get_model_atoms(b_, 0, integers, 1); }},
  };
}

std::function<int32_t()> MisuseTest::run_with(
    std::function<void(molrt_run_options&)> change) const {
  return with<molrt_run_options>(molrt_run_options_init, change, [this](auto& o) {
    return molrt_batch_compute_conformers(c_, b_, &o);
  });
}

MisuseTest::Table MisuseTest::runs() {
  static float floats[64];
  const auto predict = [](molrt_context* c, molrt_model* m, molrt_batch* b) {
    return [=] { return molrt_predict(c, m, b, nullptr, floats, floats, 0); };
  };
  const auto embed = [](molrt_context* c, molrt_model* m, molrt_batch* b) {
    return [=] { return molrt_embed(c, m, b, nullptr, floats, 2 * kWidth, nullptr, 0); };
  };
  return {
      {"molrt_batch_compute_conformers", "no context", kInvalid,
       [this] { return molrt_batch_compute_conformers(nullptr, b_, nullptr); }},
      {"molrt_batch_compute_conformers", "no batch", kInvalid,
       [this] { return molrt_batch_compute_conformers(c_, nullptr, nullptr); }},
      {"molrt_batch_compute_conformers", "negative max_atoms", kInvalid,
       run_with([](auto& o) { o.max_atoms = -1; })},
      {"molrt_batch_compute_conformers", "crop is no truth value", kInvalid,
       run_with([](auto& o) { o.crop = 2; })},
      {"molrt_batch_compute_conformers", "negative batch size", kInvalid,
       run_with([](auto& o) { o.batch_size = -1; })},
      {"molrt_batch_compute_conformers", "no such precision", kInvalid,
       run_with([](auto& o) { o.precision = 4; })},
      {"molrt_batch_prepare", "no context", kInvalid,
       [this] { return molrt_batch_prepare(nullptr, m_, b_, nullptr); }},
      {"molrt_batch_prepare", "no model", kInvalid,
       [this] { return molrt_batch_prepare(c_, nullptr, b_, nullptr); }},
      {"molrt_batch_prepare", "no batch", kInvalid,
       [this] { return molrt_batch_prepare(c_, m_, nullptr, nullptr); }},
      {"molrt_predict", "no context", kInvalid, predict(nullptr, m_, b_)},
      {"molrt_predict", "no model", kInvalid, predict(c_, nullptr, b_)},
      {"molrt_predict", "no batch", kInvalid, predict(c_, m_, nullptr)},
      {"molrt_predict", "no head", MOLRT_ERROR_STATE, predict(c_, m_, b_)},
      {"molrt_embed", "no context", kInvalid, embed(nullptr, m_, b_)},
      {"molrt_embed", "no model", kInvalid, embed(c_, nullptr, b_)},
      {"molrt_embed", "no batch", kInvalid, embed(c_, m_, nullptr)},
  };
}

MisuseTest::Table MisuseTest::run_sizes() {
  static float floats[64];
  static Model headed;
  headed = golden_model(c_, "molecule_linear.pth");
  const auto predict = [this](float* mean, size_t count) {
    return [=, this] { return molrt_predict(c_, headed.get(), b_, nullptr, mean, nullptr, count); };
  };
  const auto uncertain = [](molrt_context* c, const molrt_model* m, molrt_batch* b, size_t count) {
    return [=] {
      auto result = initialised(molrt_uncertain_result_init);
      result.value = floats;
      return molrt_predict_uncertain(c, m, b, nullptr, nullptr, &result, count);
    };
  };
  const auto uncertain_with = [this](std::function<void(molrt_uncertain_options&)> change) {
    return with<molrt_uncertain_options>(molrt_uncertain_options_init, change, [this](auto& o) {
      auto result = initialised(molrt_uncertain_result_init);
      return molrt_predict_uncertain(c_, headed.get(), b_, nullptr, &o, &result, 2);
    });
  };
  const auto embed = [this](size_t cls, float* atoms, size_t atoms_count) {
    return [=, this] { return molrt_embed(c_, m_, b_, nullptr, floats, cls, atoms, atoms_count); };
  };
  return {
      {"molrt_predict", "one short", kInvalid, predict(floats, 1)},
      {"molrt_predict", "one too many", kInvalid, predict(floats, 3)},
      {"molrt_predict", "far too many", kInvalid, predict(floats, SIZE_MAX)},
      {"molrt_predict", "no result", kInvalid, predict(nullptr, 2)},
      {"molrt_predict_uncertain", "one short", kInvalid, uncertain(c_, headed.get(), b_, 1)},
      {"molrt_predict_uncertain", "no context", kInvalid, uncertain(nullptr, headed.get(), b_, 2)},
      {"molrt_predict_uncertain", "no model", kInvalid, uncertain(c_, nullptr, b_, 2)},
      {"molrt_predict_uncertain", "no batch", kInvalid, uncertain(c_, headed.get(), nullptr, 2)},
      {"molrt_predict_uncertain", "no head", MOLRT_ERROR_STATE, uncertain(c_, m_, b_, 2)},
      {"molrt_predict_uncertain", "no result", kInvalid,
       [this] {
         return molrt_predict_uncertain(c_, headed.get(), b_, nullptr, nullptr, nullptr, 2);
       }},
      {"molrt_predict_uncertain", "no such mode", kInvalid,
       uncertain_with([](auto& o) { o.mode = 3; })},
      {"molrt_predict_uncertain", "MC passes without dropout", kInvalid,
       uncertain_with([](auto& o) { o.mode = MOLRT_MODE_MC; })},
      {"molrt_predict_uncertain", "one sample", kInvalid,
       uncertain_with([](auto& o) { o.samples = 1; })},
      {"molrt_predict_uncertain", "samples of no MC prediction", kInvalid,
       uncertain_with([](auto& o) { o.samples = 5; })},
      {"molrt_predict_uncertain", "level 1", kInvalid,
       uncertain_with([](auto& o) { o.level = 1; })},
      {"molrt_predict_uncertain", "level NaN", kInvalid,
       uncertain_with([](auto& o) { o.level = NAN; })},
      {"molrt_embed", "cls one short", kInvalid, embed(2 * kWidth - 1, nullptr, 0)},
      {"molrt_embed", "cls far too long", kInvalid, embed(SIZE_MAX, nullptr, 0)},
      {"molrt_embed", "atoms too short", kInvalid, embed(2 * kWidth, floats, kWidth)},
      {"molrt_embed", "atoms far too long", kInvalid, embed(2 * kWidth, floats, SIZE_MAX)},
  };
}

MisuseTest::Table MisuseTest::settings_calls() {
  static molrt_setting_info info;
  static double number;
  static int64_t integer;
  static size_t needed;
  static char buffer[1];
  must(molrt_setting_info_init(&info, sizeof info));
  const auto f64 = [](molrt_settings* s, const char* name, double value) {
    return [=] { return molrt_settings_set_f64(s, name, value); };
  };
  const auto i64 = [](molrt_settings* s, const char* name, int64_t value) {
    return [=] { return molrt_settings_set_i64(s, name, value); };
  };
  const auto text = [](molrt_settings* s, const char* name, const char* value) {
    return [=] { return molrt_settings_set_text(s, name, value); };
  };
  return {
      {"molrt_settings_describe", "no result", kInvalid,
       [] { return molrt_settings_describe(0, nullptr); }},
      {"molrt_settings_describe", "behind the last", kInvalid,
       [] { return molrt_settings_describe(molrt_settings_count(), &info); }},
      {"molrt_settings_describe", "far behind", kInvalid,
       [] { return molrt_settings_describe(SIZE_MAX, &info); }},
      {"molrt_settings_create", "no result", kInvalid,
       [] { return molrt_settings_create(nullptr); }},
      {"molrt_settings_set_f64", "no settings", kInvalid, f64(nullptr, "lr", 1e-3)},
      {"molrt_settings_set_f64", "no name", kInvalid, f64(s_, nullptr, 1e-3)},
      {"molrt_settings_set_f64", "unknown name", kInvalid, f64(s_, "learning_rat", 1e-3)},
      {"molrt_settings_set_f64", "an integer setting", kInvalid, f64(s_, "epochs", 1.5)},
      {"molrt_settings_set_f64", "NaN", kInvalid, f64(s_, "lr", std::nan(""))},
      {"molrt_settings_set_f64", "infinite", kInvalid, f64(s_, "lr", HUGE_VAL)},
      {"molrt_settings_set_f64", "negative", kInvalid, f64(s_, "lr", -1)},
      {"molrt_settings_set_i64", "no settings", kInvalid, i64(nullptr, "epochs", 1)},
      {"molrt_settings_set_i64", "no name", kInvalid, i64(s_, nullptr, 1)},
      {"molrt_settings_set_i64", "unknown name", kInvalid, i64(s_, "", 1)},
      {"molrt_settings_set_i64", "a text setting", kInvalid, i64(s_, "head", 1)},
      {"molrt_settings_set_i64", "negative", kInvalid, i64(s_, "epochs", -1)},
      {"molrt_settings_set_i64", "far too many", kInvalid, i64(s_, "epochs", INT64_MAX)},
      {"molrt_settings_set_text", "no settings", kInvalid, text(nullptr, "head", "linear")},
      {"molrt_settings_set_text", "no name", kInvalid, text(s_, nullptr, "linear")},
      {"molrt_settings_set_text", "no value", kInvalid, text(s_, "head", nullptr)},
      {"molrt_settings_set_text", "no such choice", kInvalid, text(s_, "head", "lineal")},
      {"molrt_settings_set_text", "a number setting", kInvalid, text(s_, "epochs", "5")},
      {"molrt_settings_get_f64", "no settings", kInvalid,
       [] { return molrt_settings_get_f64(nullptr, "lr", &number); }},
      {"molrt_settings_get_f64", "no name", kInvalid,
       [this] { return molrt_settings_get_f64(s_, nullptr, &number); }},
      {"molrt_settings_get_f64", "no result", kInvalid,
       [this] { return molrt_settings_get_f64(s_, "lr", nullptr); }},
      {"molrt_settings_get_f64", "a text setting", kInvalid,
       [this] { return molrt_settings_get_f64(s_, "head", &number); }},
      {"molrt_settings_get_i64", "no settings", kInvalid,
       [] { return molrt_settings_get_i64(nullptr, "epochs", &integer); }},
      {"molrt_settings_get_i64", "no name", kInvalid,
       [this] { return molrt_settings_get_i64(s_, nullptr, &integer); }},
      {"molrt_settings_get_i64", "no result", kInvalid,
       [this] { return molrt_settings_get_i64(s_, "epochs", nullptr); }},
      {"molrt_settings_get_text", "no settings", kInvalid,
       [] { return molrt_settings_get_text(nullptr, "head", nullptr, 0, &needed); }},
      {"molrt_settings_get_text", "no name", kInvalid,
       [this] { return molrt_settings_get_text(s_, nullptr, nullptr, 0, &needed); }},
      {"molrt_settings_get_text", "a small buffer", MOLRT_ERROR_BUFFER_TOO_SMALL,
       [this] { return molrt_settings_get_text(s_, "head", buffer, 1, &needed); }},
  };
}

MisuseTest::Table MisuseTest::jobs() {
  static molrt_job* made = nullptr;
  static const double targets[2] = {1, 2};
  static const char* const hole[] = {nullptr};
  static const double below[2] = {1, -1}, zeros[2] = {0, 0};
  static const char* const groups[2] = {"a", nullptr};
  static const int32_t parts[2] = {0, -4};
  static int32_t part;
  return {
      {"molrt_job_create", "no context", kInvalid,
       [this] { return molrt_job_create(nullptr, m_, b_, targets, 1, nullptr, nullptr, &made); }},
      {"molrt_job_create", "no model", kInvalid,
       [this] { return create_job(nullptr, targets, 1, nullptr, &made); }},
      {"molrt_job_create", "no batch", kInvalid,
       [this] { return molrt_job_create(c_, m_, nullptr, targets, 1, nullptr, nullptr, &made); }},
      {"molrt_job_create", "no targets", kInvalid,
       [this] { return create_job(m_, nullptr, 1, nullptr, &made); }},
      {"molrt_job_create", "a count of zero", kInvalid,
       [this] { return create_job(m_, targets, 0, nullptr, &made); }},
      {"molrt_job_create", "more targets than memory", kAnyError,
       [this] { return create_job(m_, targets, SIZE_MAX, nullptr, &made); }},
      {"molrt_job_create", "settings of a pre-training", kInvalid,
       [this] {
         molrt_settings* settings = nullptr;
         must(molrt_pretraining_settings_create(&settings));
         const Settings owner(settings);
         return molrt_job_create(c_, m_, b_, targets, 1, nullptr, settings, &made);
       }},
      {"molrt_job_create", "a name is NULL", kInvalid,
       [this] { return create_job(m_, targets, 1, hole, &made); }},
      {"molrt_job_create", "no result", kInvalid,
       [this] { return create_job(m_, targets, 1, nullptr, nullptr); }},
      {"molrt_job_set_weights", "no job", kInvalid,
       [] { return molrt_job_set_weights(nullptr, targets, 2); }},
      {"molrt_job_set_weights", "no weights", kInvalid,
       [this] { return molrt_job_set_weights(j_, nullptr, 2); }},
      {"molrt_job_set_weights", "of other rows", kInvalid,
       [this] { return molrt_job_set_weights(j_, targets, SIZE_MAX); }},
      {"molrt_job_set_weights", "below 0", kInvalid,
       [this] { return molrt_job_set_weights(j_, below, 2); }},
      {"molrt_job_set_weights", "all 0", kInvalid,
       [this] { return molrt_job_set_weights(j_, zeros, 2); }},
      {"molrt_job_set_groups", "no job", kInvalid,
       [] { return molrt_job_set_groups(nullptr, groups, 2); }},
      {"molrt_job_set_groups", "no groups", kInvalid,
       [this] { return molrt_job_set_groups(j_, nullptr, 2); }},
      {"molrt_job_set_groups", "one is NULL", kInvalid,
       [this] { return molrt_job_set_groups(j_, groups, 2); }},
      {"molrt_job_set_parts", "no job", kInvalid,
       [] { return molrt_job_set_parts(nullptr, parts, 2); }},
      {"molrt_job_set_parts", "no parts", kInvalid,
       [this] { return molrt_job_set_parts(j_, nullptr, 2); }},
      {"molrt_job_set_parts", "no such part", kInvalid,
       [this] { return molrt_job_set_parts(j_, parts, 2); }},
      {"molrt_part_of_word", "no word", kInvalid,
       [] { return molrt_part_of_word(nullptr, &part); }},
      {"molrt_part_of_word", "no result", kInvalid,
       [] { return molrt_part_of_word("train", nullptr); }},
      {"molrt_part_of_word", "no part", kInvalid,
       [] { return molrt_part_of_word("trian", &part); }},
      {"molrt_job_set_unit", "no job", kInvalid,
       [] { return molrt_job_set_unit(nullptr, 0, "kcal/mol"); }},
      {"molrt_job_set_unit", "no unit", kInvalid,
       [this] { return molrt_job_set_unit(j_, 0, nullptr); }},
      {"molrt_job_set_unit", "no such target", kInvalid,
       [this] { return molrt_job_set_unit(j_, 1, "kcal/mol"); }},
      {"molrt_job_set_unit", "a negative target", kInvalid,
       [this] { return molrt_job_set_unit(j_, -1, "kcal/mol"); }},
      {"molrt_job_set_unit", "not UTF-8", kInvalid,
       [this] { return molrt_job_set_unit(j_, 0, "\xFF"); }},
      {"molrt_job_run", "no job", kInvalid, [] { return molrt_job_run(nullptr, nullptr); }},
      {"molrt_job_set_checkpoint", "no job", kInvalid,
       [] { return molrt_job_set_checkpoint(nullptr, "run", 0); }},
      {"molrt_job_set_checkpoint", "no directory", kInvalid,
       [this] { return molrt_job_set_checkpoint(j_, nullptr, 0); }},
      {"molrt_job_set_checkpoint", "an empty directory", kInvalid,
       [this] { return molrt_job_set_checkpoint(j_, "", 0); }},
      {"molrt_job_set_checkpoint", "resume is neither", kInvalid,
       [this] { return molrt_job_set_checkpoint(j_, "run", 2); }},
      {"molrt_job_remove_checkpoint", "no job", kInvalid,
       [] { return molrt_job_remove_checkpoint(nullptr); }},
      {"molrt_job_cancel", "no job", kInvalid, [] { return molrt_job_cancel(nullptr); }},
  };
}

MisuseTest::Table MisuseTest::job_results() {
  static molrt_model* made = nullptr;
  static float floats[64];
  static int32_t parts[2];
  static size_t needed;
  static molrt_row row;
  must(molrt_row_init(&row, sizeof row));
  return {
      {"molrt_job_get_model", "no job", kInvalid,
       [] { return molrt_job_get_model(nullptr, &made); }},
      {"molrt_job_get_model", "no result", kInvalid,
       [this] { return molrt_job_get_model(j_, nullptr); }},
      {"molrt_job_get_model", "before the run", MOLRT_ERROR_STATE,
       [this] { return molrt_job_get_model(j_, &made); }},
      {"molrt_job_get_report", "no job", kInvalid,
       [] { return molrt_job_get_report(nullptr, nullptr, 0, &needed); }},
      {"molrt_job_get_report", "before the run", MOLRT_ERROR_STATE,
       [this] { return molrt_job_get_report(j_, nullptr, 0, &needed); }},
      {"molrt_job_get_counted", "no job", kInvalid,
       [] { return molrt_job_get_counted(nullptr, nullptr, 0, &needed); }},
      {"molrt_job_get_counted", "a small buffer", MOLRT_ERROR_BUFFER_TOO_SMALL,
       [this] {
         char buffer[1];
         return molrt_job_get_counted(j_, buffer, 1, &needed);
       }},
      {"molrt_job_set_unlabelled", "no job", kInvalid,
       [this] { return molrt_job_set_unlabelled(nullptr, b_); }},
      {"molrt_job_set_unlabelled", "no batch", kInvalid,
       [this] { return molrt_job_set_unlabelled(j_, nullptr); }},
      {"molrt_job_set_unlabelled", "a job without R-Drop", kInvalid,
       [this] { return molrt_job_set_unlabelled(j_, b_); }},
      {"molrt_job_get_settings", "no job", kInvalid,
       [] { return molrt_job_get_settings(nullptr, nullptr, 0, &needed); }},
      {"molrt_job_get_settings", "a small buffer", MOLRT_ERROR_BUFFER_TOO_SMALL,
       [this] {
         char buffer[1];
         return molrt_job_get_settings(j_, buffer, 1, &needed);
       }},
      {"molrt_job_get_html", "no job", kInvalid,
       [] { return molrt_job_get_html(nullptr, nullptr, 0, &needed); }},
      {"molrt_job_get_html", "before the run", MOLRT_ERROR_STATE,
       [this] { return molrt_job_get_html(j_, nullptr, 0, &needed); }},
      {"molrt_job_set_title", "no job", kInvalid,
       [] { return molrt_job_set_title(nullptr, "title"); }},
      {"molrt_job_get_held_out", "no job", kInvalid,
       [] { return molrt_job_get_held_out(nullptr, floats, 20); }},
      {"molrt_job_get_held_out", "before the run", MOLRT_ERROR_STATE,
       [this] { return molrt_job_get_held_out(j_, floats, 20); }},
      {"molrt_job_get_parts", "no job", kInvalid,
       [] { return molrt_job_get_parts(nullptr, parts, 2); }},
      {"molrt_job_get_parts", "before the run", MOLRT_ERROR_STATE,
       [this] { return molrt_job_get_parts(j_, parts, 2); }},
      {"molrt_job_get_held_out_errors", "no job", kInvalid,
       [] { return molrt_job_get_held_out_errors(nullptr, floats, floats, floats, 20); }},
      {"molrt_job_get_held_out_errors", "before the run", MOLRT_ERROR_STATE,
       [this] { return molrt_job_get_held_out_errors(j_, floats, floats, floats, 20); }},
      {"molrt_job_get_row", "no job", kInvalid, [] { return molrt_job_get_row(nullptr, 0, &row); }},
      {"molrt_job_get_row", "no result", kInvalid,
       [this] { return molrt_job_get_row(j_, 0, nullptr); }},
      {"molrt_job_get_row", "no such row", kInvalid,
       [this] { return molrt_job_get_row(j_, SIZE_MAX, &row); }},
  };
}

MisuseTest::Table MisuseTest::pretraining_setups() {
  static molrt_pretraining* made = nullptr;
  static molrt_setting_info info;
  static const char *const hole[] = {"y", nullptr}, *const twice[] = {"y", "y"},
                           *const empty[] = {""}, *const not_utf8[] = {"\xFF"};
  must(molrt_setting_info_init(&info, sizeof info));
  const auto create = [this](const char* const* names, size_t count) {
    return [=, this] { return molrt_pretraining_create(c_, m_, nullptr, names, count, &made); };
  };
  return {
      {"molrt_pretraining_settings_describe", "no result", kInvalid,
       [] { return molrt_pretraining_settings_describe(0, nullptr); }},
      {"molrt_pretraining_settings_describe", "behind the last", kInvalid,
       [] {
         return molrt_pretraining_settings_describe(molrt_pretraining_settings_count(), &info);
       }},
      {"molrt_pretraining_settings_describe", "far behind", kInvalid,
       [] { return molrt_pretraining_settings_describe(SIZE_MAX, &info); }},
      {"molrt_pretraining_settings_create", "no result", kInvalid,
       [] { return molrt_pretraining_settings_create(nullptr); }},
      {"molrt_pretraining_create", "no context", kInvalid,
       [this] { return molrt_pretraining_create(nullptr, m_, nullptr, nullptr, 0, &made); }},
      {"molrt_pretraining_create", "no start", kInvalid,
       [this] { return molrt_pretraining_create(c_, nullptr, nullptr, nullptr, 0, &made); }},
      {"molrt_pretraining_create", "no result", kInvalid,
       [this] { return molrt_pretraining_create(c_, m_, nullptr, nullptr, 0, nullptr); }},
      {"molrt_pretraining_create", "settings of a job", kInvalid,
       [this] { return molrt_pretraining_create(c_, m_, s_, nullptr, 0, &made); }},
      {"molrt_pretraining_create", "a weight of no targets", kInvalid,
       [this] {
         molrt_settings* settings = nullptr;
         must(molrt_pretraining_settings_create(&settings));
         const Settings owner(settings);
         must(molrt_settings_set_f64(settings, "loss.supervised", 2));
         return molrt_pretraining_create(c_, m_, settings, nullptr, 0, &made);
       }},
      {"molrt_pretraining_create", "no names", kInvalid, create(nullptr, 1)},
      {"molrt_pretraining_create", "a name is NULL", kInvalid, create(hole, 2)},
      {"molrt_pretraining_create", "a name twice", kInvalid, create(twice, 2)},
      {"molrt_pretraining_create", "an empty name", kInvalid, create(empty, 1)},
      {"molrt_pretraining_create", "a name that is not UTF-8", kInvalid, create(not_utf8, 1)},
      {"molrt_pretraining_create", "more names than memory", kInvalid, create(twice, SIZE_MAX)},
      {"molrt_pretraining_exclude", "no pre-training", kInvalid,
       [] { return molrt_pretraining_exclude(nullptr, "C"); }},
      {"molrt_pretraining_exclude", "no SMILES", kInvalid,
       [this] { return molrt_pretraining_exclude(p_, nullptr); }},
      {"molrt_pretraining_exclude", "garbage", MOLRT_ERROR_STATE,
       [this] { return molrt_pretraining_exclude(p_, "C1CC"); }},
  };
}

MisuseTest::Table MisuseTest::pretraining_sources() {
  static const float labels[2] = {1, HUGE_VALF};
  const auto archive = [this](const char* path) {
    return [=, this] { return molrt_pretraining_add_archive(p_, path, nullptr, nullptr); };
  };
  const auto archive_with = [this](std::function<void(molrt_run_options&)> change) {
    return with<molrt_run_options>(molrt_run_options_init, change, [this](auto& o) {
      return molrt_pretraining_add_archive(p_, MOLRT_TEST_DATA "/geometries.npz", &o, nullptr);
    });
  };
  const auto batch = [this](const float* values, size_t count) {
    return [=, this] { return molrt_pretraining_add_batch(p_, b_, values, count, nullptr); };
  };
  return {
      {"molrt_pretraining_add_archive", "no pre-training", kInvalid,
       [] { return molrt_pretraining_add_archive(nullptr, "x.npz", nullptr, nullptr); }},
      {"molrt_pretraining_add_archive", "no path", kInvalid, archive(nullptr)},
      {"molrt_pretraining_add_archive", "missing", MOLRT_ERROR_IO, archive("/no/such/file.npz")},
      {"molrt_pretraining_add_archive", "an empty path", MOLRT_ERROR_IO, archive("")},
      {"molrt_pretraining_add_archive", "a directory", kAnyError, archive("/")},
      {"molrt_pretraining_add_archive", "a table", MOLRT_ERROR_FORMAT,
       archive(MOLRT_TEST_DATA "/esol.csv")},
      {"molrt_pretraining_add_archive", "of other arrays", MOLRT_ERROR_FORMAT,
       archive(MOLRT_TEST_DATA "/molecule_linear_forward.npz")},
      {"molrt_pretraining_add_archive", "a batch size", kInvalid,
       archive_with([](auto& o) { o.batch_size = 2; })},
      {"molrt_pretraining_add_archive", "max_atoms", kInvalid,
       archive_with([](auto& o) { o.max_atoms = 20; })},
      {"molrt_pretraining_add_archive", "a result without its size", kInvalid,
       [this] {
         molrt_added added = {};
         return molrt_pretraining_add_archive(p_, MOLRT_TEST_DATA "/geometries.npz", nullptr,
                                              &added);
       }},
      {"molrt_pretraining_add_batch", "no pre-training", kInvalid,
       [this] { return molrt_pretraining_add_batch(nullptr, b_, labels, 2, nullptr); }},
      {"molrt_pretraining_add_batch", "no batch", kInvalid,
       [this] { return molrt_pretraining_add_batch(p_, nullptr, labels, 2, nullptr); }},
      {"molrt_pretraining_add_batch", "one label short", kInvalid, batch(labels, 1)},
      {"molrt_pretraining_add_batch", "far too many labels", kInvalid, batch(labels, SIZE_MAX)},
      {"molrt_pretraining_add_batch", "an infinite label", MOLRT_ERROR_DATA, batch(labels, 2)},
      {"molrt_pretraining_add_batch", "a result without its size", kInvalid,
       [this] {
         molrt_added added = {};
         return molrt_pretraining_add_batch(p_, b_, nullptr, 0, &added);
       }},
  };
}

MisuseTest::Table MisuseTest::pretraining_results() {
  static molrt_model* made = nullptr;
  static size_t needed;
  const auto run_with = [this](std::function<void(molrt_run_options&)> change) {
    return with<molrt_run_options>(molrt_run_options_init, change,
                                   [this](auto& o) { return molrt_pretraining_run(p_, &o); });
  };
  return {
      {"molrt_pretraining_set_checkpoint", "no pre-training", kInvalid,
       [] { return molrt_pretraining_set_checkpoint(nullptr, "run", 0); }},
      {"molrt_pretraining_set_checkpoint", "no directory", kInvalid,
       [this] { return molrt_pretraining_set_checkpoint(p_, nullptr, 0); }},
      {"molrt_pretraining_set_checkpoint", "an empty directory", kInvalid,
       [this] { return molrt_pretraining_set_checkpoint(p_, "", 0); }},
      {"molrt_pretraining_set_checkpoint", "resume is neither", kInvalid,
       [this] { return molrt_pretraining_set_checkpoint(p_, "run", 2); }},
      {"molrt_pretraining_remove_checkpoint", "no pre-training", kInvalid,
       [] { return molrt_pretraining_remove_checkpoint(nullptr); }},
      {"molrt_pretraining_run", "no pre-training", kInvalid,
       [] { return molrt_pretraining_run(nullptr, nullptr); }},
      {"molrt_pretraining_run", "a batch size", kInvalid,
       run_with([](auto& o) { o.batch_size = 2; })},
      {"molrt_pretraining_run", "a precision", kInvalid,
       run_with([](auto& o) { o.precision = MOLRT_PRECISION_BF16; })},
      {"molrt_pretraining_run", "no molecules", MOLRT_ERROR_DATA,
       [this] { return molrt_pretraining_run(new_pretraining(c_, m_).get(), nullptr); }},
      {"molrt_pretraining_cancel", "no pre-training", kInvalid,
       [] { return molrt_pretraining_cancel(nullptr); }},
      {"molrt_pretraining_get_model", "no pre-training", kInvalid,
       [] { return molrt_pretraining_get_model(nullptr, &made); }},
      {"molrt_pretraining_get_model", "no result", kInvalid,
       [this] { return molrt_pretraining_get_model(p_, nullptr); }},
      {"molrt_pretraining_get_model", "before the run", MOLRT_ERROR_STATE,
       [this] { return molrt_pretraining_get_model(p_, &made); }},
      {"molrt_pretraining_get_report", "no pre-training", kInvalid,
       [] { return molrt_pretraining_get_report(nullptr, nullptr, 0, &needed); }},
      {"molrt_pretraining_get_report", "before the run", MOLRT_ERROR_STATE,
       [this] { return molrt_pretraining_get_report(p_, nullptr, 0, &needed); }},
      {"molrt_pretraining_get_html", "no pre-training", kInvalid,
       [] { return molrt_pretraining_get_html(nullptr, nullptr, 0, &needed); }},
      {"molrt_pretraining_get_html", "before the run", MOLRT_ERROR_STATE,
       [this] { return molrt_pretraining_get_html(p_, nullptr, 0, &needed); }},
  };
}

MisuseTest::Table MisuseTest::probes() {
  static Model headed;
  headed = golden_model(c_, "molecule_linear.pth");
  static const double targets[2] = {1, 2}, rates[2] = {.5, 1}, twice[2] = {.5, .5},
                      infinite[2] = {1, HUGE_VAL}, missing[2] = {NAN, NAN};
  static const int32_t layers[2] = {0, -1};
  static molrt_probe* made = nullptr;
  static size_t needed;
  static double passes;
  const auto run = [this](const molrt_model* m, const double* values, size_t count) {
    return [=, this] { return molrt_probe_run(c_, m, b_, values, count, nullptr, nullptr, &made); };
  };
  const auto run_with = [this](std::function<void(molrt_probe_options&)> change) {
    return with<molrt_probe_options>(molrt_probe_options_init, change, [this](auto& o) {
      return molrt_probe_run(c_, headed.get(), b_, targets, 1, nullptr, &o, &made);
    });
  };
  return {
      {"molrt_probe_get_passes", "no model", kInvalid,
       [] { return molrt_probe_get_passes(nullptr, nullptr, &passes); }},
      {"molrt_probe_get_passes", "no result", kInvalid,
       [] { return molrt_probe_get_passes(headed.get(), nullptr, nullptr); }},
      {"molrt_probe_get_passes", "no head", MOLRT_ERROR_STATE,
       [this] { return molrt_probe_get_passes(m_, nullptr, &passes); }},
      {"molrt_probe_run", "no context", kInvalid,
       [this] {
         return molrt_probe_run(nullptr, headed.get(), b_, targets, 1, nullptr, nullptr, &made);
       }},
      {"molrt_probe_run", "no batch", kInvalid,
       [this] {
         return molrt_probe_run(c_, headed.get(), nullptr, targets, 1, nullptr, nullptr, &made);
       }},
      {"molrt_probe_run", "no result", kInvalid,
       [this] {
         return molrt_probe_run(c_, headed.get(), b_, targets, 1, nullptr, nullptr, nullptr);
       }},
      {"molrt_probe_run", "no model", kInvalid, run(nullptr, targets, 1)},
      {"molrt_probe_run", "no head", MOLRT_ERROR_STATE, run(m_, targets, 1)},
      {"molrt_probe_run", "no targets", kInvalid, run(headed.get(), nullptr, 1)},
      {"molrt_probe_run", "a target too many", kInvalid, run(headed.get(), targets, 2)},
      {"molrt_probe_run", "more targets than memory", kInvalid,
       run(headed.get(), targets, SIZE_MAX)},
      {"molrt_probe_run", "an infinite value", MOLRT_ERROR_DATA, run(headed.get(), infinite, 1)},
      {"molrt_probe_run", "no value", MOLRT_ERROR_DATA, run(headed.get(), missing, 1)},
      {"molrt_probe_run", "no such attribution", kInvalid,
       run_with([](auto& o) { o.attributions = 4; })},
      {"molrt_probe_run", "no such layer", kInvalid,
       run_with([](auto& o) { o.layers = layers, o.layer_count = 2; })},
      {"molrt_probe_run", "no layers", kInvalid, run_with([](auto& o) { o.layers = layers; })},
      {"molrt_probe_run", "layers that are not there", kInvalid,
       run_with([](auto& o) { o.layer_count = 1; })},
      {"molrt_probe_run", "far too many layers", kInvalid,
       run_with([](auto& o) { o.layers = layers, o.layer_count = SIZE_MAX; })},
      {"molrt_probe_run", "rate 1", kInvalid,
       run_with([](auto& o) { o.rates = rates, o.rate_count = 2; })},
      {"molrt_probe_run", "a rate twice", kInvalid,
       run_with([](auto& o) { o.rates = twice, o.rate_count = 2; })},
      {"molrt_probe_run", "no rates", kInvalid, run_with([](auto& o) { o.rates = rates; })},
      {"molrt_probe_run", "a title that is not UTF-8", kInvalid,
       run_with([](auto& o) { o.title = "\xFF"; })},
      {"molrt_probe_get_report", "no probe", kInvalid,
       [] { return molrt_probe_get_report(nullptr, nullptr, 0, &needed); }},
      {"molrt_probe_get_html", "no probe", kInvalid,
       [] { return molrt_probe_get_html(nullptr, nullptr, 0, &needed); }},
  };
}

TEST_F(MisuseTest, EveryFunctionThatReturnsAStatusRefusesIt) {
  must(molrt_batch_prepare(c_, m_, b_, nullptr));  // so that there is something too big to return
  std::set<std::string> covered;
  for (const Table& table :
       {inits(), contexts(), caches(), official_weights(), models(), model_queries(), batches(),
        rows(), runs(), run_sizes(), settings_calls(), jobs(), job_results(), pretraining_setups(),
        pretraining_sources(), pretraining_results(), probes()})
    for (const Misuse& misuse : table) {
      expect_refused(misuse);
      covered.insert(misuse.function);
    }
  EXPECT_EQ(molrt_batch_size(b_), 2u) << "a refused row was added";

  const std::set<std::string> without_status = {"molrt_version",
                                                "molrt_version_text",
                                                "molrt_build_info",
                                                "molrt_last_error",
                                                "molrt_status_name",
                                                "molrt_row_status_name",
                                                "molrt_source_name",
                                                "molrt_flag_name",
                                                "molrt_context_free",
                                                "molrt_model_free",
                                                "molrt_batch_free",
                                                "molrt_settings_free",
                                                "molrt_job_free",
                                                "molrt_probe_free",
                                                "molrt_settings_count",
                                                "molrt_batch_size",
                                                "molrt_batch_row_message",
                                                "molrt_job_row_message",
                                                "molrt_model_target_name",
                                                "molrt_model_column_name",
                                                "molrt_model_target_unit",
                                                "molrt_pretraining_free",
                                                "molrt_pretraining_settings_count"};
  std::ifstream symbols(MOLRT_SYMBOLS);
  ASSERT_TRUE(symbols);
  for (std::string name; symbols >> name;)
    EXPECT_EQ(covered.count(name) + without_status.count(name), 1u)
        << name << " has no misuse test";
}

TEST_F(MisuseTest, FunctionsWithoutAStatusTakeAnything) {
  const int32_t failed = molrt_batch_clear(nullptr);
  const std::string error = molrt_last_error();
  EXPECT_EQ(failed, kInvalid);
  for (int32_t number : {INT_MIN, -11, -1, 0, 1, 5, INT_MAX}) {
    EXPECT_NE(molrt_status_name(number), nullptr);
    EXPECT_NE(molrt_row_status_name(number), nullptr);
    EXPECT_NE(molrt_source_name(number), nullptr);
    EXPECT_NE(molrt_flag_name(static_cast<uint32_t>(number)), nullptr);
    EXPECT_EQ(molrt_model_target_name(nullptr, number), nullptr);
    EXPECT_EQ(molrt_model_target_name(m_, number), nullptr);  // it has no head
    EXPECT_EQ(molrt_model_column_name(nullptr, number), nullptr);
    EXPECT_EQ(molrt_model_column_name(m_, number), nullptr);
    EXPECT_EQ(molrt_model_target_unit(nullptr, number), nullptr);
    EXPECT_EQ(molrt_model_target_unit(m_, number), nullptr);
  }
  EXPECT_EQ(molrt_batch_size(nullptr), 0u);
  EXPECT_STREQ(molrt_batch_row_message(nullptr, 0), "");
  EXPECT_STREQ(molrt_batch_row_message(b_, SIZE_MAX), "");
  EXPECT_STREQ(molrt_job_row_message(nullptr, 0), "");
  EXPECT_STREQ(molrt_job_row_message(j_, SIZE_MAX), "");
  molrt_context_free(nullptr);
  molrt_model_free(nullptr);
  molrt_batch_free(nullptr);
  molrt_settings_free(nullptr);
  molrt_job_free(nullptr);
  molrt_pretraining_free(nullptr);
  EXPECT_EQ(molrt_last_error(), error) << "they must not touch the last error";
}

TEST_F(MisuseTest, ATextThatDoesNotFitIsNotWritten) {
  char buffer[8] = "before!";
  size_t needed = 0;
  EXPECT_EQ(molrt_model_describe(m_, nullptr, 0, &needed), MOLRT_OK) << "asking for the size";
  EXPECT_GT(needed, sizeof buffer);
  EXPECT_EQ(molrt_model_describe(m_, buffer, sizeof buffer, &needed), MOLRT_ERROR_BUFFER_TOO_SMALL);
  EXPECT_STREQ(buffer, "before!");
  std::vector<char> text(needed + 1, '#');
  EXPECT_EQ(molrt_model_describe(m_, text.data(), needed - 1, &needed),
            MOLRT_ERROR_BUFFER_TOO_SMALL);
  EXPECT_EQ(molrt_model_describe(m_, text.data(), needed, &needed), MOLRT_OK);
  EXPECT_EQ(std::strlen(text.data()) + 1, needed);
  EXPECT_EQ(text.back(), '#');
}

TEST_F(MisuseTest, AMisspelledSettingIsOfferedTheNearestName) {
  EXPECT_EQ(molrt_settings_set_i64(s_, "epoch", 3), kInvalid);
  EXPECT_NE(std::string(molrt_last_error()).find("epochs"), std::string::npos);
}

TEST_F(MisuseTest, AJobRunsOnce) {
  must(molrt_job_run(j_, nullptr));
  EXPECT_EQ(molrt_job_run(j_, nullptr), MOLRT_ERROR_STATE);
  std::vector<float> held_out(good_smiles().size());
  EXPECT_EQ(molrt_job_get_held_out(j_, nullptr, held_out.size()), kInvalid);
  EXPECT_EQ(molrt_job_get_held_out(j_, held_out.data(), held_out.size() - 1), kInvalid);
  EXPECT_EQ(molrt_job_get_held_out(j_, held_out.data(), held_out.size()), MOLRT_OK);
}

}  // namespace
}  // namespace molrt::abi
