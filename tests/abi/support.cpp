#include "support.h"

#include <stdexcept>

namespace molrt::abi {

void must(int32_t status) {
  if (status != MOLRT_OK)
    throw std::runtime_error(std::string(molrt_status_name(status)) + ": " + molrt_last_error());
}

Context new_context(int threads) {
  auto options = initialised(molrt_context_options_init);
  options.threads = threads;
  molrt_context* context = nullptr;
  must(molrt_context_create(&options, &context));
  return Context(context);
}

Model small_model(molrt_context* context) {
  auto sizes = initialised(molrt_architecture_init);
  sizes.kernel = MOLRT_KERNEL_GAUSSIAN;
  sizes.layers = 2;
  sizes.width = 16;
  sizes.ffn = 32;
  sizes.heads = 2;
  molrt_model* model = nullptr;
  must(molrt_model_create_untrained(context, &sizes, &model));
  return Model(model);
}

Model golden_model(molrt_context* context, const std::string& name) {
  molrt_model* model = nullptr;
  must(molrt_model_open(context, (MOLRT_TEST_DATA "/" + name).c_str(), nullptr, &model));
  return Model(model);
}

Batch new_batch(molrt_context* context, const std::vector<std::string>& smiles) {
  molrt_batch* handle = nullptr;
  must(molrt_batch_create(context, nullptr, &handle));
  Batch batch(handle);
  for (const std::string& one : smiles) must(molrt_batch_add_smiles(batch.get(), one.c_str()));
  return batch;
}

Job new_job(molrt_context* context, const molrt_model* base) {
  const Batch batch = new_batch(context, good_smiles());
  std::vector<double> targets(molrt_batch_size(batch.get()));
  for (size_t i = 0; i < targets.size(); ++i) targets[i] = 0.5 * static_cast<double>(i % 5);
  molrt_job* job = nullptr;
  must(molrt_job_create(context, base, batch.get(), targets.data(), 1, nullptr, nullptr, &job));
  return Job(job);
}

Pretraining new_pretraining(molrt_context* context, const molrt_model* start,
                            const std::vector<const char*>& targets) {
  molrt_settings* made = nullptr;
  must(molrt_pretraining_settings_create(&made));
  const Settings settings(made);
  must(molrt_settings_set_i64(made, "steps", 4));
  must(molrt_settings_set_i64(made, "batch_size", 2));
  must(molrt_settings_set_i64(made, "evaluate.every", 2));
  must(molrt_settings_set_f64(made, "holdout", .2));
  molrt_pretraining* pretraining = nullptr;
  must(
      molrt_pretraining_create(context, start, made, targets.data(), targets.size(), &pretraining));
  return Pretraining(pretraining);
}

std::vector<std::string> good_smiles() {
  return {"C",       "CC",     "CCO",  "c1ccccc1", "CC(=O)O",   "CN",       "OCC(O)CO",
          "CCCC",    "C1CC1",  "CC#N", "ClCCl",    "CS(C)=O",   "c1ccncc1", "CC(C)C",
          "O=C(N)N", "FC(F)F", "CCBr", "C=CC=C",   "Oc1ccccc1", "CCN(CC)CC"};
}

molrt_model_info info_of(const molrt_model* model) {
  auto info = initialised(molrt_model_info_init);
  must(molrt_model_get_info(model, &info));
  return info;
}

std::vector<float> cls_of(molrt_context* context, const molrt_model* model, molrt_batch* batch) {
  std::vector<float> cls(molrt_batch_size(batch) * static_cast<size_t>(info_of(model).width));
  must(molrt_embed(context, model, batch, nullptr, cls.data(), cls.size(), nullptr, 0));
  return cls;
}

std::vector<float> predictions_of(molrt_context* context, const molrt_model* model,
                                  molrt_batch* batch) {
  std::vector<float> mean(molrt_batch_size(batch) * static_cast<size_t>(info_of(model).outputs));
  must(molrt_predict(context, model, batch, nullptr, mean.data(), nullptr, mean.size()));
  return mean;
}

}  // namespace molrt::abi
