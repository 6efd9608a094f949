#include <algorithm>

#include "base/crc.h"
#include "train/addrop.h"
#include "train/child_tuning.h"
#include "train/fisher_child.h"
#include "train/method.h"
#include "train/mixout.h"
#include "train/multi_sample.h"
#include "train/rdrop.h"

namespace molrt {
namespace {

struct Kind {
  std::vector<SettingRow> (*settings)();
  std::unique_ptr<Method> (*make)(const Settings&);  // null: it is off
  // What is legal beside the others, but rarely meant; null: nothing.
  std::vector<std::string> (*warnings)(const Settings&) = nullptr;
};

// In the order in which their hooks are called.
constexpr Kind kinds[] = {{multi_sample_settings, make_multi_sample},
                          {mixout_settings, make_mixout, mixout_warnings},
                          {rdrop_settings, make_rdrop, rdrop_warnings},
                          {addrop_settings, make_addrop, addrop_warnings},
                          {fisher_child_settings, make_fisher_child},
                          {child_tuning_settings, make_child_tuning, child_tuning_warnings}};

}  // namespace

uint32_t tensor_number(std::string_view name) { return crc32(name); }

PassPlan pass_plan(const Methods& methods, double pooler_dropout) {
  PassPlan plan;
  plan.head_rates = {pooler_dropout};
  for (const auto& method : methods) method->on_plan(plan);
  return plan;
}

AttentionPlan attention_plan(const Methods& methods, int epoch) {
  AttentionPlan plan;
  for (const auto& method : methods) method->on_attention(epoch, plan);
  return plan;
}

Counted count_methods(const Methods& methods, Counted plain) {
  for (const auto& method : methods) method->on_counted(plain);
  return plain;
}

bool MethodWeights::touches(std::string_view name) const {
  return std::any_of(methods_.begin(), methods_.end(),
                     [&](const auto& method) { return method->has_on_weight(name); });
}

void MethodWeights::forward(const WeightPart& weight) const {
  for (const auto& method : methods_)
    if (method->has_on_weight(weight.name)) method->on_weight(key_, weight);
}

void MethodWeights::backward(const WeightPart& gradient) const {
  for (auto method = methods_.rbegin(); method != methods_.rend(); ++method)
    if ((*method)->has_on_weight(gradient.name)) (*method)->on_weight_gradient(key_, gradient);
}

std::vector<SettingRow> method_settings() {
  std::vector<SettingRow> rows;
  for (const Kind& kind : kinds)
    for (SettingRow& row : kind.settings()) rows.push_back(std::move(row));
  return rows;
}

std::shared_ptr<Methods> make_methods(const Settings& settings) {
  auto methods = std::make_shared<Methods>();
  for (const Kind& kind : kinds)
    if (auto method = kind.make(settings)) methods->push_back(std::move(method));
  return methods;
}

std::vector<std::string> method_warnings(const Settings& settings) {
  std::vector<std::string> all;
  for (const Kind& kind : kinds)
    if (kind.warnings != nullptr)
      for (std::string& warning : kind.warnings(settings)) all.push_back(std::move(warning));
  return all;
}

}  // namespace molrt
