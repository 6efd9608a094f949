#pragma once
// One pre-training run: molecules with geometries in, an encoder with its scratch heads out
// (spec: model.md section 5).
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "model/batch.h"
#include "pretrain/loop.h"

namespace molrt {

using ReadCallback = std::function<bool(size_t done, size_t total)>;  // molecules; true: stop

class Pretraining {
 public:
  // Goes on with what `start` has of pre-training, its targets' scaling too.
  Pretraining(std::shared_ptr<const Model> start, std::vector<std::string> targets,
              Settings settings);

  // Before run(). What was done is kept in a directory (train/checkpoint.h).
  void set_checkpoint(std::string directory, bool resume);
  void exclude(const std::string& smiles);  // before any is added
  // All of it or, after an error, nothing.
  Corpus::Added add_archive(const std::string& path, int threads, const ReadCallback& progress);
  // Its molecules' conformers; labels [rows, targets], NaN: not known; empty: none.
  Corpus::Added add_batch(const Batch& batch, std::span<const float> labels, int threads);

  // CANCELLED when stopped, with the model so far.
  void run(int threads, const PretrainCallback& progress);
  void cancel() { cancelled_ = true; }  // from any thread
  void remove_checkpoint();

  bool started() const { return started_; }
  bool done() const { return model_ != nullptr; }
  std::shared_ptr<const Model> model() const { return model_; }
  const std::vector<std::string>& targets() const { return targets_; }
  const Settings& settings() const { return settings_; }
  std::string report() const;  // JSON
  const std::vector<PretrainRecord>& history() const { return history_; }

 private:
  Corpus& corpus();
  PretrainSource read_archive(const std::string& path, int threads, const ReadCallback& progress);
  void check_labels(const std::vector<CorpusMolecule>& molecules) const;
  bool is_held_out(size_t molecule) const;
  void divide();
  void learn_scalings();
  std::optional<std::vector<LabelScaling>> scalings_of_start() const;
  nlohmann::json facts() const;
  std::string provenance() const;
  Model trained_model(TensorMap tensors) const;

  std::shared_ptr<const Model> start_, model_;
  std::vector<std::string> targets_;
  Settings settings_;
  PretrainSettings s_;
  std::string checkpoint_directory_;
  bool resume_ = false;
  std::unique_ptr<Corpus> corpus_;
  std::vector<PretrainSource> sources_;
  std::vector<size_t> train_, held_out_;
  std::vector<LabelScaling> scalings_;
  std::vector<PretrainRecord> history_;
  uint64_t steps_done_ = 0;
  std::atomic<bool> cancelled_{false};
  bool started_ = false;
};

}  // namespace molrt
