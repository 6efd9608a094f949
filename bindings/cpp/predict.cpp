// predict MODEL SMILES ...: prints the model's first target for each molecule.
// c++ -std=c++17 predict.cpp $(pkg-config --cflags --libs molrt) -o predict
#include <iostream>
#include <molrt.hpp>

static void print_row(const molrt::Batch& batch, size_t index, float mean) {
  const molrt::Row row = batch.row(index);
  if (row.status == MOLRT_ROW_OK)
    std::cout << mean << " (" << molrt_source_name(row.source) << ")\n";
  else
    std::cout << molrt_row_status_name(row.status) << ": " << batch.row_message(index) << "\n";
}

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: predict MODEL SMILES ...\n";
    return 2;
  }

  const molrt::Context context;
  const molrt::Model model = molrt::Model::open(context, argv[1]);
  molrt::Batch batch(context);
  for (int i = 2; i < argc; ++i) batch.add(argv[i]);

  const molrt::Prediction prediction = molrt::predict(context, model, batch);
  for (size_t i = 0; i < prediction.rows; ++i)
    print_row(batch, i, prediction.mean[i * prediction.outputs]);
} catch (const molrt::Error& error) {
  std::cerr << "predict: " << molrt_status_name(error.status()) << ": " << error.what() << "\n";
  return 1;
}
