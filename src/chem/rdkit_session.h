#pragma once
// What every entry into RDKit needs. Hold one RdkitSession for as long as RDKit is called; sessions
// may be nested and may live in any number of threads.
namespace molrt {

// RDKit writes warnings and errors to logs that are global to the process: stderr, if the host uses
// RDKit too (otherwise they do not exist). While any silence lives these logs are off; the last one
// to end gives them back as the first one found them. Nobody's streams are touched.
class LogSilence {
 public:
  LogSilence();
  ~LogSilence();
  LogSilence(const LogSilence&) = delete;
  LogSilence& operator=(const LogSilence&) = delete;
};

class RdkitSession {
 public:
  // The first one has RDKit read its parameter tables, which is not thread-safe. That fails, and
  // nothing else does, under a C++ global locale (std::locale::global) with a decimal comma; C's
  // does not matter.
  RdkitSession();

 private:
  LogSilence silence_;
};

}  // namespace molrt
