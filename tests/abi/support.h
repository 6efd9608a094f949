#pragma once
// Handles of molrt.h with C++ lifetimes, and small things to run on.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "molrt.h"

namespace molrt::abi {

struct Free {
  void operator()(molrt_context* p) const { molrt_context_free(p); }
  void operator()(molrt_model* p) const { molrt_model_free(p); }
  void operator()(molrt_batch* p) const { molrt_batch_free(p); }
  void operator()(molrt_settings* p) const { molrt_settings_free(p); }
  void operator()(molrt_job* p) const { molrt_job_free(p); }
  void operator()(molrt_pretraining* p) const { molrt_pretraining_free(p); }
  void operator()(molrt_probe* p) const { molrt_probe_free(p); }
};
using Context = std::unique_ptr<molrt_context, Free>;
using Model = std::unique_ptr<molrt_model, Free>;
using Batch = std::unique_ptr<molrt_batch, Free>;
using Settings = std::unique_ptr<molrt_settings, Free>;
using Job = std::unique_ptr<molrt_job, Free>;
using Pretraining = std::unique_ptr<molrt_pretraining, Free>;
using Probe = std::unique_ptr<molrt_probe, Free>;

// Throws with the library's text, which gtest reports.
void must(int32_t status);

// A struct with the library's defaults.
template <typename Struct>
Struct initialised(int32_t (*init)(Struct*, size_t)) {
  Struct value;
  must(init(&value, sizeof value));
  return value;
}

Context new_context(int threads = 1);
// 2 layers, width 16, no head; the same weights every time.
Model small_model(molrt_context* context);
Model golden_model(molrt_context* context, const std::string& name);
Batch new_batch(molrt_context* context, const std::vector<std::string>& smiles);
// A job over small_model that trains in well under a second.
Job new_job(molrt_context* context, const molrt_model* base);
// Of a few steps, for the targets; no molecules yet.
Pretraining new_pretraining(molrt_context* context, const molrt_model* start,
                            const std::vector<const char*>& targets = {});

std::vector<std::string> good_smiles();
molrt_model_info info_of(const molrt_model* model);
std::vector<float> cls_of(molrt_context* context, const molrt_model* model, molrt_batch* batch);
std::vector<float> predictions_of(molrt_context* context, const molrt_model* model,
                                  molrt_batch* batch);

}  // namespace molrt::abi
