#include <nlohmann/json.hpp>

#include "api/guard.h"
#include "api/handles.h"
#include "base/text.h"

using namespace molrt;
using namespace molrt::api;

namespace {

const molrt_conformer_cache_info nothing = {sizeof(molrt_conformer_cache_info), MOLRT_CACHE_OFF, 0,
                                            0};

std::string read_path(const char* path) {
  const std::string text = &require(path, "path");
  if (text.empty()) fail(MOLRT_ERROR_INVALID_ARGUMENT, "path is empty: expected a file, or NULL");
  return text;
}

std::shared_ptr<ConformerCache> make_cache(const molrt_context& context, const char* path,
                                           uint64_t max_bytes) {
  if (max_bytes != 0 && max_bytes < smallest_cache)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "max_bytes = {}: expected {} or more, or 0 for {}",
         max_bytes, smallest_cache, usual_cache_bytes);
  const auto warn = [log = context.log, user = context.log_user](const std::string& text) {
    if (log) log(user, MOLRT_LOG_WARNING, text.c_str());
  };
  return std::make_shared<ConformerCache>(read_path(path),
                                          max_bytes ? max_bytes : usual_cache_bytes, warn);
}

int32_t state_code(ConformerCache::State state) {
  switch (state) {
    case ConformerCache::State::in_use:
      return MOLRT_CACHE_IN_USE;
    case ConformerCache::State::read_only:
      return MOLRT_CACHE_READ_ONLY;
    default:
      return MOLRT_CACHE_LOST;
  }
}

}  // namespace

int32_t molrt_conformer_cache_info_init(molrt_conformer_cache_info* info, size_t struct_size) {
  return init_struct(info, struct_size, nothing, "info");
}

int32_t molrt_context_set_conformer_cache(molrt_context* context, const char* path,
                                          uint64_t max_bytes) {
  return guarded([&] {
    molrt_context& c = require(context, "context");
    auto cache = path ? make_cache(c, path, max_bytes) : nullptr;
    if (c.cache) c.cache->silence();  // for when the context goes before its jobs
    c.cache = std::move(cache);
  });
}

int32_t molrt_context_get_conformer_cache(const molrt_context* context,
                                          molrt_conformer_cache_info* info) {
  return guarded([&] {
    const auto& cache = require(context, "context").cache;
    molrt_conformer_cache_info value = nothing;
    if (cache) {
      value.state = state_code(cache->state());
      value.found = cache->found();
      value.built = cache->built();
    }
    write_struct(value, info, require(info, "info").struct_size, "info");
  });
}

int32_t molrt_conformer_cache_describe(const char* path, char* buffer, size_t capacity,
                                       size_t* needed) {
  return guarded([&] {
    const std::string file = read_path(path);
    const CacheFacts facts = conformer_cache_facts(file);
    const nlohmann::ordered_json json = {
        {"path", as_utf8(file)}, {"conformers", facts.entries}, {"bytes", facts.bytes}};
    write_text(json.dump(), buffer, capacity, needed);
  });
}

int32_t molrt_conformer_cache_clear(const char* path) {
  return guarded([&] { clear_conformer_cache(read_path(path)); });
}
