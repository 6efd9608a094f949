// The conformer cache of a context.
#include <filesystem>
#include <fstream>

#include "support.h"

namespace molrt::abi {
namespace {

namespace fs = std::filesystem;

class Cache : public testing::Test {
 protected:
  Cache() { fs::remove_all(path_); }
  ~Cache() override { fs::remove_all(path_); }

  static molrt_conformer_cache_info info(const molrt_context* context) {
    auto info = initialised(molrt_conformer_cache_info_init);
    must(molrt_context_get_conformer_cache(context, &info));
    return info;
  }
  std::string described() const {
    char text[512];
    size_t needed = 0;
    must(molrt_conformer_cache_describe(path_.c_str(), text, sizeof text, &needed));
    return text;
  }

  const std::string path_ = testing::TempDir() + "molrt-cache-test.sqlite";
};

TEST_F(Cache, GivesTheSameBytes) {
  const Context plain = new_context(2), cached = new_context(2);
  const Model model = small_model(plain.get());
  must(molrt_context_set_conformer_cache(cached.get(), path_.c_str(), 0));
  const auto cls = [&](const Context& context) {
    return cls_of(context.get(), model.get(), new_batch(context.get(), good_smiles()).get());
  };
  const std::vector<float> expected = cls(plain);
  EXPECT_EQ(cls(cached), expected);
  EXPECT_EQ(cls(cached), expected);
  EXPECT_EQ(info(cached.get()).state, MOLRT_CACHE_IN_USE);
  EXPECT_EQ(info(cached.get()).found, good_smiles().size());
  EXPECT_EQ(info(cached.get()).built, good_smiles().size());
  EXPECT_EQ(info(plain.get()).state, MOLRT_CACHE_OFF);
  EXPECT_NE(described().find("\"conformers\":20"), std::string::npos) << described();
}

TEST_F(Cache, CountsBeginAnewAndNullIsOff) {
  const Context context = new_context();
  const auto compute = [&] {
    const Batch batch = new_batch(context.get(), {"CCO"});
    must(molrt_batch_compute_conformers(context.get(), batch.get(), nullptr));
  };
  must(molrt_context_set_conformer_cache(context.get(), path_.c_str(), 1 << 20));
  compute();
  must(molrt_context_set_conformer_cache(context.get(), path_.c_str(), 0));
  EXPECT_EQ(info(context.get()).built, 0u);
  compute();
  EXPECT_EQ(info(context.get()).found, 1u);
  must(molrt_conformer_cache_clear(path_.c_str()));
  EXPECT_NE(described().find("\"conformers\":0"), std::string::npos) << described();
  must(molrt_context_set_conformer_cache(context.get(), nullptr, 0));
  compute();
  EXPECT_EQ(info(context.get()).state, MOLRT_CACHE_OFF);
  EXPECT_NE(described().find("\"conformers\":0"), std::string::npos) << described();
}

// A job has its context's cache, and after the context nobody to warn.
TEST_F(Cache, AJobMayOutliveItsContext) {
  std::ofstream(path_) << "no cache";
  auto options = initialised(molrt_context_options_init);
  int warnings = 0;
  options.log = [](void* user, int32_t level, const char*) {
    *static_cast<int*>(user) += level == MOLRT_LOG_WARNING;
  };
  options.log_user = &warnings;
  for (const bool outlives : {false, true}) {
    molrt_context* made = nullptr;
    must(molrt_context_create(&options, &made));
    Context context(made);
    must(molrt_context_set_conformer_cache(made, path_.c_str(), 0));
    const Model model = small_model(made);
    const Job job = new_job(made, model.get());
    if (outlives) context.reset();
    must(molrt_job_run(job.get(), nullptr));
    EXPECT_EQ(warnings, 1);
    if (!outlives) {
      EXPECT_EQ(info(made).state, MOLRT_CACHE_LOST);
    }
  }
}

}  // namespace
}  // namespace molrt::abi
