#include "io/pickle.h"

#include "support/expect_error.h"
#include "unit/io/build_archive.h"

namespace molrt {
namespace {

using namespace test::pickled;

class Read {
 public:
  explicit Read(const std::string& bytes)
      : source_(test::source(bytes)), pickle_(read_pickle(*source_, 0, source_->size(), "p")) {}
  const PickleNode& root() const { return pickle_.root(); }
  const PickleNode& node(PickleId id) const { return pickle_.node(id); }
  const Pickle& pickle() const { return pickle_; }

 private:
  std::shared_ptr<ByteSource> source_;
  Pickle pickle_;
};

std::string repeat(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

int64_t integer_of(const std::string& bytes) {
  const Read read(bytes);
  EXPECT_EQ(read.root().kind, PickleKind::integer);
  return read.root().integer;
}

using namespace std::string_literals;

TEST(Pickle, ReadsIntegers) {
  EXPECT_EQ(integer_of("J\xfe\xff\xff\xff."), -2);
  EXPECT_EQ(integer_of("K\xfe."), 254);
  EXPECT_EQ(integer_of("M\x01\xfe."), 0xfe01);
  EXPECT_EQ(integer_of("\x8a\x00."s), 0);
  EXPECT_EQ(integer_of("\x8a\x01\xff."), -1);
  EXPECT_EQ(integer_of("\x8a\x05\x00\x00\x00\x00\x01."s), int64_t{1} << 32);
  EXPECT_EQ(integer_of(file(integer(INT64_MIN))), INT64_MIN);
  const Read big("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  EXPECT_EQ(big.root().kind, PickleKind::big_integer);
  EXPECT_EQ(big.root().text.size(), 10u);
}

TEST(Pickle, ReadsOtherScalars) {
  EXPECT_EQ(Read("N.").root().kind, PickleKind::none);
  EXPECT_EQ(Read("\x88.").root().kind, PickleKind::boolean);
  EXPECT_EQ(Read("\x88.").root().integer, 1);
  EXPECT_EQ(Read("\x89.").root().integer, 0);
  EXPECT_EQ(Read("G\x3f\xf8\x00\x00\x00\x00\x00\x00."s).root().real, 1.5);
  EXPECT_EQ(Read("X\x02\x00\x00\x00hi."s).root().text, "hi");
  EXPECT_EQ(Read("U\x02hi.").root().text, "hi");
  EXPECT_EQ(Read("B\x02\x00\x00\x00hi."s).root().kind, PickleKind::bytes);
}

TEST(Pickle, ReadsContainers) {
  const Read read(file(dict({{"a", tuple({integer(1), list({integer(2), integer(3)})})}})));
  ASSERT_EQ(read.root().pairs.size(), 1u);
  EXPECT_EQ(read.node(read.root().pairs[0].first).text, "a");
  const PickleNode& pair = read.node(read.root().pairs[0].second);
  ASSERT_EQ(pair.kind, PickleKind::tuple);
  ASSERT_EQ(pair.items.size(), 2u);
  const PickleNode& inner = read.node(pair.items[1]);
  ASSERT_EQ(inner.kind, PickleKind::list);
  EXPECT_EQ(read.node(inner.items[1]).integer, 3);
}

TEST(Pickle, ReadsShortForms) {
  EXPECT_EQ(Read("K\x01\x85.").root().items.size(), 1u);
  EXPECT_EQ(Read("K\x01K\x02\x86.").root().items.size(), 2u);
  EXPECT_EQ(Read("K\x01K\x02K\x03\x87.").root().items.size(), 3u);
  EXPECT_EQ(Read("]K\x01"s + "a.").root().items.size(), 1u);
  EXPECT_EQ(Read("}K\x01K\x02s.").root().pairs.size(), 1u);
  EXPECT_EQ(Read("\x8f(K\x01\x90.").root().items.size(), 1u);
}

// What joblib writes (protocol 4): a frame, memo without keys, globals from the stack, bytes.
TEST(Pickle, ReadsProtocol4) {
  const std::string body =
      "\x8c\x05numpy\x94\x8c\x05"
      "dtype\x94\x93\x94\x8c\x02"
      "f8\x94\x85\x94R\x94"
      "C\x03"
      "abc\x94\x86\x94h\x01\x86.";
  const Read read("\x80\x04\x95" + test::little_endian(body.size(), 8) + body);
  EXPECT_EQ(read.node(read.root().items[1]).text, "dtype");  // memo entry 1
  const PickleNode& pair = read.node(read.root().items[0]);
  const PickleNode& object = read.node(pair.items[0]);
  ASSERT_EQ(object.kind, PickleKind::object);
  EXPECT_EQ(read.node(object.callable).module, "numpy");
  EXPECT_EQ(read.node(object.callable).text, "dtype");
  EXPECT_EQ(read.node(pair.items[1]).kind, PickleKind::bytes);
  EXPECT_EQ(read.node(pair.items[1]).text, "abc");
}

TEST(Pickle, GlobalsAreInert) {
  const Read read(file(reduce(global("os", "system"), tuple({text("exit 1")}))));
  ASSERT_EQ(read.root().kind, PickleKind::object);
  EXPECT_EQ(read.node(read.root().callable).module, "os");
  EXPECT_EQ(read.node(read.root().callable).text, "system");
}

TEST(Pickle, ObjectsTakeItemsAndState) {
  const std::string state = dict({{"_metadata", integer(1)}});
  const Read read(file(ordered_dict({{"a", integer(7)}}) + state + "b"));
  ASSERT_EQ(read.root().kind, PickleKind::object);
  ASSERT_EQ(read.root().pairs.size(), 1u);
  EXPECT_EQ(read.node(read.root().state).kind, PickleKind::dict);
}

TEST(Pickle, MemoSharesAndNeverClones) {
  // Thirty lists, each holding the one before twice: 2^30 leaves to someone who clones.
  std::string bytes = "]q";
  bytes += '\0';
  for (int i = 1; i <= 30; ++i) {
    const std::string before = "h"s + static_cast<char>(i - 1);
    bytes += "](" + before + before + "eq" + static_cast<char>(i);
  }
  const Read read("\x80\x02" + bytes + ".");
  EXPECT_EQ(read.pickle().nodes.size(), 31u);
  EXPECT_EQ(read.root().items[0], read.root().items[1]);
}

TEST(Pickle, ListsMayContainThemselves) {
  const Read read("]q\x01h\x01"s + "a.");
  EXPECT_EQ(read.root().items, std::vector<PickleId>{read.pickle().root_id});
}

TEST(Pickle, StopsAtStop) {
  const auto source = test::source("K\x01.garbage");
  EXPECT_EQ(read_pickle(*source, 0, source->size(), "p").length, 3u);
  EXPECT_EQ(source->bytes_read(), 3u);
}

TEST(Pickle, LimitsDepth) {
  Read(file("N" + repeat("\x85", 200)));
  EXPECT_ERROR(Read(file("N" + repeat("\x85", 201))), MOLRT_ERROR_UNSUPPORTED, "200 levels");
  EXPECT_ERROR(Read(repeat("\x85", 1) + "."), MOLRT_ERROR_FORMAT, "stack is empty");
  EXPECT_ERROR(Read(repeat("(", 5'000'000) + "."), MOLRT_ERROR_UNSUPPORTED, "200 levels");
  EXPECT_ERROR(Read(file(repeat("](", 5'000'000))), MOLRT_ERROR_UNSUPPORTED, "200 levels");
}

TEST(Pickle, LimitsNodes) {
  EXPECT_ERROR(Read(file(repeat("N", 1'000'001))), MOLRT_ERROR_UNSUPPORTED, "1000000 objects");
  std::string memo = "N";
  for (uint32_t i = 0; i <= 1'000'000; ++i) memo += "r" + test::little_endian(i, 4);
  EXPECT_ERROR(Read(file(memo)), MOLRT_ERROR_UNSUPPORTED, "memo entries");
}

TEST(Pickle, LimitsBytes) {
  const std::string big = text(std::string(64 << 20, 'a'));
  EXPECT_ERROR(Read(file(big)), MOLRT_ERROR_UNSUPPORTED, "67108864 bytes");
}

TEST(Pickle, RefusesWhatIsBroken) {
  EXPECT_ERROR(Read("."), MOLRT_ERROR_FORMAT, "stack is empty");
  EXPECT_ERROR(Read(""), MOLRT_ERROR_FORMAT, "ends early");
  EXPECT_ERROR(Read("X\xff\xff\xff\xffhello."), MOLRT_ERROR_FORMAT, "ends early");
  EXPECT_ERROR(Read("h\x01."), MOLRT_ERROR_FORMAT, "memo");
  EXPECT_ERROR(Read("NNt."), MOLRT_ERROR_FORMAT, "no mark");
  EXPECT_ERROR(Read("N(R."), MOLRT_ERROR_FORMAT, "stack is empty");
  EXPECT_ERROR(Read("}(Nu."), MOLRT_ERROR_FORMAT, "without a value");
  EXPECT_ERROR(Read("NNa."), MOLRT_ERROR_FORMAT, "no list");
  EXPECT_ERROR(Read("NNNs."), MOLRT_ERROR_FORMAT, "no dict");
  EXPECT_ERROR(Read("NNb."), MOLRT_ERROR_FORMAT, "no object");
  EXPECT_ERROR(Read("cos\nsystem"), MOLRT_ERROR_FORMAT, "ends early");
  EXPECT_ERROR(Read("NN\x93."), MOLRT_ERROR_FORMAT, "global");
  EXPECT_ERROR(Read("\x80\x09N."), MOLRT_ERROR_FORMAT, "protocol");
  EXPECT_ERROR(Read("\x95\xff\xff\xff\xff\xff\xff\xff\xffN."), MOLRT_ERROR_FORMAT, "frame");
  EXPECT_ERROR(Read("i."), MOLRT_ERROR_UNSUPPORTED, "opcode 0x69 at byte 0");
}

}  // namespace
}  // namespace molrt
