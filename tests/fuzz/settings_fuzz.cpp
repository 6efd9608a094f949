// libFuzzer target: everything that a caller of molrt.h sets. The input is a list of calls:
// settings by name with arbitrary values, and option structs of arbitrary bytes and sizes.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "molrt.h"
#include "must.h"

namespace molrt::fuzz {
namespace {

// Takes an input apart; at its end everything is 0 and empty.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }

  template <typename T>
  T number() {
    T value{};
    copy(&value, sizeof value);
    return value;
  }
  std::vector<char> bytes(size_t count) {
    std::vector<char> taken(count);
    copy(taken.data(), count);
    return taken;
  }
  std::string text() {
    const std::vector<char> taken = bytes(std::min<size_t>(number<uint8_t>(), size_));
    return {taken.begin(), std::find(taken.begin(), taken.end(), '\0')};
  }

 private:
  void copy(void* to, size_t count) {
    const size_t taken = std::min(count, size_);
    if (taken) std::memcpy(to, data_, taken);
    data_ += taken;
    size_ -= taken;
  }
  const uint8_t* data_;
  size_t size_;
};

bool done(int32_t status) {
  if (status == MOLRT_OK) return true;
  must(status == MOLRT_ERROR_INVALID_ARGUMENT || status == MOLRT_ERROR_UNSUPPORTED ||
           status == MOLRT_ERROR_FORMAT || status == MOLRT_ERROR_BUFFER_TOO_SMALL,
       molrt_last_error());
  must(*molrt_last_error() != 0, "a failure has a message");
  return false;
}

// ---- settings

std::string name_from(Input& input) {
  const auto choice = input.number<uint8_t>();
  if (choice >= 128) return input.text();
  molrt_setting_info info;
  must(molrt_setting_info_init(&info, sizeof info) == MOLRT_OK, "init");
  must(molrt_settings_describe(choice % molrt_settings_count(), &info) == MOLRT_OK, "describe");
  return info.name;
}

// Every value as text: what a failed call must leave as it was.
std::string snapshot(const molrt_settings* settings, const std::string& name) {
  double number = 0;
  int64_t integer = 0;
  if (molrt_settings_get_i64(settings, name.c_str(), &integer) == MOLRT_OK)
    return std::to_string(integer);
  if (molrt_settings_get_f64(settings, name.c_str(), &number) == MOLRT_OK)
    return std::to_string(number);
  size_t needed = 0;
  if (!done(molrt_settings_get_text(settings, name.c_str(), nullptr, 0, &needed))) return "";
  std::string text(needed, '\0');
  done(molrt_settings_get_text(settings, name.c_str(), text.data(), needed, &needed));
  return text;
}

template <typename Set>
void set(const molrt_settings* settings, const std::string& name, const Set& call) {
  const std::string before = snapshot(settings, name);
  if (!done(call())) must(snapshot(settings, name) == before, "a failed call changes nothing");
}

void set_number(molrt_settings* settings, Input& input) {
  const std::string name = name_from(input);
  const auto value = input.number<double>();
  set(settings, name, [&] { return molrt_settings_set_f64(settings, name.c_str(), value); });
  double stored = value;
  if (molrt_settings_get_f64(settings, name.c_str(), &stored) == MOLRT_OK)
    must(std::isfinite(stored), "a setting is finite");
}

void set_integer(molrt_settings* settings, Input& input) {
  const std::string name = name_from(input);
  const auto value = input.number<int64_t>();
  set(settings, name, [&] { return molrt_settings_set_i64(settings, name.c_str(), value); });
}

void set_text(molrt_settings* settings, Input& input) {
  const std::string name = name_from(input), value = input.text();
  set(settings, name,
      [&] { return molrt_settings_set_text(settings, name.c_str(), value.c_str()); });
}

void get_text(molrt_settings* settings, Input& input) {
  const std::string name = name_from(input);
  std::vector<char> buffer(input.number<uint8_t>());
  size_t needed = 0;
  if (done(molrt_settings_get_text(settings, name.c_str(), buffer.data(), buffer.size(), &needed)))
    must(buffer.empty() || needed <= buffer.size(), "what was written fits");
}

// ---- structs

struct Handles {
  molrt_context* context = nullptr;
  molrt_model* model = nullptr;
  molrt_batch* batch = nullptr;
};

const Handles& handles() {
  static const Handles made = [] {
    Handles h;
    must(molrt_context_create(nullptr, &h.context) == MOLRT_OK, "a context");
    molrt_architecture sizes;
    must(molrt_architecture_init(&sizes, sizeof sizes) == MOLRT_OK, "init");
    sizes.layers = 1;
    sizes.width = sizes.ffn = 8;
    sizes.heads = 2;
    must(molrt_model_create_untrained(h.context, &sizes, &h.model) == MOLRT_OK, "a model");
    must(molrt_batch_create(h.context, nullptr, &h.batch) == MOLRT_OK, "a batch");
    return h;
  }();
  return made;
}

// A struct of the input's bytes, in a block of exactly the size that it says: reading one byte more
// is a finding.
class Block {
 public:
  explicit Block(Input& input) {
    const uint32_t size = input.number<uint16_t>();
    bytes_ = input.bytes(std::max<size_t>(size, sizeof size));
    std::memcpy(bytes_.data(), &size, sizeof size);
  }
  // For pointers, since a caller's wild one is nobody's promise.
  void clear(size_t offset) {
    for (size_t i = offset; i < std::min(offset + sizeof(void*), bytes_.size()); ++i) bytes_[i] = 0;
  }
  template <typename Struct>
  const Struct* as() const {
    return reinterpret_cast<const Struct*>(bytes_.data());
  }

 private:
  std::vector<char> bytes_;
};

void create_context(Input& input) {
  Block block(input);
  block.clear(offsetof(molrt_context_options, log));
  molrt_context* made = nullptr;
  done(molrt_context_create(block.as<molrt_context_options>(), &made));
  molrt_context_free(made);
}

void create_batch(Input& input) {
  const Block block(input);
  molrt_batch* made = nullptr;
  if (done(molrt_batch_create(handles().context, block.as<molrt_conformer_options>(), &made)))
    must(molrt_batch_add_smiles(made, "C") == MOLRT_OK, "a batch takes rows");
  molrt_batch_free(made);
}

void open_noise(Input& input) {
  Block block(input);
  block.clear(offsetof(molrt_open_options, dictionary_path));
  molrt_model* made = nullptr;
  done(molrt_model_open_memory(handles().context, "noise", 5, block.as<molrt_open_options>(),
                               &made));
  must(made == nullptr, "noise is no model");
}

void run_nothing(Input& input) {
  Block block(input);
  block.clear(offsetof(molrt_run_options, progress));
  const Handles& h = handles();
  done(molrt_batch_prepare(h.context, h.model, h.batch, block.as<molrt_run_options>()));
}

void create_job(const molrt_settings* settings) {
  const Handles& h = handles();
  const double none = 0;
  molrt_job* made = nullptr;
  done(molrt_job_create(h.context, h.model, h.batch, &none, 1, nullptr, settings, &made));
  molrt_job_free(made);
}

void name_everything(Input& input) {
  const auto number = input.number<int32_t>();
  must(molrt_status_name(number) && molrt_row_status_name(number) && molrt_source_name(number) &&
           molrt_flag_name(static_cast<uint32_t>(number)),
       "every number has a name");
}

void call(molrt_settings* settings, Input& input) {
  switch (input.number<uint8_t>() % 10) {
    case 0:
      return set_number(settings, input);
    case 1:
      return set_integer(settings, input);
    case 2:
      return set_text(settings, input);
    case 3:
      return get_text(settings, input);
    case 4:
      return create_context(input);
    case 5:
      return create_batch(input);
    case 6:
      return open_noise(input);
    case 7:
      return run_nothing(input);
    case 8:
      return create_job(settings);
    default:
      return name_everything(input);
  }
}

}  // namespace
}  // namespace molrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace molrt::fuzz;
  Input input(data, size);
  molrt_settings* settings = nullptr;
  must(molrt_settings_create(&settings) == MOLRT_OK, "settings");
  while (!input.empty()) call(settings, input);
  molrt_settings_free(settings);
  return 0;
}
