#include "train/network_settings.h"

#include "train/list_settings.h"

namespace molrt {
namespace {

std::string of_whole_network(const Settings& s) {
  return encoder_is_frozen(s) ? "freeze.prefix=encoder trains the head alone" : "";
}

std::string mode_of_some_layers(const Settings& s) {
  if (s.text("freeze.prefix") == "none") return "freeze.prefix=none freezes nothing";
  return of_whole_network(s);
}

// A rate beside what sets all of them to 0.
std::string rate_beside_preset(const Settings& s) {
  const std::string reason = why_no_dropout(s);
  return reason.empty() ? of_whole_network(s) : reason;
}

std::string no_prefix(const Settings& s) {
  const bool some = !split_at_commas(s.text("freeze.prefix")).empty();
  return some ? "" : "it names no tensors; none: the whole network is trained";
}

std::vector<SettingRow> freezing() {
  return {
      {"freeze.prefix", "encoder", "", "none", 0, 0, "", "0.1.0",
       "what stays as it is: beginnings of tensors' names, separated by commas, such as "
       "embed_tokens,gbf,encoder.emb,encoder.layers.0.; encoder: everything but the head, whose "
       "inputs are then computed once; none: the whole network is trained",
       nullptr, nullptr, no_prefix},
      {"freeze.mode", "eval", "", "", 0, 0, "train|eval", "0.1.0",
       "dropout in leading layers that are frozen; train: as elsewhere; eval: none",
       mode_of_some_layers},
  };
}

std::vector<SettingRow> dropout() {
  return {
      {"emb_dropout", .1, "", "", 0, 1, "", "0.1.0", "dropout rate of the token embeddings",
       rate_beside_preset},
      {"dropout", .1, "", "", 0, 1, "", "0.1.0",
       "dropout rate of what attention and feed-forward add to the residual stream",
       rate_beside_preset},
      {"attention_dropout", .1, "", "", 0, 1, "", "0.1.0",
       "dropout rate of the attention's probabilities", rate_beside_preset},
      {"activation_dropout", 0.0, "", "0.1", 0, 1, "", "0.1.0",
       "dropout rate after the feed-forward's GELU", rate_beside_preset},
      {"no_dropout", int64_t{0}, "", "1", 0, 1, "", "0.1.0",
       "1: all dropout rates 0, the pooler's too"},
  };
}

std::vector<SettingRow> pulls() {
  return {
      {"weight_decay", 0.0, "", "0.01", 0, 100, "", "0.1.0",
       "decoupled decay of the weights, times the learning rate; not of biases and norms",
       without_steps},
      {"l2sp.lambda", 0.0, "", "0.01", 0, 100, "", "0.1.0",
       "decoupled pull of the encoder's weights towards the ones that training began with; not of "
       "biases and norms",
       of_whole_network},
      {"l2sp.head", 0.0, "", "0.01", 0, 100, "", "0.1.0",
       "the same of the head's weights, towards 0", of_whole_network},
      {"llrd.xi", 1.0, "", "0.9", .01, 1, "", "0.1.0",
       "learning rate of layer l of L (embeddings and pair kernel: 0) times llrd.xi^(L-l)",
       of_whole_network},
      {"ema.beta", 0.0, "", "0.999", 0, .9999999, "", "0.1.0",
       "exponential moving average of the weights, on which is evaluated and which is kept; 0: "
       "off",
       without_steps},
  };
}

}  // namespace

bool encoder_is_frozen(const Settings& s) { return s.text("freeze.prefix") == "encoder"; }

std::vector<SettingRow> network_settings() {
  std::vector<SettingRow> rows;
  for (const auto& part : {freezing(), dropout(), pulls()})
    rows.insert(rows.end(), part.begin(), part.end());
  return rows;
}

NetworkSettings read_network_settings(const Settings& s) {
  const std::string prefix = s.text("freeze.prefix");
  return {
      .head = read_head_settings(s),
      .frozen = prefix == "none" ? std::vector<std::string>() : split_at_commas(prefix),
      .quiet_when_frozen = s.text("freeze.mode") == "eval",
      .embedding = dropout_rate(s, "emb_dropout"),
      .residual = dropout_rate(s, "dropout"),
      .attention = dropout_rate(s, "attention_dropout"),
      .activation = dropout_rate(s, "activation_dropout"),
      .l2sp = s.f64("l2sp.lambda"),
      .l2sp_head = s.f64("l2sp.head"),
      .llrd = s.f64("llrd.xi"),
  };
}

}  // namespace molrt
