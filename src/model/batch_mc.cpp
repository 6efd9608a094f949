// The batch's molecules through the network with what is known of the errors.
#include <new>
#include <optional>

#include "model/batch_work.h"
#include "model/mc.h"
#include "model/ordered_mean.h"

namespace molrt {
namespace {

// Enough for all threads and for the packing of weights to be little; their pair matrices are held.
constexpr size_t tokens_per_pass = 2048;
// Conformers whose samples wait for all encoders.
constexpr size_t items_at_a_time = 256;

std::array<float*, 10> all_of(const UncertainArrays& a) {
  return {a.value,  a.std, a.error,         a.low,     a.high,
          a.spread, a.gap, a.deterministic, a.entropy, a.information};
}

// The numbers of one molecule's outputs, and where they go.
class Summary {
 public:
  Summary(const Model& model, const UncertainOptions& how) : model_(model), how_(how) {}

  // values [1 + samples, folds, outputs]. False if a prediction is not finite.
  bool take(std::span<const double> values) {
    const ModelCard& card = model_.card();
    rows_.assign(card.targets.size(), {});
    std::vector<float> deterministic(rows_.size()), deviations(rows_.size());
    model_.finish(values.data(), deterministic.data(), deviations.data());
    const bool mc = how_.mode == PredictMode::mc;
    const auto moments = moments_of(card, values, mc ? how_.samples : 0);
    for (size_t t = 0; t < rows_.size(); ++t) {
      const double value = mc ? moments[t].mean : deterministic[t];
      rows_[t] = row(t, value, moments[t]);
      rows_[t][1] = deviations[t];
      rows_[t][6] = mc ? static_cast<float>(value - deterministic[t]) : NAN;
      rows_[t][7] = deterministic[t];
      if (!std::isfinite(value) || !std::isfinite(deterministic[t])) return false;
    }
    return true;
  }

  void write(size_t row, const UncertainArrays& out) const {
    const auto arrays = all_of(out);
    for (size_t a = 0; a < arrays.size(); ++a)
      for (size_t t = 0; t < rows_.size() && arrays[a]; ++t)
        arrays[a][row * rows_.size() + t] = rows_[t][a];
  }

 private:
  using Numbers = std::array<float, 10>;  // in all_of()'s order

  Numbers row(size_t target, double value, const Moments& m) const {
    const Uncertainty& u = model_.card().uncertainty;
    const double between = std::isnan(m.between) ? 0 : m.between;
    const bool measured = how_.mode == PredictMode::mc || !std::isnan(m.between);
    const auto& calibrations = u.of(how_.mode);
    double sigma = NAN, reach = NAN;
    if (!calibrations.empty()) {
      const Calibration& c = calibrations[target];
      sigma = c.sigma(m.within + (u.between ? m.between_seeds : 0));
      reach = c.reach(how_.level);
      if (std::isinf(reach)) reach = NAN;
    }
    const auto f = [](double x) { return static_cast<float>(x); };
    return {f(value),
            NAN,
            f(sigma),
            f(value - reach * sigma),
            f(value + reach * sigma),
            f(measured ? std::sqrt(m.within + between) : NAN),
            NAN,
            NAN,
            f(m.entropy),
            f(m.information)};
  }

  const Model& model_;
  const UncertainOptions& how_;
  std::vector<Numbers> rows_;  // [outputs]
};

void require_dropout(const Model& model, const UncertainOptions& how) {
  if (how.mode == PredictMode::deterministic || model.card().uncertainty.noise.any()) return;
  fail(MOLRT_ERROR_INVALID_ARGUMENT,
       "MC prediction needs a model that molrt trained with dropout, and this one has none: all "
       "passes would be equal and their standard deviation 0");
}

// A part of the items through one encoder, pass by pass.
struct NoisyPart {
  std::span<const Features* const> molecules;
  std::span<const uint32_t> ids;
  // [molecules]: of each of its answers what the head reads beside CLS
  std::span<const std::vector<std::vector<float>>> inputs;
  std::span<std::vector<double>> values;  // [molecules]: [answers, 1 + samples, folds, outputs]
};

}  // namespace

// One of a model's encoders after the other, and for each all molecules and passes, on all threads.
class NoisyRun {
 public:
  NoisyRun(const Model& model, const RunOptions& options, int samples)
      : model_(model),
        options_(options),
        samples_(samples),
        size_(model.scaled_size()),
        team_(options.threads, options.precision) {}

  void set_total(size_t items) { total_ = items * passes() * model_.encoders(); }

  // lost(i): memory for molecule i could not be had.
  void run(size_t encoder, const NoisyPart& all, const std::function<void(size_t)>& lost) {
    encoder_index_ = encoder;
    encoder_.emplace(model_.card().architecture, model_.encoder_tensors(encoder));
    for (size_t first = 0, last; first < all.molecules.size(); first = last) {
      last = end_of_part(all.molecules, first);
      run_part(all, first, last - first, lost);
    }
    encoder_.reset();
  }

 private:
  size_t passes() const { return 1 + static_cast<size_t>(samples_); }

  size_t end_of_part(std::span<const Features* const> molecules, size_t first) const {
    const size_t most =
        options_.batch_size > 0 ? static_cast<size_t>(options_.batch_size) : molecules.size();
    size_t last = first, tokens = 0;
    for (; last < molecules.size() && last - first < most; ++last) {
      tokens += static_cast<size_t>(molecules[last]->length());
      if (last > first && tokens > tokens_per_pass) break;
    }
    return last;
  }

  void run_part(const NoisyPart& all, size_t first, size_t count,
                const std::function<void(size_t)>& lost) try {
    const size_t before = done_;
    const NoisyPart part{all.molecules.subspan(first, count), all.ids.subspan(first, count),
                         all.inputs.subspan(first, count), all.values.subspan(first, count)};
    for (size_t pass = 0; pass < passes(); ++pass) {
      run_pass(part, pass);
      done_ = before + (pass + 1) * count;
      tell();
    }
  } catch (const std::bad_alloc&) {
    encoder_.reset();
    encoder_.emplace(model_.card().architecture, model_.encoder_tensors(encoder_index_));
    if (count == 1) return lost(first);
    for (size_t i = 0; i < count; ++i) run_part(all, first + i, 1, lost);
  }

  void run_pass(const NoisyPart& part, size_t pass) {
    const DropoutRates& rates = model_.card().uncertainty.noise;
    const auto sample = static_cast<uint32_t>(pass - 1);
    const auto noise = pass == 0 ? EncoderNoise{} : encoder_noise(rates, sample, part.ids);
    const std::vector<float> cls = encoder_->cls(team_, part.molecules, noise);
    const size_t width = cls.size() / part.molecules.size();
    for (size_t m = 0; m < part.molecules.size(); ++m) {
      double* out = part.values[m].data() + pass * size_;
      const float* row = cls.data() + m * width;
      for (const std::vector<float>& inputs : part.inputs[m]) {
        if (pass == 0)
          model_.scaled_outputs(encoder_index_, row, out, inputs.data());
        else
          model_.noisy_outputs(encoder_index_, row,
                               head_noise(rates, sample, part.ids.subspan(m, 1)), out,
                               inputs.data());
        out += passes() * size_;
      }
    }
  }

  void tell() {
    if (options_.progress &&
        options_.progress(MOLRT_STAGE_NETWORK, std::min(done_, total_), total_))
      fail(MOLRT_ERROR_CANCELLED, "stopped after {} of {} passes", done_, total_);
  }

  const Model& model_;
  const RunOptions& options_;
  int samples_;
  size_t size_;
  Team team_;
  size_t encoder_index_ = 0, done_ = 0, total_ = 0;
  std::optional<NoisyEncoder> encoder_;
};

void Batch::run_noisy(const Model& model, const RunOptions& options, int samples,
                      const Work& work) {
  const std::vector<Item> items = network_items();
  NoisyRun run(model, options, samples);
  run.set_total(items.size());
  for (size_t first = 0, last; first < items.size(); first = last) {
    last = std::min(items.size(), first + items_at_a_time);
    while (last < items.size() && items[last].place > 0) ++last;  // whole molecules
    finish_noisy(model, std::span(items).subspan(first, last - first), samples, run, work);
  }
}

// Of all the conformers of some molecules.
void Batch::finish_noisy(const Model& model, std::span<const Item> items, int samples,
                         NoisyRun& run, const Work& work) {
  std::vector<const Features*> molecules;
  std::vector<uint32_t> ids;
  std::vector<std::vector<std::vector<float>>> inputs;
  std::vector<std::vector<double>> values;
  const size_t size = (1 + static_cast<size_t>(samples)) * model.scaled_size();
  for (const Item& item : items) {
    molecules.push_back(&item.molecule->features[item.attempt]);
    ids.push_back(molecule_id(*molecules.back()));
    inputs.push_back(inputs_of_answers(*item.molecule));
    values.emplace_back(inputs.back().size() * size);
  }
  std::vector<bool> lost_items(items.size());
  const auto lost = [&](size_t i) { lost_items[i] = true; };
  for (size_t encoder = 0; encoder < model.encoders(); ++encoder)
    run.run(encoder, {molecules, ids, inputs, values}, lost);
  std::optional<OrderedMean> mean;
  for (size_t i = 0; i < items.size(); ++i) {
    const bool last = i + 1 == items.size() || items[i + 1].place == 0;
    if (items[i].place == 0) mean.emplace(SIZE_MAX);
    Features& own = items[i].molecule->features[items[i].attempt];
    if (lost_items[i])
      lose_for_memory(own);
    else if (!all_finite(values[i]))
      lose(own, MOLRT_ROW_NON_FINITE, work.not_finite);
    if (own.status != MOLRT_ROW_OK) values[i].clear();
    mean->add(items[i].place, std::move(values[i]));
    if (!last) continue;
    if (const std::vector<double> all = mean->mean(); !all.empty())
      work.finish(*items[i].molecule, all);
  }
}

void Batch::predict_uncertain(const Model& model, const RunOptions& options,
                              const UncertainOptions& how, const UncertainArrays& out) {
  require_dropout(model, how);
  const char* not_finite = "the prediction is not a finite number";
  for (float* array : all_of(out))
    if (array) std::fill(array, array + size() * static_cast<size_t>(model.card().outputs()), NAN);
  prepare(model, options);
  compute_inputs(model.card().inputs, options);
  const int samples = how.mode == PredictMode::mc ? how.samples : 0;
  const size_t scaled = model.scaled_size();
  const size_t size = (1 + static_cast<size_t>(samples)) * scaled;  // of an answer
  const auto finish = [&](Molecule& m, const std::vector<double>& values) {
    std::vector<Summary> summaries(values.size() / size, Summary(model, how));
    for (size_t a = 0; a < summaries.size(); ++a) {
      if (summaries[a].take(std::span(values).subspan(a * size, size))) continue;
      for (Features& features : m.features) lose(features, MOLRT_ROW_NON_FINITE, not_finite);
      return;
    }
    for (size_t i = 0; i < m.rows.size(); ++i)
      summaries[std::min(i, summaries.size() - 1)].write(m.rows[i], out);
  };
  const DropoutRates& rates = model.card().uncertainty.noise;
  // Noise in the head alone: the encoder once.
  const auto sample_heads = [&](const Molecule& m, const Features& molecule, size_t encoder,
                                const float* rows, std::vector<double>& values) {
    const auto inputs = inputs_of_answers(m);
    const uint32_t id = molecule_id(molecule);
    values.resize(inputs.size() * size);
    double* next = values.data();
    for (const std::vector<float>& own : inputs) {
      model.scaled_outputs(encoder, rows, next, own.data());
      next += scaled;
      for (uint32_t t = 0; t < static_cast<uint32_t>(samples); ++t, next += scaled)
        model.noisy_outputs(encoder, rows, head_noise(rates, t, {&id, 1}), next, own.data());
    }
  };
  const Work work{sample_heads, not_finite, finish, Encoder::Rows::cls};
  if (samples > 0 && rates.in_encoder()) return run_noisy(model, options, samples, work);
  run(model, options, work);
}

}  // namespace molrt
