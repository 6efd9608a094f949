/* Sizes and offsets of every public struct on x86-64: they may grow at the end, but what is written
 * here never changes. Checked by compiling (C11). */
#include <stddef.h>

#include "molrt.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type)
#define AT(type, field, bytes) \
  _Static_assert(offsetof(type, field) == (bytes), "offset of " #type "." #field)

#if defined(__x86_64__)
SIZE(molrt_context_options, 24);
AT(molrt_context_options, struct_size, 0);
AT(molrt_context_options, threads, 4);
AT(molrt_context_options, log, 8);
AT(molrt_context_options, log_user, 16);

SIZE(molrt_conformer_cache_info, 24);
AT(molrt_conformer_cache_info, struct_size, 0);
AT(molrt_conformer_cache_info, state, 4);
AT(molrt_conformer_cache_info, found, 8);
AT(molrt_conformer_cache_info, built, 16);

SIZE(molrt_open_options, 32);
AT(molrt_open_options, struct_size, 0);
AT(molrt_open_options, hydrogens, 4);
AT(molrt_open_options, layout, 8);
AT(molrt_open_options, max_atoms, 12);
AT(molrt_open_options, dictionary_path, 16);
AT(molrt_open_options, fold, 24);

SIZE(molrt_architecture, 40);
AT(molrt_architecture, struct_size, 0);
AT(molrt_architecture, kernel, 4);
AT(molrt_architecture, layers, 8);
AT(molrt_architecture, width, 12);
AT(molrt_architecture, ffn, 16);
AT(molrt_architecture, heads, 20);
AT(molrt_architecture, hydrogens, 24);
AT(molrt_architecture, layout, 28);
AT(molrt_architecture, seed, 32);

SIZE(molrt_model_info, 96);
AT(molrt_model_info, struct_size, 0);
AT(molrt_model_info, kernel, 4);
AT(molrt_model_info, layers, 8);
AT(molrt_model_info, width, 12);
AT(molrt_model_info, ffn, 16);
AT(molrt_model_info, heads, 20);
AT(molrt_model_info, vocabulary, 24);
AT(molrt_model_info, hydrogens, 28);
AT(molrt_model_info, layout, 32);
AT(molrt_model_info, max_atoms, 36);
AT(molrt_model_info, head, 40);
AT(molrt_model_info, outputs, 44);
AT(molrt_model_info, folds, 48);
AT(molrt_model_info, parameters, 56);
AT(molrt_model_info, bytes_read, 64);
AT(molrt_model_info, task, 72);
AT(molrt_model_info, encoders, 76);
AT(molrt_model_info, mode, 80);
AT(molrt_model_info, calibration, 84);
AT(molrt_model_info, mc_samples, 88);
AT(molrt_model_info, inputs, 92);

SIZE(molrt_uncertain_options, 24);
AT(molrt_uncertain_options, struct_size, 0);
AT(molrt_uncertain_options, mode, 4);
AT(molrt_uncertain_options, samples, 8);
AT(molrt_uncertain_options, level, 16);

SIZE(molrt_uncertain_result, 88);
AT(molrt_uncertain_result, struct_size, 0);
AT(molrt_uncertain_result, mode, 4);
AT(molrt_uncertain_result, value, 8);
AT(molrt_uncertain_result, std, 16);
AT(molrt_uncertain_result, error, 24);
AT(molrt_uncertain_result, low, 32);
AT(molrt_uncertain_result, high, 40);
AT(molrt_uncertain_result, spread, 48);
AT(molrt_uncertain_result, gap, 56);
AT(molrt_uncertain_result, deterministic, 64);
AT(molrt_uncertain_result, entropy, 72);
AT(molrt_uncertain_result, mutual_information, 80);

SIZE(molrt_save_options, 8);
AT(molrt_save_options, struct_size, 0);
AT(molrt_save_options, dtype, 4);

SIZE(molrt_conformer_options, 40);
AT(molrt_conformer_options, struct_size, 0);
AT(molrt_conformer_options, ladder, 4);
AT(molrt_conformer_options, seed, 8);
AT(molrt_conformer_options, max_atoms, 12);
AT(molrt_conformer_options, time_limit, 16);
AT(molrt_conformer_options, count, 24);
AT(molrt_conformer_options, flat, 28);
AT(molrt_conformer_options, canonical, 32);

SIZE(molrt_row, 28);
AT(molrt_row, struct_size, 0);
AT(molrt_row, status, 4);
AT(molrt_row, source, 8);
AT(molrt_row, flags, 12);
AT(molrt_row, conformer_atoms, 16);
AT(molrt_row, model_atoms, 20);
AT(molrt_row, conformers, 24);

SIZE(molrt_progress, 128);
AT(molrt_progress, struct_size, 0);
AT(molrt_progress, stage, 4);
AT(molrt_progress, done, 8);
AT(molrt_progress, total, 16);
AT(molrt_progress, fold, 24);
AT(molrt_progress, folds, 28);
AT(molrt_progress, epoch, 32);
AT(molrt_progress, epochs, 36);
AT(molrt_progress, train_loss, 40);
AT(molrt_progress, valid_loss, 48);
AT(molrt_progress, step, 56);
AT(molrt_progress, steps, 64);
AT(molrt_progress, valid_metric, 72);
AT(molrt_progress, metric_name, 80);
AT(molrt_progress, learning_rate, 88);
AT(molrt_progress, train_rows, 96);
AT(molrt_progress, held_out_rows, 104);
AT(molrt_progress, part, 112);
AT(molrt_progress, mc_pass, 120);
AT(molrt_progress, mc_passes, 124);

SIZE(molrt_run_options, 40);
AT(molrt_run_options, struct_size, 0);
AT(molrt_run_options, max_atoms, 4);
AT(molrt_run_options, crop, 8);
AT(molrt_run_options, batch_size, 12);
AT(molrt_run_options, progress, 16);
AT(molrt_run_options, progress_user, 24);
AT(molrt_run_options, precision, 32);

SIZE(molrt_added, 32);
AT(molrt_added, struct_size, 0);
AT(molrt_added, reserved, 4);
AT(molrt_added, used, 8);
AT(molrt_added, excluded, 16);
AT(molrt_added, unusable, 24);

SIZE(molrt_probe_options, 56);
AT(molrt_probe_options, struct_size, 0);
AT(molrt_probe_options, attributions, 4);
AT(molrt_probe_options, layers, 8);
AT(molrt_probe_options, layer_count, 16);
AT(molrt_probe_options, rates, 24);
AT(molrt_probe_options, rate_count, 32);
AT(molrt_probe_options, seed, 40);
AT(molrt_probe_options, title, 48);

SIZE(molrt_setting_info, 80);
AT(molrt_setting_info, struct_size, 0);
AT(molrt_setting_info, type, 4);
AT(molrt_setting_info, name, 8);
AT(molrt_setting_info, unit, 16);
AT(molrt_setting_info, default_text, 24);
AT(molrt_setting_info, recommended_text, 32);
AT(molrt_setting_info, choices, 40);
AT(molrt_setting_info, since, 48);
AT(molrt_setting_info, help, 56);
AT(molrt_setting_info, minimum, 64);
AT(molrt_setting_info, maximum, 72);
#endif

typedef int layout_is_checked_by_compiling;
