#pragma once
// EXPECT_ERROR(statement, MOLRT_ERROR_..., "words"): it throws molrt::Error with that status, and
// the text holds the words.
#include <gtest/gtest.h>

#include "base/error.h"

#define EXPECT_ERROR(statement, expected_status, words)                                  \
  try {                                                                                  \
    statement;                                                                           \
    ADD_FAILURE() << "expected an error with: " << words;                                \
  } catch (const molrt::Error& error) {                                                  \
    EXPECT_EQ(error.status(), expected_status) << error.what();                          \
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what(); \
  }
