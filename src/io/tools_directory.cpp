#include "io/tools_directory.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.h"
#include "base/text.h"
#include "io/checkpoint.h"
#include "io/tools_config.h"
#include "io/tools_scaler.h"
#include "model/folds.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string out_proj = head_prefix + "out_proj.weight";

class DirectoryReader {
 public:
  DirectoryReader(const std::string& path, std::optional<int> fold,
                  const std::function<void(const std::string&)>& notice)
      : path_(path), notice_(notice), config_(read_config()), fold_(fold) {}

  ToolsDirectory read() {
    check_files();
    const int folds = fold_ ? 1 : config_.folds, first = fold_.value_or(0);
    std::vector<TensorMap> networks;
    for (int i = 0; i < folds; ++i) networks.push_back(read_network(first + i));
    result_.weights_file = file(weights_name(first));
    fill_card(networks[0].at(out_proj).shape[0], folds);
    result_.tensors = merge_folds(networks);
    return std::move(result_);
  }

 private:
  std::string file(const std::string& name) const { return (fs::path(path_) / name).string(); }
  static std::string weights_name(int fold) { return fmt::format("model_{}.pth", fold); }

  // IO error where that cannot be told, as in a directory that may not be entered.
  bool exists(const std::string& name) const {
    std::error_code error;
    const bool found = fs::exists(file(name), error);
    if (error) fail(MOLRT_ERROR_IO, "{}: cannot be read: {}", file(name), error.message());
    return found;
  }

  // Reads one of the files by `use`, and counts what was read.
  template <typename Use>
  auto with_file(const std::string& name, const Use& use) {
    const auto source = ByteSource::open_file(file(name));
    auto result = use(*source);
    result_.bytes_read += source->bytes_read();
    return result;
  }

  ToolsConfig read_config() {
    if (!exists("config.yaml"))
      fail(MOLRT_ERROR_IO,
           "{}: a directory without config.yaml; expected a weight file, or a directory saved by "
           "unimol_tools",
           path_);
    return with_file("config.yaml", [&](ByteSource& source) {
      const auto bytes = source.read(0, source.size(), "settings");
      return parse_tools_config({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                                source.name());
    });
  }

  // The settings' number of folds against the files that are there.
  void check_files() {
    if (fold_ && (*fold_ < 0 || *fold_ >= config_.folds))
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "{}: fold = {}: the model has {} folds, from 0 on", path_,
           *fold_, config_.folds);
    for (int i = 0; i < config_.folds; ++i)
      if (!exists(weights_name(i)))
        fail(MOLRT_ERROR_IO, "{}: no such file; config.yaml says that there are {} folds",
             file(weights_name(i)), config_.folds);
    if (exists(weights_name(config_.folds)))  // as the peer, which overwrites and leaves them there
      notice_(fmt::format(
          "{}: is not read: config.yaml says that there are {} folds, model_0.pth to {}",
          file(weights_name(config_.folds)), config_.folds, weights_name(config_.folds - 1)));
  }

  TensorMap read_network(int fold) {
    TensorMap tensors = with_file(weights_name(fold), read_torch_checkpoint);
    const Weights weights(tensors, file(weights_name(fold)));
    const Architecture found = infer_architecture(weights);
    if (found.kernel != config_.kernel)
      fail(MOLRT_ERROR_FORMAT,
           "{}: weights with a {} pair kernel, but config.yaml's 'data_type' "
           "means a {} one",
           weights.file(), kernel_name(found.kernel), kernel_name(config_.kernel));
    const HeadKind head =
        weights.has(head_prefix + "dense.weight") ? HeadKind::pooled : HeadKind::linear;
    check_rows(weights, weights.shape(out_proj, 2)[0]);
    ModelCard& card = result_.card;
    if (card.architecture.layers == 0) {  // the first fold's
      card.architecture = found;
      card.head = head;
    }
    if (found != card.architecture || head != card.head)
      fail(MOLRT_ERROR_FORMAT,
           "{}: expected {} and a {} head, as the first fold has; found {} and "
           "a {} head",
           weights.file(), sizes_text(card.architecture), head_name(card.head), sizes_text(found),
           head_name(head));
    return tensors;
  }

  // The head's rows against the settings' task and columns.
  void check_rows(const Weights& weights, int64_t rows) const {
    int64_t expected = static_cast<int64_t>(config_.targets.size());
    if (config_.task == Task::binary) expected = 2;
    if (config_.task == Task::multiclass) expected = config_.classes ? config_.classes : rows;
    if (rows != expected)
      fail(MOLRT_ERROR_FORMAT,
           "{}: '{}' has {} rows, but config.yaml's 'task' {} with {} column(s) in 'target_cols'{} "
           "needs {}",
           weights.file(), out_proj, rows, config_.task_text, config_.targets.size(),
           config_.classes ? fmt::format(" and 'multiclass_cnt' {}", config_.classes) : "",
           expected);
  }

  void fill_card(int64_t rows, int folds) {
    ModelCard& card = result_.card;
    card.layout = config_.layout;
    card.hydrogens = config_.hydrogens;
    card.max_atoms = config_.max_atoms;
    card.task = config_.task;
    card.targets = output_names(rows);
    card.scalers.assign(static_cast<size_t>(folds), read_scalers());
    read_thresholds();
    card.provenance = provenance();
    result_.own_dictionary = !config_.own_dictionary.empty();
    if (result_.own_dictionary)
      notice_(
          fmt::format("{}: the base model had a dictionary of its own, {}, which is not here "
                      "(override with the option dictionary)",
                      file("config.yaml"), in_quotes(config_.own_dictionary)));
  }

  std::vector<std::string> output_names(int64_t rows) const {
    if (config_.task != Task::multiclass) return config_.targets;
    std::vector<std::string> names;
    for (int64_t i = 0; i < rows; ++i) names.push_back(fmt::format("{}_{}", config_.targets[0], i));
    return names;
  }

  std::vector<TargetScaler> read_scalers() {
    const size_t outputs = result_.card.targets.size();
    const char* name = "target_scaler.ss";
    const bool unsaid = config_.scaled_if_there && exists(name);
    if (!config_.scaled && !unsaid) return std::vector<TargetScaler>(outputs);
    if (!exists(name))
      fail(MOLRT_ERROR_IO,
           "{}: no such file; config.yaml's 'target_normalize' is {}, so predictions need it",
           file(name), config_.target_normalize);
    auto scalers =
        with_file(name, [&](ByteSource& source) { return read_tools_scalers(source, outputs); });
    if (config_.scaled) check_kind(scalers.front().kind, file(name));
    return scalers;
  }

  // A scaler of another training would give wrong numbers.
  void check_kind(ScalerKind kind, const std::string& name) {
    const std::string& said = config_.target_normalize;
    const bool power = kind == ScalerKind::yeo_johnson || kind == ScalerKind::box_cox;
    const bool fits = said == "auto"          ? !power && kind != ScalerKind::quantile
                      : said == "log1p"       ? kind == ScalerKind::log1p
                      : said == "power_trans" ? power
                      : said == "quantile"    ? kind == ScalerKind::quantile
                                              : kind == ScalerKind::linear;
    if (!fits)
      notice_(
          fmt::format("{}: holds a {} scaler, but config.yaml's 'target_normalize' is {}; what "
                      "the file holds is used",
                      name, scaler_name(kind), said));
  }

  void read_thresholds() {
    const char* name = "threshold.dat";
    ModelCard& card = result_.card;
    if (card.task != Task::binary && card.task != Task::multilabel) return;
    if (!exists(name))
      return notice_(fmt::format("{}: no such file; labels are by a threshold of 0.5", file(name)));
    card.thresholds = with_file(name, [&](ByteSource& source) {
      return read_tools_thresholds(source, card.targets.size());
    });
  }

  std::string provenance() const {
    json settings;
    for (const auto& [key, value] : config_.values) settings[key] = value;
    const fs::path name = fs::absolute(path_).lexically_normal();
    json origin = {
        {"directory", (name.has_filename() ? name : name.parent_path()).filename().string()},
        {"saved_by", "unimol_tools"},
        {"config", settings},
        {"imported_by", fmt::format("molrt {}", molrt_version_text())}};
    if (fold_) origin["fold"] = *fold_;
    return origin.dump(-1, ' ', false, json::error_handler_t::replace);  // a name may be no UTF-8
  }

  const std::string& path_;
  const std::function<void(const std::string&)>& notice_;
  ToolsDirectory result_;
  ToolsConfig config_;
  std::optional<int> fold_;
};

}  // namespace

ToolsDirectory read_tools_directory(const std::string& path, std::optional<int> fold,
                                    const std::function<void(const std::string&)>& notice) {
  return DirectoryReader(path, fold, notice).read();
}

}  // namespace molrt
