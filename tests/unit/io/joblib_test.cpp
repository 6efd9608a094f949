#include "io/joblib.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "io/tools_scaler.h"
#include "support/expect_error.h"
#include "support/npz.h"

namespace molrt {
namespace {

// tests/golden/make_joblib.py
std::shared_ptr<ByteSource> file(const std::string& name) {
  return ByteSource::open_file(test::golden_path("joblib/" + name));
}

NumberArray value(const Joblib& joblib, const char* key) {
  const auto id = joblib.find(joblib.pickle().root_id, key);
  return id ? joblib.numbers(*id).value_or(NumberArray{{-1}, {}}) : NumberArray{{-2}, {}};
}

const std::vector<double> grid = {0, 1, 2, 3, 4, 5};

TEST(Joblib, ReadsArraysAndNumbers) {
  const auto source = file("arrays");
  const Joblib joblib(*source);
  for (const char* key : {"c", "fortran", "f4", "i4", "i8"}) {
    EXPECT_EQ(value(joblib, key).shape, (std::vector<int64_t>{2, 3})) << key;
    EXPECT_EQ(value(joblib, key).values, grid) << key;
  }
  EXPECT_EQ(value(joblib, "empty").shape, (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(value(joblib, "number").values, std::vector{1.5});
  EXPECT_EQ(value(joblib, "integer").values, std::vector{-7.});
  EXPECT_EQ(value(joblib, "float").values, std::vector{2.5});
  EXPECT_EQ(value(joblib, "text").shape, std::vector<int64_t>{-1});  // no number
}

TEST(Joblib, ReadsOlderProtocolsAndPlainPickles) {
  const auto older = file("protocol2");
  const Joblib list(*older);
  EXPECT_EQ(list.numbers(list.root().items.at(0))->values, grid);
  const auto plain = file("plain");
  const Joblib joblib(*plain);
  EXPECT_EQ(value(joblib, "c").values, grid);
  EXPECT_EQ(value(joblib, "fortran").values, grid);
  const auto plain2 = file("plain2");
  const Joblib second(*plain2);
  EXPECT_EQ(value(second, "c").values, (std::vector<double>{-200, -199, -198, -197, -196, -195}));
  EXPECT_EQ(value(second, "fortran").values, grid);
}

TEST(Joblib, RefusesWhatItCannotRead) {
  EXPECT_ERROR(Joblib(*file("objects")), MOLRT_ERROR_UNSUPPORTED, "type |\"O8\"");
  EXPECT_ERROR(Joblib(*file("big_endian")), MOLRT_ERROR_UNSUPPORTED, "type >\"f8\"");
  EXPECT_ERROR(Joblib(*file("half")), MOLRT_ERROR_UNSUPPORTED, "\"f2\"");
  EXPECT_ERROR(Joblib(*file("compressed")), MOLRT_ERROR_UNSUPPORTED, "compressed");
}

TEST(Joblib, EveryCutIsAnError) {
  std::ostringstream content;
  content << std::ifstream(test::golden_path("joblib/estimators"), std::ios::binary).rdbuf();
  const std::string whole = content.str();
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto cut = ByteSource::copy_memory(std::as_bytes(std::span(whole.data(), size)), "cut");
    EXPECT_THROW(read_tools_scalers(*cut, 3), Error) << size;
  }
}

// A changed byte may be another number, but never a crash or a number out of thin air.
TEST(Joblib, EveryChangedByteIsAnErrorOrAScaler) {
  for (const char* name : {"estimators", "two_features", "sqrt"}) {
    std::ostringstream content;
    content << std::ifstream(test::golden_path(std::string("joblib/") + name), std::ios::binary)
                   .rdbuf();
    const std::string whole = content.str();
    for (size_t i = 0; i < whole.size(); ++i) {
      for (const char change : {'\x01', '\x80', '\xff'}) {
        std::string changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ change);
        const auto bytes = ByteSource::copy_memory(std::as_bytes(std::span(changed)), "changed");
        try {
          for (const TargetScaler& s : read_tools_scalers(*bytes, 3))
            EXPECT_STREQ(scaler_fault(s), "") << i;
        } catch (const Error&) {
        }
      }
    }
  }
}

TEST(ToolsScaler, ReadsScikitLearnsObjects) {
  const auto scalers = read_tools_scalers(*file("estimators"), 3);
  EXPECT_EQ(scalers[0].kind, ScalerKind::box_cox);
  EXPECT_NEAR(scalers[0].inverse(.3), 1.34038212, 1e-8);
  EXPECT_EQ(scalers[1].output, QuantileOutput::normal);
  EXPECT_NEAR(scalers[1].inverse(.3), 2.62071472, 1e-8);
  EXPECT_EQ(scalers[2].mean, 0);  // with_mean=False, though mean_ is there
  EXPECT_NEAR(scalers[2].inverse(.3), .74984077, 1e-8);
  const auto two = read_tools_scalers(*file("two_features"), 2);
  EXPECT_NEAR(two[0].inverse(.3), 3.29761167, 1e-8);
  EXPECT_NEAR(two[1].inverse(.3), 10.89283502, 1e-8);
}

TEST(ToolsScaler, RefusesByName) {
  EXPECT_ERROR(read_tools_scalers(*file("normalizer"), 1), MOLRT_ERROR_UNSUPPORTED, "Normalizer");
  EXPECT_ERROR(read_tools_scalers(*file("sqrt"), 1), MOLRT_ERROR_UNSUPPORTED, "numpy.");
  EXPECT_ERROR(read_tools_scalers(*file("dictionary"), 1), MOLRT_ERROR_UNSUPPORTED,
               "expected a scaler of scikit-learn");
  EXPECT_ERROR(read_tools_scalers(*file("two_features"), 3), MOLRT_ERROR_FORMAT,
               "a number for each of 3 targets, found 2");
  EXPECT_ERROR(read_tools_scalers(*file("estimators"), 2), MOLRT_ERROR_FORMAT,
               "a list of 3 scalers");
  EXPECT_ERROR(read_tools_thresholds(*file("two_features"), 1), MOLRT_ERROR_FORMAT, "no numbers");
}

}  // namespace
}  // namespace molrt
