// Clients older and newer than the library: every struct with a smaller and a larger struct_size.
#include <cstring>
#include <functional>

#include "support.h"

namespace molrt::abi {
namespace {

constexpr size_t kTail = 16;  // what a newer header might append
constexpr unsigned char kGarbage = 0xA5;

// One struct: its init, and a call that reads it (options) or fills it (results).
struct Case {
  const char* name;
  size_t size;        // in this header
  size_t older_size;  // that an older header might have had
  bool filled;        // by the call, rather than read
  std::function<int32_t(void*, size_t)> init;
  std::function<void(void*)> change;  // what the call needs beside the defaults
  std::function<int32_t(void*)> call;
};

// A struct in memory with room behind it.
using Bytes = std::vector<unsigned char>;

void set_size(Bytes& bytes, uint32_t size) { std::memcpy(bytes.data(), &size, sizeof size); }

class Structs : public testing::Test {
 protected:
  template <typename Struct, typename Call>
  Case make(
      const char* name, size_t older_size, bool filled, int32_t (*init)(Struct*, size_t), Call call,
      std::function<void(Struct*)> change = [](Struct*) {}) {
    return {name,
            sizeof(Struct),
            older_size,
            filled,
            [=](void* s, size_t size) { return init(static_cast<Struct*>(s), size); },
            [=](void* s) { change(static_cast<Struct*>(s)); },
            [=](void* s) { return call(static_cast<Struct*>(s)); }};
  }

  std::vector<Case> cases() {
    return {
        make<molrt_context_options>("context_options", offsetof(molrt_context_options, log), false,
                                    molrt_context_options_init,
                                    [](auto* o) {
                                      molrt_context* made = nullptr;
                                      const int32_t status = molrt_context_create(o, &made);
                                      molrt_context_free(made);
                                      return status;
                                    }),
        make<molrt_conformer_cache_info>(
            "conformer_cache_info", offsetof(molrt_conformer_cache_info, found), true,
            molrt_conformer_cache_info_init,
            [this](auto* i) { return molrt_context_get_conformer_cache(context_.get(), i); }),
        make<molrt_probe_options>(
            "probe_options", offsetof(molrt_probe_options, seed), false, molrt_probe_options_init,
            [this](auto* o) {
              static const Model headed = golden_model(context_.get(), "molecule_linear.pth");
              double passes = 0;
              return molrt_probe_get_passes(headed.get(), o, &passes);
            }),
        make<molrt_open_options>(
            "open_options", offsetof(molrt_open_options, max_atoms), false, molrt_open_options_init,
            [this](auto* o) {
              molrt_model* made = nullptr;
              const int32_t status = molrt_model_open(
                  context_.get(), MOLRT_TEST_DATA "/molecule_linear.pth", o, &made);
              molrt_model_free(made);
              return status;
            }),
        make<molrt_architecture>(
            "architecture", offsetof(molrt_architecture, hydrogens), false, molrt_architecture_init,
            [this](auto* o) {
              molrt_model* made = nullptr;
              const int32_t status = molrt_model_create_untrained(context_.get(), o, &made);
              molrt_model_free(made);
              return status;
            },
            [](molrt_architecture* a) {
              a->kernel = MOLRT_KERNEL_GAUSSIAN;
              a->layers = 1;
              a->width = a->ffn = 8;
              a->heads = 2;
            }),
        make<molrt_save_options>(
            "save_options", offsetof(molrt_save_options, dtype), false, molrt_save_options_init,
            [this](auto* o) {
              const std::string path = testing::TempDir() + "structs.molrt";
              const int32_t status =
                  molrt_model_save(context_.get(), model_.get(), path.c_str(), o);
              std::remove(path.c_str());
              return status;
            }),
        make<molrt_conformer_options>(
            "conformer_options", offsetof(molrt_conformer_options, max_atoms), false,
            molrt_conformer_options_init,
            [this](auto* o) {
              molrt_batch* made = nullptr;
              const int32_t status = molrt_batch_create(context_.get(), o, &made);
              molrt_batch_free(made);
              return status;
            }),
        make<molrt_run_options>(
            "run_options", offsetof(molrt_run_options, crop), false, molrt_run_options_init,
            [this](auto* o) {
              return molrt_batch_compute_conformers(context_.get(), batch_.get(), o);
            }),
        make<molrt_model_info>("model_info", offsetof(molrt_model_info, width), true,
                               molrt_model_info_init,
                               [this](auto* o) { return molrt_model_get_info(model_.get(), o); }),
        make<molrt_row>("row", offsetof(molrt_row, flags), true, molrt_row_init,
                        [this](auto* o) { return molrt_batch_get_row(batch_.get(), 0, o); }),
        make<molrt_added>("added", offsetof(molrt_added, excluded), true, molrt_added_init,
                          [this](auto* o) {
                            return molrt_pretraining_add_batch(pretraining_.get(), batch_.get(),
                                                               nullptr, 0, o);
                          }),
        make<molrt_setting_info>("setting_info", offsetof(molrt_setting_info, unit), true,
                                 molrt_setting_info_init,
                                 [](auto* o) { return molrt_settings_describe(0, o); }),
    };
  }

  // The struct as a client with `size` bytes of it would pass it, kGarbage behind.
  Bytes prepared(const Case& c, size_t size) {
    Bytes bytes(c.size + 2 * kTail, kGarbage);
    EXPECT_EQ(c.init(bytes.data(), c.size), MOLRT_OK) << molrt_last_error();
    c.change(bytes.data());
    std::fill(bytes.begin() + static_cast<long>(std::min(size, c.size)), bytes.end(), kGarbage);
    if (size > c.size) std::fill_n(bytes.begin() + static_cast<long>(c.size), size - c.size, 0);
    set_size(bytes, static_cast<uint32_t>(size));
    return bytes;
  }

  void expect_untouched_behind(const Bytes& bytes, size_t size) {
    for (size_t i = size; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], kGarbage) << "byte " << i;
  }

  Context context_ = new_context();
  Model model_ = small_model(context_.get());
  Batch batch_ = new_batch(context_.get(), {"C"});
  Pretraining pretraining_ = new_pretraining(context_.get(), model_.get());
};

TEST_F(Structs, InitFillsExactlyTheSizeItIsTold) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    for (size_t size : {sizeof(uint32_t), c.older_size, c.size, c.size + kTail}) {
      Bytes bytes(c.size + 2 * kTail, kGarbage);
      ASSERT_EQ(c.init(bytes.data(), size), MOLRT_OK) << molrt_last_error();
      uint32_t told;
      std::memcpy(&told, bytes.data(), sizeof told);
      EXPECT_EQ(told, size);
      for (size_t i = c.size; i < size; ++i) ASSERT_EQ(bytes[i], 0) << "byte " << i;
      expect_untouched_behind(bytes, size);
    }
  }
}

TEST_F(Structs, OlderClientsGetDefaultsForTheRest) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    Bytes bytes = prepared(c, c.older_size);
    EXPECT_EQ(c.call(bytes.data()), MOLRT_OK) << molrt_last_error();
    expect_untouched_behind(bytes, c.older_size);
  }
}

TEST_F(Structs, NewerClientsAreAcceptedIfTheTailIsZero) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    Bytes bytes = prepared(c, c.size + kTail);
    EXPECT_EQ(c.call(bytes.data()), MOLRT_OK) << molrt_last_error();
    expect_untouched_behind(bytes, c.size + kTail);
  }
}

TEST_F(Structs, NewerClientsThatUseTheTailAreRefused) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    if (c.filled) continue;
    for (size_t used : {c.size, c.size + kTail - 1}) {
      Bytes bytes = prepared(c, c.size + kTail);
      bytes[used] = 1;
      EXPECT_EQ(c.call(bytes.data()), MOLRT_ERROR_UNSUPPORTED);
      EXPECT_STRNE(molrt_last_error(), "");
    }
  }
}

TEST_F(Structs, ResultsThatOnlyTheClientKnowsAreZero) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    if (!c.filled) continue;
    Bytes bytes = prepared(c, c.size + kTail);
    bytes[c.size] = 1;
    EXPECT_EQ(c.call(bytes.data()), MOLRT_OK) << molrt_last_error();
    for (size_t i = c.size; i < c.size + kTail; ++i) EXPECT_EQ(bytes[i], 0) << "byte " << i;
    expect_untouched_behind(bytes, c.size + kTail);
  }
}

TEST_F(Structs, SizesThatHoldNoSizeAreRefused) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    for (uint32_t size : {0u, 1u, 3u}) {
      Bytes bytes = prepared(c, c.size);
      EXPECT_EQ(c.init(bytes.data(), size), MOLRT_ERROR_INVALID_ARGUMENT);
      set_size(bytes, size);
      EXPECT_EQ(c.call(bytes.data()), MOLRT_ERROR_INVALID_ARGUMENT);
      EXPECT_STRNE(molrt_last_error(), "");
    }
  }
}

TEST_F(Structs, AFilledStructOfAnOlderClientHasTheSameFields) {
  auto whole = initialised(molrt_model_info_init);
  must(molrt_model_get_info(model_.get(), &whole));
  molrt_model_info part;
  must(molrt_model_info_init(&part, offsetof(molrt_model_info, width)));
  must(molrt_model_get_info(model_.get(), &part));
  EXPECT_EQ(part.kernel, whole.kernel);
  EXPECT_EQ(part.layers, whole.layers);
}

}  // namespace
}  // namespace molrt::abi
