#include "io/tools_scaler.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "io/joblib.h"

namespace molrt {
namespace {

// One scikit-learn object that holds the numbers of some features, of which a target is one.
class SklearnScaler {
 public:
  SklearnScaler(const Joblib& file, PickleId id, size_t features)
      : file_(file), id_(id), features_(features), class_(class_name()) {}

  TargetScaler feature(size_t index) const {
    TargetScaler scaler = read(index);
    if (const char* fault = scaler_fault(scaler); *fault)
      fail(MOLRT_ERROR_FORMAT, "{}: {} has {}", file_.file(), class_, fault);
    return scaler;
  }

 private:
  [[noreturn]] void broken(const char* attribute, const std::string& expected) const {
    fail(MOLRT_ERROR_FORMAT, "{}: '{}' of {}: expected {}", file_.file(), attribute, class_,
         expected);
  }

  std::string class_name() const {
    const std::string name = file_.class_of(id_);
    if (name.starts_with("sklearn.")) return name.substr(name.rfind('.') + 1);
    fail(MOLRT_ERROR_UNSUPPORTED, "{}: expected a scaler of scikit-learn, found {}", file_.file(),
         name.empty() ? "something else" : in_quotes(name));
  }

  TargetScaler read(size_t index) const {
    if (class_ == "StandardScaler") return linear("with_mean", "mean_", "with_std", index);
    if (class_ == "RobustScaler") return linear("with_centering", "center_", "with_scaling", index);
    if (class_ == "MaxAbsScaler") return linear(nullptr, nullptr, nullptr, index);
    if (class_ == "MinMaxScaler") return minmax(index);
    if (class_ == "PowerTransformer") return power(index);
    if (class_ == "QuantileTransformer") return quantile(index);
    if (class_ == "FunctionTransformer") return function();
    fail(MOLRT_ERROR_UNSUPPORTED,
         "{}: the scaler {} is not one that molrt can invert (StandardScaler, MinMaxScaler, "
         "RobustScaler, MaxAbsScaler, PowerTransformer, QuantileTransformer and "
         "FunctionTransformer of log1p are)",
         file_.file(), in_quotes(class_));
  }

  // value = scaled * scale_ + offset, each where its switch is on.
  TargetScaler linear(const char* offset_switch, const char* offset, const char* scale_switch,
                      size_t index) const {
    TargetScaler scaler;
    if (offset && is_on(offset_switch)) scaler.mean = number(offset, index);
    if (!scale_switch || is_on(scale_switch)) scaler.scale = number("scale_", index);
    return scaler;
  }

  // scaled = value * scale_ + min_
  TargetScaler minmax(size_t index) const {
    const double scale = number("scale_", index);
    if (!(scale > 0)) broken("scale_", "a positive number");
    TargetScaler scaler;
    scaler.scale = 1 / scale;
    scaler.mean = -number("min_", index) / scale;
    return scaler;
  }

  TargetScaler power(size_t index) const {
    TargetScaler scaler;
    if (is_on("standardize")) {
      const auto inner = file_.find(id_, "_scaler");
      if (!inner || !file_.class_of(*inner).ends_with(".StandardScaler"))
        broken("_scaler", "a StandardScaler");
      scaler = SklearnScaler(file_, *inner, features_).feature(index);
    }
    const std::string_view method = text("method");
    if (method != "yeo-johnson" && method != "box-cox") broken("method", "yeo-johnson or box-cox");
    scaler.kind = method == "box-cox" ? ScalerKind::box_cox : ScalerKind::yeo_johnson;
    scaler.lambda = number("lambdas_", index);
    return scaler;
  }

  TargetScaler quantile(size_t index) const {
    TargetScaler scaler;
    scaler.kind = ScalerKind::quantile;
    const std::string_view output = text("output_distribution");
    if (output != "uniform" && output != "normal")
      broken("output_distribution", "uniform or normal");
    scaler.output = output == "normal" ? QuantileOutput::normal : QuantileOutput::uniform;
    scaler.references = array("references_").values;
    const NumberArray quantiles = array("quantiles_");
    if (quantiles.shape.size() != 2 || quantiles.shape[1] != static_cast<int64_t>(features_))
      broken("quantiles_", fmt::format("a column for each of {} targets", features_));
    for (size_t i = index; i < quantiles.values.size(); i += features_)
      scaler.quantiles.push_back(quantiles.values[i]);
    return scaler;
  }

  TargetScaler function() const {
    for (const char* arguments : {"kw_args", "inv_kw_args"})
      if (const auto id = file_.find(id_, arguments);
          id && file_.pickle().node(*id).kind != PickleKind::none &&
          !file_.pickle().node(*id).pairs.empty())
        fail(MOLRT_ERROR_UNSUPPORTED, "{}: FunctionTransformer with {}", file_.file(), arguments);
    require_function("func", "log1p");
    require_function("inverse_func", "expm1");
    TargetScaler scaler;
    scaler.kind = ScalerKind::log1p;
    return scaler;
  }

  void require_function(const char* attribute, std::string_view name) const {
    const auto id = file_.find(id_, attribute);
    if (!id) broken(attribute, "a function");
    const std::string found = function_name(*id);
    if (found.starts_with("numpy.") && found.ends_with(fmt::format(".{}", name))) return;
    fail(MOLRT_ERROR_UNSUPPORTED, "{}: FunctionTransformer whose {} is {}; molrt knows numpy's {}",
         file_.file(), attribute, found.empty() ? "no named function" : in_quotes(found), name);
  }

  // "module.name"; numpy before 1.17 wrote its functions as a call with both.
  std::string function_name(PickleId id) const {
    const Pickle& pickle = file_.pickle();
    const PickleNode& node = pickle.node(id);
    if (node.kind == PickleKind::global) return fmt::format("{}.{}", node.module, node.text);
    if (!file_.class_of(id).ends_with("._ufunc_reconstruct")) return "";
    const auto& arguments = pickle.node(node.arguments).items;
    if (arguments.size() != 2) return "";
    return fmt::format("{}.{}", pickle.node(arguments[0]).text, pickle.node(arguments[1]).text);
  }

  bool is_on(const char* attribute) const {
    const auto id = file_.find(id_, attribute);
    if (!id || file_.pickle().node(*id).kind != PickleKind::boolean)
      broken(attribute, "True or False");
    return file_.pickle().node(*id).integer != 0;
  }

  std::string_view text(const char* attribute) const {
    const auto id = file_.find(id_, attribute);
    if (!id || file_.pickle().node(*id).kind != PickleKind::text) broken(attribute, "a text");
    return file_.pickle().node(*id).text;
  }

  NumberArray array(const char* attribute) const {
    const auto id = file_.find(id_, attribute);
    auto numbers = id ? file_.numbers(*id) : std::nullopt;
    if (!numbers) broken(attribute, "numbers");
    return std::move(*numbers);
  }

  double number(const char* attribute, size_t index) const {
    const NumberArray numbers = array(attribute);
    if (numbers.values.size() != features_)
      broken(attribute, fmt::format("a number for each of {} targets, found {}", features_,
                                    numbers.values.size()));
    return numbers.values[index];
  }

  const Joblib& file_;
  PickleId id_;
  size_t features_;
  std::string class_;
};

}  // namespace

std::vector<TargetScaler> read_tools_scalers(ByteSource& source, size_t targets) {
  const Joblib file(source);
  const PickleNode& root = file.root();
  std::vector<TargetScaler> scalers;
  if (root.kind == PickleKind::list) {
    if (root.items.size() != targets)
      fail(MOLRT_ERROR_FORMAT, "{}: a list of {} scalers, expected one for each of {} targets",
           source.name(), root.items.size(), targets);
    for (const PickleId item : root.items)
      scalers.push_back(SklearnScaler(file, item, 1).feature(0));
  } else {
    const SklearnScaler scaler(file, file.pickle().root_id, targets);
    for (size_t i = 0; i < targets; ++i) scalers.push_back(scaler.feature(i));
  }
  return scalers;
}

std::vector<double> read_tools_thresholds(ByteSource& source, size_t targets) {
  const Joblib file(source);
  const auto numbers = file.numbers(file.pickle().root_id);
  if (!numbers || numbers->values.size() != targets)
    fail(MOLRT_ERROR_FORMAT, "{}: expected a threshold for each of {} targets, found {}",
         source.name(), targets,
         numbers ? fmt::format("{} numbers", numbers->values.size()) : "no numbers");
  for (const double threshold : numbers->values)
    if (!std::isfinite(threshold))
      fail(MOLRT_ERROR_FORMAT, "{}: a threshold that is not finite", source.name());
  return numbers->values;
}

}  // namespace molrt
