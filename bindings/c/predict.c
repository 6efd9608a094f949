/* predict MODEL SMILES ...: prints the model's first target for each molecule.
 * cc predict.c -Iinclude -Lbuild/lib -lmolrt -o predict */
#include <molrt.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int32_t status) {
  if (status == MOLRT_OK) return;
  fprintf(stderr, "predict: %s: %s\n", molrt_status_name(status), molrt_last_error());
  exit(1);
}

static void print_row(const molrt_batch* batch, size_t index, float mean) {
  molrt_row row;
  must(molrt_row_init(&row, sizeof row));
  must(molrt_batch_get_row(batch, index, &row));
  if (row.status == MOLRT_ROW_OK)
    printf("%g (%s)\n", mean, molrt_source_name(row.source));
  else
    printf("%s: %s\n", molrt_row_status_name(row.status), molrt_batch_row_message(batch, index));
}

int main(int argc, char** argv) {
  molrt_context* context;
  molrt_model* model;
  molrt_batch* batch;
  molrt_model_info info;
  size_t i, rows = (size_t)argc - 2, outputs;
  float* mean;
  if (argc < 3) return fprintf(stderr, "usage: predict MODEL SMILES ...\n"), 2;

  must(molrt_context_create(NULL, &context));
  must(molrt_model_open(context, argv[1], NULL, &model));
  must(molrt_batch_create(context, NULL, &batch));
  for (i = 0; i < rows; i++) must(molrt_batch_add_smiles(batch, argv[i + 2]));

  must(molrt_model_info_init(&info, sizeof info));
  must(molrt_model_get_info(model, &info));
  outputs = (size_t)info.outputs;
  mean = malloc(rows * outputs * sizeof *mean);
  must(molrt_predict(context, model, batch, NULL, mean, NULL, rows * outputs));
  for (i = 0; i < rows; i++) print_row(batch, i, mean[i * outputs]);

  free(mean);
  molrt_batch_free(batch);
  molrt_model_free(model);
  molrt_context_free(context);
  return 0;
}
