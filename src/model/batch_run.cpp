// The batch's molecules through the network.
#include <algorithm>
#include <cmath>
#include <deque>

#include "base/error.h"
#include "model/batch_work.h"
#include "model/ordered_mean.h"
#include "model/run.h"

namespace molrt {
namespace {

const char* const not_finite_representation =
    "the representation holds a number that is not finite";

}  // namespace

// A molecule's conformers one behind the other.
std::vector<Batch::Item> Batch::network_items() {
  std::vector<Item> items;
  size_t means = 0;
  for (Molecule& m : molecules_) {
    size_t place = 0;
    for (size_t k = 0; k < m.features.size(); ++k)
      if (m.features[k].status == MOLRT_ROW_OK) items.push_back({&m, k, means, place++});
    if (place > 0) ++means;
  }
  return items;
}

void Batch::run(const Model& model, const RunOptions& options, const Work& work) {
  const std::vector<Item> items = network_items();
  std::vector<const Features*> features;
  std::deque<OrderedMean> means;
  for (size_t i = 0; i < items.size(); ++i) {
    features.push_back(&items[i].molecule->features[items[i].attempt]);
    if (i + 1 == items.size() || items[i + 1].place == 0) means.emplace_back(items[i].place + 1);
  }
  std::vector<std::vector<double>> values(items.size());  // until all encoders have added theirs
  const auto add = [&](const Item& item, std::vector<double> values) {
    OrderedMean& mean = means[item.mean];
    if (!mean.add(item.place, std::move(values))) return;
    if (const std::vector<double> all = mean.mean(); !all.empty()) work.finish(*item.molecule, all);
    mean.release();
  };
  EncoderRun encoder;
  encoder.threads = options.threads;
  encoder.batch_size = options.batch_size;
  encoder.precision = options.precision;
  encoder.rows = work.rows;
  encoder.consume = [&](size_t i, size_t e, const float* rows) {
    Features& own = items[i].molecule->features[items[i].attempt];
    work.values(*items[i].molecule, own, e, rows, values[i]);
    if (e + 1 < model.encoders()) return;
    if (!all_finite(values[i])) {
      lose(own, MOLRT_ROW_NON_FINITE, work.not_finite);
      values[i].clear();
    }
    add(items[i], std::exchange(values[i], {}));
  };
  encoder.failed = [&](size_t i) {
    lose_for_memory(items[i].molecule->features[items[i].attempt]);
    add(items[i], {});
  };
  if (options.progress)
    encoder.progress = [&](size_t done) {
      return options.progress(MOLRT_STAGE_NETWORK, done, items.size());
    };
  run_encoder(model, features, encoder);
}

void Batch::predict(const Model& model, const RunOptions& options, float* mean, float* std) {
  const size_t outputs = model.card().outputs();
  const char* not_finite = "the prediction is not a finite number";
  std::fill(mean, mean + size() * outputs, NAN);
  if (std) std::fill(std, std + size() * outputs, NAN);
  prepare(model, options);
  compute_inputs(model.card().inputs, options);
  const size_t size = model.scaled_size();
  const auto finish = [&](Molecule& m, const std::vector<double>& scaled) {
    std::vector<float> values(m.rows.size() * outputs), deviations(m.rows.size() * outputs);
    for (size_t i = 0; i < m.rows.size(); ++i) {
      const size_t answer = std::min(i, scaled.size() / size - 1);
      model.finish(scaled.data() + answer * size, values.data() + i * outputs,
                   deviations.data() + i * outputs);
    }
    if (!all_finite(values)) {
      for (Features& features : m.features) lose(features, MOLRT_ROW_NON_FINITE, not_finite);
      return;
    }
    for (size_t i = 0; i < m.rows.size(); ++i) {
      std::copy_n(values.begin() + i * outputs, outputs, mean + m.rows[i] * outputs);
      if (std) std::copy_n(deviations.begin() + i * outputs, outputs, std + m.rows[i] * outputs);
    }
  };
  const auto scale = [&](const Molecule& m, const Features&, size_t encoder, const float* rows,
                         std::vector<double>& scaled) {
    const auto inputs = inputs_of_answers(m);
    scaled.resize(inputs.size() * size);
    for (size_t i = 0; i < inputs.size(); ++i)
      model.scaled_outputs(encoder, rows, scaled.data() + i * size, inputs[i].data());
  };
  run(model, options, {scale, not_finite, finish, Encoder::Rows::cls});
}

std::vector<float> Batch::represent(const Model& model, const RunOptions& options) {
  model.require_one_encoder();
  const size_t width = model.card().architecture.width;
  std::unordered_map<const Features*, std::vector<float>> cls;
  for (const Item& item : network_items()) cls[&item.molecule->features[item.attempt]];
  const auto keep = [&](const Molecule&, const Features& features, size_t, const float* rows,
                        std::vector<double>& values) {
    values.assign(rows, rows + width);  // whether they are finite
    cls.at(&features).assign(rows, rows + width);
  };
  run(model, options,
      {keep, not_finite_representation, [](Molecule&, const std::vector<double>&) {},
       Encoder::Rows::cls});
  std::vector<float> all;
  for (size_t r = 0; r < size(); ++r)
    for (const Features* features : this->features(r))
      all.insert(all.end(), cls.at(features).begin(), cls.at(features).end());
  return all;
}

std::vector<size_t> Batch::first_atoms() const {
  std::vector<size_t> first(size() + 1, 0);
  for (size_t r = 0; r < size(); ++r) first[r + 1] = first[r] + row(r).model_atoms;
  return first;
}

void Batch::embed(const Model& model, const RunOptions& options, float* cls, float* atoms,
                  size_t atoms_count) {
  model.require_one_encoder();
  const size_t width = model.card().architecture.width;
  prepare(model, options);
  const std::vector<size_t> first_atom = first_atoms();
  if (atoms && atoms_count != first_atom.back() * width)
    fail(MOLRT_ERROR_INVALID_ARGUMENT, "atoms_count = {}: expected {} model_atoms * {} = {}",
         atoms_count, first_atom.back(), width, first_atom.back() * width);
  if (cls) std::fill(cls, cls + size() * width, NAN);
  if (atoms) std::fill(atoms, atoms + atoms_count, NAN);
  const auto finish = [&](Molecule& m, const std::vector<double>& rows) {
    for (size_t r : m.rows) {
      if (cls) std::copy_n(rows.begin(), width, cls + r * width);
      if (atoms)  // between [CLS] and [SEP]
        std::copy(rows.begin() + width, rows.end() - width, atoms + first_atom[r] * width);
    }
  };
  const auto all_rows = [&](const Molecule&, const Features& features, size_t, const float* rows,
                            std::vector<double>& values) {
    values.assign(rows, rows + (atoms ? features.length() : 1) * width);
  };
  run(model, options,
      {all_rows, not_finite_representation, finish,
       atoms ? Encoder::Rows::all : Encoder::Rows::cls});
}

}  // namespace molrt
