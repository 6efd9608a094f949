#include <nlohmann/json.hpp>

#include "api/guard.h"
#include "base/error.h"
#include "base/text.h"
#include "io/known_weights.h"

using namespace molrt;
using namespace molrt::api;

namespace {

using Json = nlohmann::ordered_json;

Json or_null(std::string_view text) { return text.empty() ? Json() : Json(text); }

Json as_json(const OfficialFile& file) {
  return {{"name", file.name},
          {"trained_on", file.trained_on},
          {"bytes", file.bytes},
          {"bytes_margin", file.bytes_margin},
          {"sha256", or_null(file.sha256)},
          {"hydrogens", file.hydrogens == Hydrogens::all ? "all" : "none"},
          {"kernel", kernel_name(file.kernel)},
          {"dictionary", file.dictionary},
          {"vocabulary", file.vocabulary},
          {"layout", file.layout == TokenLayout::file_order ? "file_order" : "specials_first"},
          {"homes", {hugging_face_url(file), github_url(file)}},
          {"licence", "MIT"}};
}

}  // namespace

int32_t molrt_official_weights_describe(char* buffer, size_t capacity, size_t* needed) {
  return guarded([&] {
    Json list = Json::array();
    for (const OfficialFile& file : official_files()) list.push_back(as_json(file));
    write_text(list.dump(), buffer, capacity, needed);
  });
}

int32_t molrt_official_weights_verify(const char* path, char* buffer, size_t capacity,
                                      size_t* needed) {
  return guarded([&] {
    const auto source = ByteSource::open_file(&require(path, "path"));
    const Identity identity = identify(*source, official_files());
    if (!identity.problem.empty()) fail(MOLRT_ERROR_FORMAT, "{}", identity.problem);
    const OfficialFile* official = identity.official();
    const Json json = {{"path", as_utf8(source->name())},
                       {"bytes", source->size()},
                       {"sha256", or_null(identity.sha256)},
                       {"official", official ? Json(official->name) : Json()},
                       {"verified", identity.verified != nullptr}};
    write_text(json.dump(), buffer, capacity, needed);
  });
}
