#include "base/crc.h"
#include "train/child_tuning.h"
#include "train/method.h"
#include "train/multi_sample.h"

namespace molrt {
namespace {

struct Kind {
  std::vector<SettingRow> (*settings)();
  std::unique_ptr<Method> (*make)(const Settings&);  // null: it is off
};

// In the order in which their hooks are called.
constexpr Kind kinds[] = {{multi_sample_settings, make_multi_sample},
                          {child_tuning_settings, make_child_tuning}};

}  // namespace

uint32_t tensor_number(std::string_view name) { return crc32(name); }

HeadPlan head_plan(const Methods& methods, double pooler_dropout) {
  HeadPlan plan{{pooler_dropout}, false};
  for (const auto& method : methods) method->on_head(plan);
  return plan;
}

std::vector<SettingRow> method_settings() {
  std::vector<SettingRow> rows;
  for (const Kind& kind : kinds)
    for (SettingRow& row : kind.settings()) rows.push_back(std::move(row));
  return rows;
}

std::shared_ptr<const Methods> make_methods(const Settings& settings) {
  auto methods = std::make_shared<Methods>();
  for (const Kind& kind : kinds)
    if (auto method = kind.make(settings)) methods->push_back(std::move(method));
  return methods;
}

}  // namespace molrt
