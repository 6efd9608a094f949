/* The whole job in plain C: from nothing to a saved model that predicts, with bad molecules among
 * the good ones. usage: whole_job FOLDER (for the model file) */
#include <math.h>
#include <molrt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) {                                                               \
      fprintf(stderr, "%s:%d: %s (last error: %s)\n", __FILE__, __LINE__, #condition, \
              molrt_last_error());                                                    \
      exit(1);                                                                        \
    }                                                                                 \
  } while (0)
#define OK(call) CHECK((call) == MOLRT_OK)

enum { WIDTH = 16, ROWS = 12 };

static const char* const kSmiles[ROWS] = {"C",     "CC",  "not a molecule", "CCO",     "c1ccccc1",
                                          "",      "CCN", "CCCCO",          "CC(=O)O", "CO",
                                          "C1CC1", "CCCl"};
static const double kTargets[ROWS] = {1, 2, 3, 3, 6, 0, 3, 5, 4, 2, 3, 3};

static int is_bad(size_t row) { return row == 2 || row == 5; }

static molrt_model* untrained(molrt_context* context) {
  molrt_architecture sizes;
  molrt_model* model = NULL;
  OK(molrt_architecture_init(&sizes, sizeof sizes));
  sizes.kernel = MOLRT_KERNEL_GAUSSIAN;
  sizes.layers = 2;
  sizes.width = WIDTH;
  sizes.ffn = 32;
  sizes.heads = 4;
  sizes.seed = 7;
  OK(molrt_model_create_untrained(context, &sizes, &model));
  return model;
}

static molrt_batch* molecules(molrt_context* context) {
  molrt_batch* batch = NULL;
  size_t i;
  OK(molrt_batch_create(context, NULL, &batch));
  for (i = 0; i < ROWS; i++) OK(molrt_batch_add_smiles(batch, kSmiles[i]));
  CHECK(molrt_batch_size(batch) == ROWS);
  return batch;
}

static void* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  void* data;
  CHECK(file);
  CHECK(fseek(file, 0, SEEK_END) == 0);
  *size = (size_t)ftell(file);
  rewind(file);
  data = malloc(*size);
  CHECK(data && fread(data, 1, *size, file) == *size);
  fclose(file);
  return data;
}

static char* text_of_sdf(const molrt_batch* batch, size_t row) {
  size_t needed = 0;
  char* text;
  OK(molrt_batch_get_sdf(batch, row, 0, "a title", NULL, 0, &needed));
  text = malloc(needed);
  OK(molrt_batch_get_sdf(batch, row, 0, "a title", text, needed, &needed));
  CHECK(strlen(text) + 1 == needed);
  return text;
}

static void conformers(molrt_context* context) {
  molrt_batch* batch = molecules(context);
  molrt_row row;
  int32_t numbers[9], input_index[9];
  float xyz[27];
  char* sdf;
  OK(molrt_batch_compute_conformers(context, batch, NULL));
  OK(molrt_row_init(&row, sizeof row));
  OK(molrt_batch_get_row(batch, 3, &row));
  CHECK(row.status == MOLRT_ROW_OK && row.source == MOLRT_SOURCE_ETKDG_MMFF);
  CHECK(row.conformer_atoms == 9); /* CCO with its hydrogens */
  OK(molrt_batch_get_conformer(batch, 3, 0, numbers, xyz, input_index, 9));
  CHECK(numbers[2] == 8 && numbers[3] == 1);
  CHECK(input_index[2] == 2 && input_index[3] == -1);
  CHECK(fabs(xyz[0] - xyz[3]) + fabs(xyz[1] - xyz[4]) + fabs(xyz[2] - xyz[5]) > 0.5);
  sdf = text_of_sdf(batch, 3);
  CHECK(strncmp(sdf, "a title\n", 8) == 0 && strstr(sdf, "$$$$"));
  free(sdf);
  molrt_batch_free(batch);
}

/* The same molecule, from SMILES and as given atoms, has the same representation. */
static void given_atoms(molrt_context* context, const molrt_model* model) {
  static const char* const symbols[] = {"C", "H", "H", "H", "H"};
  molrt_batch* batch = NULL;
  float cls[2][WIDTH], xyz[15];
  double given[15];
  size_t i;
  OK(molrt_batch_create(context, NULL, &batch));
  OK(molrt_batch_add_smiles(batch, "C"));
  OK(molrt_batch_compute_conformers(context, batch, NULL));
  OK(molrt_batch_get_conformer(batch, 0, 0, NULL, xyz, NULL, 5));
  for (i = 0; i < 15; i++) given[i] = xyz[i];
  OK(molrt_batch_add_atoms(batch, symbols, given, 5));
  OK(molrt_embed(context, model, batch, NULL, cls[0], 2 * WIDTH, NULL, 0));
  CHECK(memcmp(cls[0], cls[1], sizeof cls[0]) == 0);
  OK(molrt_batch_clear(batch));
  CHECK(molrt_batch_size(batch) == 0);
  molrt_batch_free(batch);
}

static void embed(molrt_context* context, const molrt_model* model, float* cls) {
  molrt_batch* batch = molecules(context);
  molrt_row row;
  size_t i, atoms = 0;
  float* each_atom;
  int32_t map[64];
  OK(molrt_batch_prepare(context, model, batch, NULL));
  OK(molrt_row_init(&row, sizeof row));
  for (i = 0; i < ROWS; i++) {
    OK(molrt_batch_get_row(batch, i, &row));
    CHECK((row.status != MOLRT_ROW_OK) == is_bad(i));
    CHECK((row.model_atoms == 0) == is_bad(i));
    atoms += (size_t)row.model_atoms;
  }
  each_atom = malloc(atoms * WIDTH * sizeof *each_atom);
  OK(molrt_embed(context, model, batch, NULL, cls, ROWS * WIDTH, each_atom, atoms * WIDTH));
  for (i = 0; i < ROWS; i++) CHECK(isnan(cls[i * WIDTH]) ? is_bad(i) : !is_bad(i));
  for (i = 0; i < atoms * WIDTH; i++) CHECK(isfinite(each_atom[i]));
  OK(molrt_batch_get_model_atoms(batch, 0, map, 64));
  CHECK(map[0] == 0 && map[1] == -1);
  free(each_atom);
  molrt_batch_free(batch);
}

static molrt_settings* short_training(void) {
  molrt_settings* settings = NULL;
  molrt_setting_info info;
  size_t i, found = 0;
  int64_t epochs = 0;
  OK(molrt_setting_info_init(&info, sizeof info));
  for (i = 0; i < molrt_settings_count(); i++) {
    OK(molrt_settings_describe(i, &info));
    CHECK(info.name[0] && info.help[0] && info.since[0]);
    if (strcmp(info.name, "epochs") != 0) continue;
    CHECK(info.type == MOLRT_SETTING_I64);
    found++;
  }
  CHECK(found == 1);
  OK(molrt_settings_create(&settings));
  OK(molrt_settings_set_i64(settings, "epochs", 5));
  OK(molrt_settings_get_i64(settings, "epochs", &epochs));
  CHECK(epochs == 5);
  return settings;
}

static molrt_model* train(molrt_context* context, const molrt_model* base) {
  static const char* const names[] = {"heavy atoms"};
  molrt_settings* settings = short_training();
  molrt_batch* batch = molecules(context);
  molrt_job* job = NULL;
  molrt_model* model = NULL;
  molrt_row row;
  size_t needed = 0;
  float held_out[ROWS];
  char* report;
  OK(molrt_job_create(context, base, batch, kTargets, 1, names, settings, &job));
  molrt_batch_free(batch); /* the job has copies */
  molrt_settings_free(settings);
  OK(molrt_job_run(job, NULL));
  OK(molrt_job_get_report(job, NULL, 0, &needed));
  report = malloc(needed);
  OK(molrt_job_get_report(job, report, needed, &needed));
  CHECK(report[0] == '{');
  OK(molrt_job_get_held_out(job, held_out, ROWS));
  CHECK(isnan(held_out[2]) && isnan(held_out[5]));
  OK(molrt_row_init(&row, sizeof row));
  OK(molrt_job_get_row(job, 2, &row));
  CHECK(row.status == MOLRT_ROW_INVALID_SMILES);
  OK(molrt_job_get_model(job, &model));
  free(report);
  molrt_job_free(job);
  return model;
}

static void predict(molrt_context* context, const molrt_model* model, float* mean) {
  molrt_batch* batch = molecules(context);
  size_t i;
  OK(molrt_predict(context, model, batch, NULL, mean, NULL, ROWS));
  for (i = 0; i < ROWS; i++) CHECK(isnan(mean[i]) ? is_bad(i) : !is_bad(i));
  molrt_batch_free(batch);
}

static molrt_model* reopened(molrt_context* context, const char* path) {
  molrt_model* model = NULL;
  OK(molrt_model_open(context, path, NULL, &model));
  return model;
}

static molrt_model* reopened_from_memory(molrt_context* context, const char* path) {
  molrt_model* model = NULL;
  size_t size;
  void* data = read_file(path, &size);
  OK(molrt_model_open_memory(context, data, size, NULL, &model));
  memset(data, 0, size); /* the model has what it needs */
  free(data);
  return model;
}

static void compare_embeddings(molrt_context* context, const molrt_model* base, const char* path) {
  molrt_model *from_path, *from_memory;
  float a[ROWS * WIDTH], b[ROWS * WIDTH], c[ROWS * WIDTH];
  OK(molrt_model_save(context, base, path, NULL));
  from_path = reopened(context, path);
  from_memory = reopened_from_memory(context, path);
  embed(context, base, a);
  embed(context, from_path, b);
  embed(context, from_memory, c);
  CHECK(memcmp(a, b, sizeof a) == 0 && memcmp(a, c, sizeof a) == 0);
  molrt_model_free(from_path);
  molrt_model_free(from_memory);
}

static void compare_predictions(molrt_context* context, const molrt_model* trained,
                                const char* path) {
  molrt_model* again;
  float a[ROWS], b[ROWS];
  OK(molrt_model_save(context, trained, path, NULL));
  again = reopened(context, path);
  predict(context, trained, a);
  predict(context, again, b);
  CHECK(memcmp(a, b, sizeof a) == 0);
  CHECK(strcmp(molrt_model_target_name(again, 0), "heavy atoms") == 0);
  CHECK(molrt_model_target_name(again, 1) == NULL);
  molrt_model_free(again);
}

int main(int argc, char** argv) {
  molrt_context* context = NULL;
  molrt_model *base, *trained;
  char path[4096];
  CHECK(argc == 2 && strlen(argv[1]) < 4000);
  sprintf(path, "%s/whole_job.molrt", argv[1]);
  CHECK(molrt_version() / 1000 == MOLRT_VERSION_MAJOR * 1000 + MOLRT_VERSION_MINOR);
  OK(molrt_context_create(NULL, &context));
  base = untrained(context);
  conformers(context);
  given_atoms(context, base);
  compare_embeddings(context, base, path);
  trained = train(context, base);
  molrt_model_free(base);
  compare_predictions(context, trained, path);
  molrt_model_free(trained);
  molrt_context_free(context);
  remove(path);
  return 0;
}
