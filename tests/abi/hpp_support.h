#pragma once
// Models and molecules for the tests of molrt.hpp.
#include <gtest/gtest.h>

#include <molrt.hpp>

namespace molrt_hpp {

inline std::string golden_path(const std::string& name) { return MOLRT_TEST_DATA "/" + name; }

inline molrt::Architecture small_architecture() {
  molrt::Architecture sizes;
  sizes.layers = 2;
  sizes.width = 16;
  sizes.ffn = 32;
  sizes.heads = 2;
  return sizes;
}

inline molrt::Batch new_batch(const molrt::Context& context, const std::vector<std::string>& list) {
  molrt::Batch batch(context);
  for (const std::string& smiles : list) batch.add(smiles);
  return batch;
}

inline std::vector<std::string> good_smiles() {
  return {"C",     "CC",   "CCO",   "c1ccccc1", "CC(=O)O",  "CN",
          "CCCCO", "CCCC", "C1CC1", "CC#N",     "c1ccncc1", "CC(C)C"};
}

// Runs `call` and gives the status of the Error that it throws; its text must have `part`.
template <typename Call>
int32_t status_of(Call call, const std::string& part = "") {
  try {
    call();
  } catch (const molrt::Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    return error.status();
  }
  return MOLRT_OK;
}

}  // namespace molrt_hpp
