#include "io/yaml.h"

#include <yaml.h>

#include <array>

#include "base/error.h"
#include "base/text.h"

namespace molrt {
namespace {

constexpr size_t most_bytes = 1 << 20;  // far above any settings
constexpr int most_depth = 64;

class Event {
 public:
  Event() = default;
  ~Event() { yaml_event_delete(&event); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  yaml_event_t event = {};
};

class FlatReader {
 public:
  FlatReader(std::string_view text, const std::string& file) : file_(file) {
    if (!yaml_parser_initialize(&parser_)) throw std::bad_alloc();
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~FlatReader() { yaml_parser_delete(&parser_); }
  FlatReader(const FlatReader&) = delete;
  FlatReader& operator=(const FlatReader&) = delete;

  YamlMapping read() {
    expect(YAML_STREAM_START_EVENT);
    expect(YAML_DOCUMENT_START_EVENT);
    expect(YAML_MAPPING_START_EVENT);
    YamlMapping mapping;
    while (read_entry(mapping)) {
    }
    expect(YAML_DOCUMENT_END_EVENT);
    expect(YAML_STREAM_END_EVENT);
    return mapping;
  }

 private:
  [[noreturn]] void broken(const std::string& how) {
    fail(MOLRT_ERROR_FORMAT, "{}: line {}: {}", file_, parser_.mark.line + 1, how);
  }

  void next(Event& event) {
    if (yaml_parser_parse(&parser_, &event.event)) return;
    if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
    broken(fmt::format("not YAML: {}", parser_.problem ? parser_.problem : "unreadable"));
  }

  void expect(yaml_event_type_t type) {
    Event event;
    next(event);
    if (event.event.type != type) broken("expected one mapping of names to simple values");
  }

  static std::string text_of(const Event& event) {
    const auto& scalar = event.event.data.scalar;
    return {reinterpret_cast<const char*>(scalar.value), scalar.length};
  }

  bool read_entry(YamlMapping& mapping) {
    Event key;
    next(key);
    if (key.event.type == YAML_MAPPING_END_EVENT) return false;
    if (key.event.type != YAML_SCALAR_EVENT) broken("a key that is no text");
    const std::string name = text_of(key);
    if (mapping.scalars.contains(name) || mapping.others.contains(name))
      broken("the key " + in_quotes(name) + " is there twice");
    Event value;
    next(value);
    if (value.event.type == YAML_SCALAR_EVENT) {
      const auto& scalar = value.event.data.scalar;
      mapping.scalars[name] = {text_of(value), scalar.style == YAML_PLAIN_SCALAR_STYLE};
    } else {
      mapping.others[name] = skip(value);
    }
    return true;
  }

  // Passes over a value that is not simple, and says what it is.
  const char* skip(const Event& begin) {
    if (begin.event.type == YAML_ALIAS_EVENT) return "an alias";
    const bool list = begin.event.type == YAML_SEQUENCE_START_EVENT;
    for (int depth = 1; depth > 0;) {
      Event event;
      next(event);
      const auto type = event.event.type;
      if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT) ++depth;
      if (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT) --depth;
      if (depth > most_depth) broken("nested too deeply");
    }
    return list ? "a list" : "a mapping";
  }

  const std::string& file_;
  yaml_parser_t parser_ = {};
};

}  // namespace

bool YamlScalar::is_null() const {
  return plain &&
         (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL");
}

YamlMapping parse_flat_yaml(std::string_view text, const std::string& file) {
  if (text.size() > most_bytes) fail(MOLRT_ERROR_FORMAT, "{}: more than 1 MB of settings", file);
  return FlatReader(text, file).read();
}

}  // namespace molrt
