#include "nn/linear.h"

namespace molrt {

Linear::Linear(const Weights& weights, const std::string& name, int inputs, int outputs,
               Epilogue epilogue)
    : inputs_(inputs), outputs_(outputs), epilogue_(epilogue), lazy_(std::make_unique<Lazy>()) {
  weights.get(name + ".weight", {outputs, inputs});  // complains before the bias
  weight_ = weights.all().at(name + ".weight");
  bias_ = weights.get(name + ".bias", {outputs});
}

const PackedMatrix& Linear::packed() const {
  std::call_once(lazy_->once, [this] {
    lazy_->matrix.emplace(to_f32(weight_), bias_, inputs_, outputs_, epilogue_);
  });
  return *lazy_->matrix;
}

}  // namespace molrt
