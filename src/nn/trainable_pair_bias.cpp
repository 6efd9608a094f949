#include "nn/trainable_pair_bias.h"

#include <algorithm>

#include "kernels/gelu.h"
#include "nn/pair_features_backward.h"
#include "nn/pairs.h"

namespace molrt {
namespace {

// Chunks whose parts of the gradients are held at a time; they are added up in order.
constexpr size_t wave = 64;

struct Job {
  size_t molecule;
  PairRange range;
};

std::vector<Job> all_jobs(const PackedBatch& batch) {
  std::vector<Job> jobs;
  for (size_t m = 0; m < batch.molecules.size(); ++m) {
    const size_t n = batch.molecules[m].shape.tokens;
    for (size_t first = 0; first < n * n; first += pair_chunk)
      jobs.push_back({m, {first, std::min(pair_chunk, n * n - first)}});
  }
  return jobs;
}

constexpr const char* weight_names[] = {"gbf_proj.linear1.weight", "gbf_proj.linear2.weight"};

// The weight as this pass reads it.
std::vector<float> noisy_weight(const char* name, const Parameter& weight,
                                const WeightNoise* noise) {
  std::vector<float> values(weight.value.begin(), weight.value.end());
  if (noise != nullptr && noise->touches(name))
    noise->forward({name, size_t{pair_width}, 0, values});
  return values;
}

}  // namespace

// One backward pass: what every chunk shares, and the parts of a wave.
class TrainablePairBias::Pass {
 public:
  Pass(TrainablePairBias& owner, Team& team, const PackedBatch& batch,
       std::span<const TokenView> molecules, const WeightNoise* noise, const float* d_pair)
      : o_(owner),
        team_(team),
        batch_(batch),
        molecules_(molecules),
        noise_(noise),
        d_pair_(d_pair),
        features_(make_features_backward(owner.parameters_, owner.kernel_, owner.vocabulary_)),
        weight1_(get(weight_names[0], {pair_width, pair_width})),
        bias1_(get("gbf_proj.linear1.bias", {pair_width})),
        weight2_(get(weight_names[1], {owner.heads_, pair_width})),
        bias2_(get("gbf_proj.linear2.bias", {owner.heads_})),
        value1_(noisy_weight(weight_names[0], weight1_, noise)),
        value2_(noisy_weight(weight_names[1], weight2_, noise)),
        linear1_(value1_, bias1_.value, pair_width, pair_width, Epilogue::none),
        linear1_back_(value1_, bias1_.value, pair_width, pair_width, Epilogue::none,
                      Product::backward),
        linear2_back_(value2_, bias2_.value, pair_width, owner.heads_, Epilogue::none,
                      Product::backward),
        gradient1_(pair_width, pair_width),
        gradient2_(pair_width, owner.heads_) {
    for (const Parameter& p : {weight1_, bias1_, weight2_, bias2_}) own_ += p.value.size();
    part_size_ = own_;
    for (const Parameter& p : features_->dense()) part_size_ += p.value.size();
    sum_.assign(part_size_, 0.0f);
  }

  void run() {
    const std::vector<Job> jobs = all_jobs(batch_);
    for (size_t first = 0; first < jobs.size(); first += wave)
      run_wave(std::span(jobs).subspan(first, std::min(wave, jobs.size() - first)));
    weights_backward();
    const float* sum = sum_.data();
    for (const Parameter& p : {weight1_, bias1_, weight2_, bias2_})
      for (float& g : p.gradient) g += *sum++;
    features_->finish(sum);
  }

 private:
  Parameter get(const char* name, const std::vector<int64_t>& shape) const {
    return o_.parameters_.get(name, shape);
  }

  // sum_ begins with linear1's weight and bias, then linear2's.
  void weights_backward() {
    if (noise_ == nullptr) return;
    const std::span<float> all(sum_);
    const std::span<float> parts[] = {
        all.first(value1_.size()),
        all.subspan(value1_.size() + bias1_.value.size(), value2_.size())};
    for (const int i : {0, 1})
      if (noise_->touches(weight_names[i]))
        noise_->backward({weight_names[i], size_t{pair_width}, 0, parts[i]});
  }

  void run_wave(std::span<const Job> jobs) {
    const size_t pairs = jobs.size() * pair_chunk;
    parts_.assign(jobs.size() * part_size_, 0.0f);
    distances_.assign(pairs, 0.0f);
    edge_types_.assign(pairs, 0);
    d_u_.assign(pairs, 0.0f);
    d_rows_.resize(pairs * features_->edge_width());
    team_.share(jobs.size(), [&](size_t i, Workspace& w) { run_chunk(jobs[i], i, w); });
    add_parts(jobs.size());
    add_edges(jobs);
  }

  void run_chunk(const Job& job, size_t slot, Workspace& w) {
    const AttentionShape& shape = batch_.molecules[job.molecule].shape;
    const TokenView& molecule = molecules_[job.molecule];
    float* distances = distances_.data() + slot * pair_chunk;
    int32_t* edge_types = edge_types_.data() + slot * pair_chunk;
    describe_pairs(molecule.tokens, molecule.coordinates, shape.tokens, o_.vocabulary_, job.range,
                   distances, edge_types);
    const PairChunk chunk{job.range.count, distances, edge_types};
    const size_t rows = padded_rows(chunk.count);
    float* features = w.pair_features.resize(pair_chunk * (3 * pair_width + shape.heads));
    float* before = features + pair_chunk * pair_width;
    float* hidden = before + pair_chunk * pair_width;
    float* d_out = hidden + pair_chunk * pair_width;
    features_->forward(chunk, features, w);
    linear1_.multiply(features, rows, before, w.matmul);
    gelu_forward(before, rows * pair_width, hidden);
    gather(job, d_out);
    backward(chunk, slot, features, before, hidden, d_out, w);
  }

  // The gradient of the bias, head by head, 0 in padding rows.
  void gather(const Job& job, float* d_out) const {
    const PackedBatch::Molecule& m = batch_.molecules[job.molecule];
    const float* d_pair = d_pair_ + (m.pair - batch_.molecules[0].pair);
    std::fill(d_out, d_out + padded_rows(job.range.count) * m.shape.heads, 0.0f);
    match_heads(m.shape, job.range, d_out, d_pair, [](float& row, const float& d) { row = d; });
  }

  void backward(const PairChunk& chunk, size_t slot, float* features, const float* before,
                float* hidden, const float* d_out, Workspace& w) {
    const size_t rows = padded_rows(chunk.count);
    float* part = parts_.data() + slot * part_size_;
    float* d_bias1 = part + weight1_.value.size();
    float* d_weight2 = d_bias1 + bias1_.value.size();
    float* d_bias2 = d_weight2 + weight2_.value.size();
    for (int block = 0; block < gradient2_.blocks(); ++block)
      gradient2_.accumulate(block, {hidden, d_out, rows}, d_weight2, d_bias2, w.matmul);
    float* d_hidden = hidden;  // which has had its last use
    linear2_back_.multiply(d_out, rows, d_hidden, w.matmul);
    gelu_backward(before, d_hidden, rows * pair_width, d_hidden);
    for (int block = 0; block < gradient1_.blocks(); ++block)
      gradient1_.accumulate(block, {features, d_hidden, rows}, part, d_bias1, w.matmul);
    float* d_features = features;  // likewise
    linear1_back_.multiply(d_hidden, rows, d_features, w.matmul);
    features_->backward(chunk, d_features, d_u_.data() + slot * pair_chunk,
                        d_rows_.data() + slot * pair_chunk * features_->edge_width(), part + own_,
                        w);
  }

  void add_parts(size_t count) {
    constexpr size_t block = 4096;
    team_.share((part_size_ + block - 1) / block, [&](size_t i, Workspace&) {
      const size_t first = i * block, last = std::min(first + block, part_size_);
      for (size_t part = 0; part < count; ++part)
        for (size_t k = first; k < last; ++k) sum_[k] += parts_[part * part_size_ + k];
    });
  }

  // In the order of the pairs.
  void add_edges(std::span<const Job> jobs) {
    const int64_t types = int64_t{o_.vocabulary_} * o_.vocabulary_;
    const auto mul = get("gbf.mul.weight", {types, 1}).gradient;
    const auto bias = get("gbf.bias.weight", {types, 1}).gradient;
    each_pair(jobs, [&](size_t p) {
      mul[edge_types_[p]] += d_u_[p] * distances_[p];
      bias[edge_types_[p]] += d_u_[p];
    });
    if (features_->edge_width() == 0) return;
    const auto rows = get("gbf.w_edge.weight", {types, pair_width}).gradient;
    constexpr size_t columns = 16;
    team_.share(pair_width / columns, [&](size_t part, Workspace&) {
      each_pair(jobs, [&](size_t p) {
        float* to = rows.data() + size_t(edge_types_[p]) * pair_width + part * columns;
        const float* from = d_rows_.data() + p * pair_width + part * columns;
        for (size_t k = 0; k < columns; ++k) to[k] += from[k];
      });
    });
  }

  template <typename Body>
  void each_pair(std::span<const Job> jobs, const Body& body) const {
    for (size_t slot = 0; slot < jobs.size(); ++slot)
      for (size_t p = 0; p < jobs[slot].range.count; ++p) body(slot * pair_chunk + p);
  }

  TrainablePairBias& o_;
  Team& team_;
  const PackedBatch& batch_;
  std::span<const TokenView> molecules_;
  const WeightNoise* noise_;
  const float* d_pair_;
  std::unique_ptr<PairFeaturesBackward> features_;
  Parameter weight1_, bias1_, weight2_, bias2_;
  std::vector<float> value1_, value2_;  // of the weights, with noise
  PackedMatrix linear1_, linear1_back_, linear2_back_;
  WeightGradient gradient1_, gradient2_;
  size_t own_ = 0, part_size_ = 0;  // floats of a part: of the two linears, of all
  std::vector<float> parts_, sum_, distances_, d_u_, d_rows_;
  std::vector<int32_t> edge_types_;
};

TrainablePairBias::TrainablePairBias(const Parameters& parameters, PairKernel kernel,
                                     int vocabulary, int heads)
    : parameters_(parameters), kernel_(kernel), vocabulary_(vocabulary), heads_(heads) {}
TrainablePairBias::~TrainablePairBias() = default;

void TrainablePairBias::forward(Team& team, const PackedBatch& batch,
                                std::span<const TokenView> molecules,
                                const WeightNoise* noise) const {
  TensorMap tensors = parameters_.tensors();
  for (const char* name : weight_names) {
    if (noise == nullptr || !noise->touches(name)) continue;
    Tensor& weight = tensors.at(name);
    const Parameter parameter = parameters_.get(name, weight.shape);
    weight = make_tensor(weight.shape, noisy_weight(name, parameter, noise));
  }
  const PairBias bias(Weights(tensors, "training"), kernel_, vocabulary_, heads_);
  for (size_t m = 0; m < molecules.size(); ++m)
    bias.forward(team, batch.molecules[m].shape, molecules[m].tokens, molecules[m].coordinates,
                 batch.molecules[m].pair);
}

void TrainablePairBias::backward(Team& team, const PackedBatch& batch,
                                 std::span<const TokenView> molecules, const WeightNoise* noise,
                                 const float* d_pair) {
  Pass(*this, team, batch, molecules, noise, d_pair).run();
}

}  // namespace molrt
