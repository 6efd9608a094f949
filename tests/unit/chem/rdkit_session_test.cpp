#include "chem/rdkit_session.h"

#include <RDGeneral/RDLog.h>
#include <gtest/gtest.h>

#include <sstream>
#include <thread>

#include "chem/conformer.h"

namespace molrt {
namespace {

// A host that uses RDKit too: its logs exist and write to a stream of its own.
class HostLog {
 public:
  HostLog() : before_(rdErrorLog) {
    rdErrorLog = std::make_shared<boost::logging::rdLogger>(&stream_);
  }
  ~HostLog() { rdErrorLog = before_; }
  std::string text() const { return stream_.str(); }

 private:
  std::ostringstream stream_;
  RDLogger before_;
};

TEST(RdkitSession, LogsAreSilentInsideAndTheHostsOwnOutside) {
  const HostLog host;
  make_conformer("C1CC", {});
  EXPECT_EQ(host.text(), "");
  EXPECT_TRUE(rdErrorLog->df_enabled);
  BOOST_LOG(rdErrorLog) << "the host's";
  EXPECT_NE(host.text().find("the host's"), std::string::npos);
}

TEST(RdkitSession, LogsThatTheHostSwitchedOffStayOff) {
  const HostLog host;
  rdErrorLog->df_enabled = false;
  { const RdkitSession session; }
  EXPECT_FALSE(rdErrorLog->df_enabled);
}

TEST(RdkitSession, OverlappingSessionsRestoreTheLogsOnce) {
  const HostLog host;
  auto first = std::make_unique<RdkitSession>();
  std::thread([] { const RdkitSession second; }).join();
  EXPECT_FALSE(rdErrorLog->df_enabled);
  first.reset();
  EXPECT_TRUE(rdErrorLog->df_enabled);
}

}  // namespace
}  // namespace molrt
