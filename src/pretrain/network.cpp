#include "pretrain/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace molrt {
namespace {

// Tokens of molecules that go through the network together: their activations are held until they
// have gone back.
constexpr size_t most_tokens = 2048;

constexpr const char* final_head_norm = "encoder.final_head_layer_norm";
constexpr const char* supervised_prefix = "supervised_head.";

std::string supervised_name(size_t i) {
  const std::string name = head_tensor_names[i];
  return supervised_prefix + name.substr(name.find('.') + 1);
}

// W ~ N(0, .02), as the encoder's.
Tensor normal_tensor(std::vector<int64_t> shape, PhiloxKey key, uint32_t stream) {
  std::vector<float> values(static_cast<size_t>(shape[0] * shape[1]));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(
        .02 * random_normal(key, stream, 1, random_purpose(Purpose::initialise), i));
  return make_tensor(std::move(shape), std::move(values));
}

Tensor constant_tensor(int64_t size, float value) {
  return make_tensor({size}, std::vector<float>(static_cast<size_t>(size), value));
}

bool is_bias_or_norm(const std::string& name) {
  return name.ends_with(".bias") || name.find("norm") != std::string::npos ||
         name.starts_with("gbf.ln.");
}

class HeadMaker {
 public:
  HeadMaker(TensorMap tensors, uint64_t seed)
      : key_(random_key(seed, 0)), tensors_(std::move(tensors)) {}
  void linear(const std::string& name, int64_t inputs, int64_t outputs) {
    add(name + ".weight", normal_tensor({outputs, inputs}, key_, stream_++));
    add(name + ".bias", constant_tensor(outputs, 0));
  }
  void norm(const std::string& name, int64_t width) {
    add(name + ".weight", constant_tensor(width, 1));
    add(name + ".bias", constant_tensor(width, 0));
  }
  TensorMap take() { return std::move(tensors_); }

 private:
  void add(const std::string& name, Tensor tensor) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end() || found->second.shape != tensor.shape)
      tensors_[name] = std::move(tensor);
  }
  PhiloxKey key_;
  uint32_t stream_ = 0;
  TensorMap tensors_;
};

TensorMap without_supervised(const TensorMap& tensors) {
  TensorMap rest;
  for (const auto& [name, tensor] : tensors)
    if (!name.starts_with(supervised_prefix)) rest.emplace(name, tensor);
  return rest;
}

Head read_supervised(const TensorMap& tensors, const Architecture& a, size_t tasks) {
  Head head = make_head(HeadKind::pooled, a.width, static_cast<int>(tasks));
  if (tasks == 0) return head;
  const auto parts = parameters(head);
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::vector<float> values = to_f32(tensors.at(supervised_name(i)));
    std::copy(values.begin(), values.end(), parts[i].begin());
  }
  return head;
}

size_t known_labels(std::span<const float> labels) {
  return static_cast<size_t>(
      std::count_if(labels.begin(), labels.end(), [](float y) { return !std::isnan(y); }));
}

}  // namespace

TensorMap with_pretraining_heads(const TensorMap& tensors, const Architecture& a, size_t tasks,
                                 uint64_t seed) {
  HeadMaker maker(tensors, seed);
  maker.linear("lm_head.dense", a.width, a.width);
  maker.norm("lm_head.layer_norm", a.width);
  maker.linear("lm_head", a.width, a.vocabulary);
  maker.norm(final_head_norm, a.heads);
  maker.linear("pair2coord_proj.linear1", a.heads, a.heads);
  maker.linear("pair2coord_proj.linear2", a.heads, 1);
  maker.linear("dist_head.dense", a.heads, a.heads);
  maker.norm("dist_head.layer_norm", a.heads);
  maker.linear("dist_head.out_proj", a.heads, 1);
  if (tasks > 0) {
    maker.linear("supervised_head.dense", a.width, a.width);
    maker.linear("supervised_head.out_proj", a.width, static_cast<int64_t>(tasks));
  }
  return maker.take();
}

PretrainNetwork::PretrainNetwork(const Architecture& a, const TensorMap& tensors, size_t tasks,
                                 const LossWeights& weights, Team& team)
    : architecture_(a),
      tasks_(tasks),
      weights_(weights),
      team_(team),
      parameters_(without_supervised(tensors), "the network in pre-training"),
      encoder_(a, parameters_),
      token_head_(parameters_, {"lm_head.dense", "lm_head.layer_norm", "lm_head"}, a.width, a.width,
                  a.vocabulary),
      coordinate_head_(parameters_, {"pair2coord_proj.linear1", "", "pair2coord_proj.linear2"},
                       a.heads, a.heads, 1),
      distance_head_(parameters_, {"dist_head.dense", "dist_head.layer_norm", "dist_head.out_proj"},
                     a.heads, a.heads, 1),
      pair_norm_(parameters_, final_head_norm, a.heads),
      supervised_(read_supervised(tensors, a, tasks)),
      supervised_gradient_(make_head(HeadKind::pooled, a.width, static_cast<int>(tasks))) {}

std::vector<TrainedTensor> PretrainNetwork::tensors(double decay) {
  std::vector<TrainedTensor> tensors;
  for (const auto& e : parameters_.entries()) {
    tensors.push_back({e.name, e.data.value, e.data.gradient});
    if (!is_bias_or_norm(e.name)) tensors.back().decay = decay;
  }
  if (tasks_ == 0) return tensors;
  const auto values = molrt::parameters(supervised_);
  const auto gradients = molrt::parameters(supervised_gradient_);
  for (size_t i = 0; i < values.size(); ++i) {
    tensors.push_back({supervised_name(i), values[i], gradients[i]});
    if (!is_bias_or_norm(tensors.back().name)) tensors.back().decay = decay;
  }
  return tensors;
}

TensorMap PretrainNetwork::copy_tensors() const {
  TensorMap tensors;
  for (const auto& e : parameters_.entries())
    tensors[e.name] = make_tensor(e.shape, {e.data.value.begin(), e.data.value.end()});
  if (tasks_ == 0) return tensors;
  Head head = supervised_;
  const auto parts = molrt::parameters(head);
  const int64_t width = architecture_.width, tasks = static_cast<int64_t>(tasks_);
  const std::vector<int64_t> shapes[] = {{width, width}, {width}, {tasks, width}, {tasks}};
  for (size_t i = 0; i < parts.size(); ++i)
    tensors[supervised_name(i)] = make_tensor(shapes[i], {parts[i].begin(), parts[i].end()});
  return tensors;
}

PretrainNetwork::Factors PretrainNetwork::factors(Items batch) const {
  PretrainSums counts;
  for (const PretrainItem& item : batch) {
    const auto chosen = static_cast<double>(item.molecule.chosen.size());
    counts.add(PretrainLoss::token, 0, chosen);
    counts.add(PretrainLoss::coordinate, 0, 3 * chosen);
    counts.add(PretrainLoss::distance, 0, chosen * item.molecule.noised.length());
    counts.add(PretrainLoss::norm, 0);
    counts.add(PretrainLoss::pair_norm, 0);
    counts.add(PretrainLoss::supervised, 0, static_cast<double>(known_labels(item.labels)));
  }
  Factors factors{};
  for (size_t i = 0; i < factors.size(); ++i)
    if (counts.count[i] > 0) factors[i] = weights_[i] / counts.count[i];
  return factors;
}

// Molecules that go through the network together.
class PretrainNetwork::Part {
 public:
  Part(PretrainNetwork& network, Items items, const Factors& factors)
      : n_(network), items_(items), factors_(factors) {
    for (const PretrainItem& item : items) {
      molecules_.push_back(&item.molecule.noised);
      ids_.push_back(item.id);
      first_chosen_.push_back(chosen_);
      first_pair_row_.push_back(pair_rows_);
      chosen_ += item.molecule.chosen.size();
      pair_rows_ += item.molecule.chosen.size() * item.molecule.noised.length();
    }
    sums_.resize(items.size());
  }

  PretrainSums run(const PretrainRates& rates, PhiloxKey key, bool learn) {
    EncoderNoise noise{rates.embedding,
                       rates.attention,
                       rates.activation,
                       rates.residual,
                       key,
                       random_purpose(Purpose::train),
                       ids_};
    output_ = n_.encoder_.forward(n_.team_, molecules_, noise);
    ends_ = n_.encoder_.ends();
    clear_gradients();
    if (chosen_ > 0) {
      tokens(learn);
      distances(learn);
      coordinates(learn);
    }
    norms();
    supervised(learn);
    if (learn) n_.encoder_.backward(n_.team_, noise, d_output_, {d_tokens_, d_first_, d_last_});
    PretrainSums total;
    for (const PretrainSums& sums : sums_) total += sums;
    return total;
  }

 private:
  size_t width() const { return static_cast<size_t>(n_.architecture_.width); }
  size_t heads() const { return static_cast<size_t>(n_.architecture_.heads); }
  double factor(PretrainLoss loss) const { return factors_[static_cast<size_t>(loss)]; }

  void clear_gradients() {
    const size_t floats = padded_rows(n_.encoder_.tokens()) * width();
    const size_t pairs = n_.encoder_.end_pairs();
    d_output_ = n_.d_output_.resize(floats);
    d_tokens_ = n_.d_tokens_.resize(floats);
    d_first_ = n_.d_first_.resize(pairs);
    d_last_ = n_.d_last_.resize(pairs);
    for (const auto& [values, count] : {std::pair{d_output_, floats}, std::pair{d_tokens_, floats},
                                        std::pair{d_first_, pairs}, std::pair{d_last_, pairs}})
      std::fill(values, values + count, 0.0f);
  }

  template <typename Body>
  void each_molecule(const Body& body) {
    n_.team_.share(items_.size(), [&](size_t m, Workspace&) { body(m); });
  }

  void tokens(bool learn) {
    float* rows = n_.token_head_.inputs(chosen_);
    each_chosen_token([&](size_t row, size_t token) {
      std::copy_n(output_ + token * width(), width(), rows + row * width());
    });
    const float* logits = n_.token_head_.forward(n_.team_);
    float* d_logits = n_.token_head_.output_gradients();
    each_molecule([&](size_t m) { token_losses(m, logits, d_logits); });
    if (!learn) return;
    const float* d_rows = n_.token_head_.backward(n_.team_);
    each_chosen_token([&](size_t row, size_t token) {
      std::copy_n(d_rows + row * width(), width(), d_output_ + token * width());
    });
  }

  // body(row among the chosen, token among all)
  template <typename Body>
  void each_chosen_token(const Body& body) {
    each_molecule([&](size_t m) {
      size_t row = first_chosen_[m];
      for (const int32_t token : items_[m].molecule.chosen)
        body(row++, n_.encoder_.first_token(m) + token);
    });
  }

  void token_losses(size_t m, const float* logits, float* d_logits) {
    const int classes = n_.architecture_.vocabulary;
    size_t row = first_chosen_[m];
    for (const int32_t target : items_[m].molecule.targets) {
      const size_t first = row++ * classes;
      const TokenLoss found = token_loss(logits + first, classes, target,
                                         factor(PretrainLoss::token), d_logits + first);
      sums_[m].add(PretrainLoss::token, found.loss);
      sums_[m].correct += found.correct;
    }
  }

  // body(row, offset of the pair's first head, step from head to head) for the pairs (chosen,
  // token), or (token, chosen), of molecule m.
  template <typename Body>
  void each_pair(size_t m, bool from_chosen, const Body& body) const {
    const AttentionShape& shape = n_.encoder_.shape(m);
    const size_t first = n_.encoder_.first_pair(m), stride = shape.pair_stride();
    size_t row = first_pair_row_[m];
    for (const int32_t c : items_[m].molecule.chosen)
      for (int j = 0; j < shape.tokens; ++j) {
        const size_t place = from_chosen ? c * stride + j : j * stride + c;
        body(row++, first + place, shape.head_pairs());
      }
  }

  // pairs -> rows [pair_rows, heads]
  void gather(const float* pairs, bool from_chosen, float* rows) {
    each_molecule([&](size_t m) {
      each_pair(m, from_chosen, [&](size_t row, size_t offset, size_t step) {
        for (size_t h = 0; h < heads(); ++h) rows[row * heads() + h] = pairs[offset + h * step];
      });
    });
  }
  // Added.
  void scatter(const float* rows, bool from_chosen, double sign, float* pairs) {
    each_molecule([&](size_t m) {
      each_pair(m, from_chosen, [&](size_t row, size_t offset, size_t step) {
        for (size_t h = 0; h < heads(); ++h)
          pairs[offset + h * step] += static_cast<float>(sign) * rows[row * heads() + h];
      });
    });
  }

  // Both h(chosen, j) and h(j, chosen), one behind the other.
  void distances(bool learn) {
    OutputHead& head = n_.distance_head_;
    float* rows = head.inputs(2 * pair_rows_);
    gather(ends_.last_pairs, true, rows);
    gather(ends_.last_pairs, false, rows + pair_rows_ * heads());
    const float* h = head.forward(n_.team_);
    float* d_h = head.output_gradients();
    each_molecule([&](size_t m) { distance_losses(m, h, d_h); });
    if (!learn) return;
    const float* d_rows = head.backward(n_.team_);
    scatter(d_rows, true, 1, d_last_);
    scatter(d_rows + pair_rows_ * heads(), false, 1, d_last_);
  }

  void distance_losses(size_t m, const float* h, float* d_h) {
    const MaskedMolecule& molecule = items_[m].molecule;
    size_t row = first_pair_row_[m];
    for (const int32_t c : molecule.chosen)
      for (int j = 0; j < molecule.noised.length(); ++j, ++row) {
        const double distance = pair_distance(&molecule.clean[3 * c], &molecule.clean[3 * j]);
        const double found = .5 * (double{h[row]} + h[pair_rows_ + row]);
        const double error = found - (distance - distance_mean) / distance_deviation;
        sums_[m].add(PretrainLoss::distance, smooth_l1(error));
        sums_[m].distance_error += std::fabs(error) * distance_deviation;
        const double slope = .5 * factor(PretrainLoss::distance) * smooth_l1_slope(error);
        d_h[row] = d_h[pair_rows_ + row] = static_cast<float>(slope);
      }
  }

  void coordinates(bool learn) {
    const size_t floats = padded_rows(pair_rows_) * heads();
    float* change = n_.change_.resize(floats);
    std::fill(change, change + floats, 0.0f);
    scatter_change(change);
    float* rows = n_.coordinate_head_.inputs(pair_rows_);
    n_.pair_norm_.forward(n_.team_, change, pair_rows_, rows);
    const float* w = n_.coordinate_head_.forward(n_.team_);
    float* d_w = n_.coordinate_head_.output_gradients();
    each_molecule([&](size_t m) { coordinate_losses(m, w, d_w); });
    if (!learn) return;
    const float* d_rows = n_.coordinate_head_.backward(n_.team_);
    float* d_change = n_.d_change_.resize(floats);
    std::fill(d_change, d_change + floats, 0.0f);
    n_.pair_norm_.backward(n_.team_, change, d_rows, pair_rows_, d_change,
                           n_.statistics_.resize(2 * padded_rows(pair_rows_)));
    scatter(d_change, true, 1, d_last_);
    scatter(d_change, true, -1, d_first_);
  }

  // The last pair representation minus the first bias.
  void scatter_change(float* change) {
    each_molecule([&](size_t m) {
      each_pair(m, true, [&](size_t row, size_t offset, size_t step) {
        for (size_t h = 0; h < heads(); ++h, offset += step)
          change[row * heads() + h] = ends_.last_pairs[offset] - ends_.first_pairs[offset];
      });
    });
  }

  // x_i' = x_i + sum_j (x_j - x_i) w_ij / N
  void coordinate_losses(size_t m, const float* w, float* d_w) {
    const MaskedMolecule& molecule = items_[m].molecule;
    const int n = molecule.noised.length();
    const float* x = molecule.noised.coordinates.data();
    size_t row = first_pair_row_[m];
    for (const int32_t i : molecule.chosen) {
      double slope[3];
      for (int axis = 0; axis < 3; ++axis) {
        double moved = 0;
        for (int j = 0; j < n; ++j)
          moved += (double{x[3 * j + axis]} - x[3 * i + axis]) * w[row + j];
        const double error = x[3 * i + axis] + moved / n - molecule.clean[3 * i + axis];
        sums_[m].add(PretrainLoss::coordinate, smooth_l1(error));
        sums_[m].coordinate_error += std::fabs(error);
        slope[axis] = factor(PretrainLoss::coordinate) * smooth_l1_slope(error) / n;
      }
      for (int j = 0; j < n; ++j, ++row) {
        double d = 0;
        for (int axis = 0; axis < 3; ++axis)
          d += slope[axis] * (double{x[3 * j + axis]} - x[3 * i + axis]);
        d_w[row] = static_cast<float>(d);
      }
    }
  }

  void norms() {
    each_molecule([&](size_t m) {
      token_norms(m);
      pair_norms(m);
    });
  }

  void token_norms(size_t m) {
    const int n = molecules_[m]->length();
    const double share = factor(PretrainLoss::norm) / n;
    double loss = 0;
    for (int i = 0; i < n; ++i) {
      const float* x = ends_.tokens + (n_.encoder_.first_token(m) + i) * width();
      float* d_x = d_tokens_ + (n_.encoder_.first_token(m) + i) * width();
      double squares = 0;
      for (size_t k = 0; k < width(); ++k) squares += double{x[k]} * x[k];
      const NormLoss found = norm_loss(squares, static_cast<int>(width()));
      loss += found.loss;
      if (found.factor == 0) continue;
      const auto scale = static_cast<float>(share * found.factor);
      for (size_t k = 0; k < width(); ++k) d_x[k] = scale * x[k];
    }
    sums_[m].add(PretrainLoss::norm, loss / n);
  }

  // Row by row of the pair matrices, all keys of a row at once.
  void pair_norms(size_t m) {
    const AttentionShape& shape = n_.encoder_.shape(m);
    const size_t n = static_cast<size_t>(shape.tokens), first = n_.encoder_.first_pair(m);
    const double share = factor(PretrainLoss::pair_norm) / double(n * n);
    std::vector<float> squares(n), scale(n);
    double loss = 0;
    for (size_t i = 0; i < n; ++i) {
      std::fill(squares.begin(), squares.end(), 0.0f);
      const size_t row = first + i * shape.pair_stride();
      for (size_t h = 0; h < heads(); ++h)
        for (size_t j = 0; j < n; ++j)
          squares[j] += square(change(row + h * shape.head_pairs() + j));
      for (size_t j = 0; j < n; ++j) {
        const NormLoss found = norm_loss(squares[j], shape.heads);
        loss += found.loss;
        scale[j] = static_cast<float>(share * found.factor);
      }
      for (size_t h = 0; h < heads(); ++h)
        for (size_t j = 0; j < n; ++j) {
          const size_t place = row + h * shape.head_pairs() + j;
          const float d = scale[j] * change(place);
          d_last_[place] += d;
          d_first_[place] -= d;
        }
    }
    sums_[m].add(PretrainLoss::pair_norm, loss / double(n * n));
  }
  static float square(float x) { return x * x; }
  float change(size_t place) const { return ends_.last_pairs[place] - ends_.first_pairs[place]; }

  // On CLS, after the final norm.
  void supervised(bool learn) {
    if (n_.tasks_ == 0) return;
    std::vector<float> cls(items_.size() * width()), outputs(items_.size() * n_.tasks_);
    n_.encoder_.gather_cls(output_, cls.data(), width());
    const HeadDropout none{0, 0, 0, ids_, 0};
    head_forward_training(n_.supervised_, cls.data(), none, n_.activations_, outputs.data());
    for (size_t m = 0; m < items_.size(); ++m)
      supervised_losses(m, std::span(outputs).subspan(m * n_.tasks_, n_.tasks_));
    if (!learn) return;
    head_backward(n_.supervised_, none, n_.activations_, outputs.data(), n_.supervised_gradient_,
                  cls.data());
    for (size_t m = 0; m < items_.size(); ++m) {
      float* d = d_output_ + n_.encoder_.first_token(m) * width();  // no token that is chosen
      std::copy_n(cls.data() + m * width(), width(), d);
    }
  }

  // The outputs become their gradients.
  void supervised_losses(size_t m, std::span<float> outputs) {
    for (size_t t = 0; t < outputs.size(); ++t) {
      const float label = items_[m].labels[t];
      const double error = double{outputs[t]} - label;
      outputs[t] = 0;
      if (std::isnan(label)) continue;
      sums_[m].add(PretrainLoss::supervised, smooth_l1(error));
      outputs[t] = static_cast<float>(factor(PretrainLoss::supervised) * smooth_l1_slope(error));
    }
  }

  PretrainNetwork& n_;
  Items items_;
  const Factors& factors_;
  std::vector<const Features*> molecules_;
  std::vector<uint32_t> ids_;
  std::vector<size_t> first_chosen_, first_pair_row_;  // [molecules]
  size_t chosen_ = 0, pair_rows_ = 0;
  std::vector<PretrainSums> sums_;
  const float* output_ = nullptr;
  EncoderEnds ends_{};
  float *d_output_ = nullptr, *d_tokens_ = nullptr, *d_first_ = nullptr, *d_last_ = nullptr;
};

PretrainSums PretrainNetwork::run(Items batch, const PretrainRates& rates, PhiloxKey key,
                                  bool learn) {
  const Factors factors = this->factors(batch);
  PretrainSums sums;
  for (size_t first = 0, last; first < batch.size(); first = last) {
    size_t tokens = 0;
    for (last = first; last < batch.size(); ++last) {
      tokens += static_cast<size_t>(batch[last].molecule.noised.length());
      if (last > first && tokens > most_tokens) break;
    }
    sums += Part(*this, batch.subspan(first, last - first), factors).run(rates, key, learn);
  }
  return sums;
}

PretrainSums PretrainNetwork::learn(Items batch, const PretrainRates& rates, PhiloxKey key) {
  parameters_.clear_gradients();
  set_zero(supervised_gradient_);
  return run(batch, rates, key, true);
}

PretrainSums PretrainNetwork::evaluate(Items batch) { return run(batch, {0, 0, 0, 0}, {}, false); }

}  // namespace molrt
