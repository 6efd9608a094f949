#include "io/known_weights.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include "features/dictionary.h"
#include "io/model_file.h"
#include "support/expect_error.h"
#include "support/npz.h"
#include "support/temporary.h"

namespace molrt {
namespace {

namespace fs = std::filesystem;

// The golden weights, as if they were official files: one whose SHA-256 is known, one whose is not.
constexpr std::array<OfficialFile, 3> files = {{
    {"hashed.pt", "tests", 507380, 0,
     "04837616c31b69d5ba072fe19889b79cebc8845f6d7b200738a6e9f1d509edb5", PairKernel::gaussian, 31,
     "mol.dict.txt", Hydrogens::none, TokenLayout::file_order},
    {"twin.pt", "tests", 507380, 0,
     "0000000000000000000000000000000000000000000000000000000000000000", PairKernel::gaussian, 31,
     "mol.dict.txt", Hydrogens::all, TokenLayout::file_order},
    {"sized.pt", "tests", 5000000, 300000, "", PairKernel::linear, 94, "oled.dict.txt",
     Hydrogens::all, TokenLayout::file_order},
}};

class KnownWeights : public testing::Test {
 protected:
  std::string copy(const char* golden, const std::string& name) const {
    fs::copy(test::golden_path(golden), folder_ / name);
    return folder_ / name;
  }
  std::string sparse(const std::string& name, uint64_t bytes) const {
    std::ofstream(folder_ / name) << "PK";
    fs::resize_file(folder_ / name, bytes);
    return folder_ / name;
  }
  static Identity identity(const std::string& path, std::span<const OfficialFile> known = files) {
    return identify(*ByteSource::open_file(path), known);
  }
  // What was told, a line each: "1: a notice".
  Model open(const std::string& path, OpenOptions options = {}) {
    told_.clear();
    options.official = files;
    return open_model(path, options, [this](int32_t level, const std::string& text) {
      told_ += fmt::format("{}: {}\n", level, text);
    });
  }
  bool told(int32_t level, const std::string& part) const {
    const size_t at = told_.find(part);
    if (at == std::string::npos) return false;
    return told_.substr(told_.rfind('\n', at) + 1, 1) == std::to_string(level);
  }

  const test::TemporaryDirectory temporary_;
  const fs::path folder_ = temporary_.path("");
  std::string told_;
};

TEST_F(KnownWeights, TheTableAgreesWithWhatMolrtShips) {
  std::set<std::string_view> names;
  for (const OfficialFile& file : official_files()) {
    names.insert(file.name);
    EXPECT_NE(Dictionary::shipped_text(file.vocabulary), nullptr) << file.name;
    EXPECT_EQ(file.bytes_margin == 0, file.sha256.size() == 64) << file.name;
    EXPECT_EQ(official_architecture(file.kernel).vocabulary, file.vocabulary) << file.name;
    const bool no_h = file.name.find("_no_h_") != std::string_view::npos;
    EXPECT_EQ(file.hydrogens, no_h ? Hydrogens::none : Hydrogens::all) << file.name;
    EXPECT_TRUE(github_url(file).ends_with(file.name));
    EXPECT_TRUE(hugging_face_url(file).ends_with(file.name));
  }
  EXPECT_EQ(names.size(), 4u);
}

TEST_F(KnownWeights, AWholeFileIsVerifiedUnderItsNameAndAnyOther) {
  for (const char* name : {"hashed.pt", "hashed (1).pt"}) {
    const Identity found = identity(copy("molecule_linear.pth", name));
    EXPECT_EQ(found.verified, &files[0]) << name;
    EXPECT_EQ(found.problem, "") << name;
  }
}

TEST_F(KnownWeights, ACutOffOrDamagedOrOtherFileIsNot) {
  const auto problem = [&](const std::string& path) { return identity(path).problem; };
  const std::string cut = problem(sparse("hashed.pt", 507379));
  EXPECT_NE(cut.find("expected 507380 bytes, found 507379 bytes"), std::string::npos) << cut;
  EXPECT_NE(cut.find("cut off"), std::string::npos) << cut;
  EXPECT_NE(cut.find("https://huggingface.co/"), std::string::npos) << cut;
  const std::string more = problem(sparse("hashed.pt", 507381));
  EXPECT_NE(more.find("another file"), std::string::npos) << more;
  const std::string damaged = problem(sparse("hashed.pt", 507380));
  EXPECT_NE(damaged.find("expected sha256 04837616c31b"), std::string::npos) << damaged;
  EXPECT_NE(damaged.find("damaged"), std::string::npos) << damaged;
  const std::string swapped = problem(copy("molecule_linear.pth", "twin.pt"));
  EXPECT_NE(swapped.find("this is hashed.pt under another name"), std::string::npos) << swapped;
}

TEST_F(KnownWeights, ASizeKnownRoughlyIsComparedRoughly) {
  const Identity whole = identity(copy("oled_linear.pth", "sized.pt"));
  EXPECT_EQ(whole.problem, "");
  EXPECT_EQ(whole.verified, nullptr);
  EXPECT_EQ(whole.official(), &files[2]);
  EXPECT_EQ(whole.sha256, "a54e946f6fd92fc9a1c10ff619663489cc728eeeea706d98df79d59c64a6d047");
  const std::string problem = identity(sparse("sized.pt", 4699999)).problem;
  EXPECT_NE(problem.find("expected about 5 MB, found 4699999 bytes"), std::string::npos) << problem;
}

TEST_F(KnownWeights, OtherFilesAreNotEvenRead) {
  const auto source = ByteSource::open_file(copy("oled_linear.pth", "mine.pt"));
  const Identity found = identify(*source, files);
  EXPECT_EQ(found.official(), nullptr);
  EXPECT_EQ(found.problem + found.sha256, "");
  EXPECT_EQ(source->bytes_read(), 0u);
}

TEST_F(KnownWeights, AVerifiedFileSaysWhatItWasTrainedWith) {
  const Model model = open(copy("molecule_linear.pth", "hashed.pt"));
  EXPECT_EQ(model.card().hydrogens, Hydrogens::none);
  EXPECT_TRUE(told(MOLRT_LOG_INFO, "verified: sha256 04837616")) << told_;
  EXPECT_EQ(told_.find("assuming"), std::string::npos) << told_;
  const std::string description = describe_model(model);
  EXPECT_NE(description.find(R"("name":"hashed.pt","verified":true)"), std::string::npos);
  EXPECT_NE(description.find(R"("sha256":"04837616)"), std::string::npos) << description;
  save_model(model, folder_ / "kept.molrt", std::nullopt);
  EXPECT_EQ(open(folder_ / "kept.molrt").card().provenance, model.card().provenance);

  EXPECT_EQ(open(copy("molecule_linear.pth", "renamed.pt")).card().hydrogens, Hydrogens::none);
  EXPECT_TRUE(told(MOLRT_LOG_NOTICE, "is hashed.pt by its sha256 (no hydrogens, mol.dict.txt"))
      << told_;
}

TEST_F(KnownWeights, ASwappedNameIsToldAndTheContentsDecide) {
  EXPECT_EQ(open(copy("molecule_linear.pth", "twin.pt")).card().hydrogens, Hydrogens::none);
  EXPECT_TRUE(told(MOLRT_LOG_WARNING, "this is hashed.pt under another name")) << told_;
}

TEST_F(KnownWeights, AnotherFileUnderAKnownNameIsTold) {
  EXPECT_EQ(open(copy("molecule_pooler.pth", "hashed.pt")).card().hydrogens, Hydrogens::none);
  EXPECT_TRUE(told(MOLRT_LOG_WARNING, "expected 507380 bytes")) << told_;
  EXPECT_TRUE(open(copy("molecule_pooler.pth", "sized.pt")).card().hydrogens == Hydrogens::all);
  EXPECT_TRUE(told(MOLRT_LOG_WARNING, "a linear pair kernel and 94 symbols")) << told_;
  EXPECT_ERROR(open(sparse("twin.pt", 1000)), MOLRT_ERROR_FORMAT, "twin.pt");
  EXPECT_TRUE(told(MOLRT_LOG_WARNING, "cut off")) << told_;
}

TEST_F(KnownWeights, AnUnknownHashIsTold) {
  EXPECT_EQ(open(copy("oled_linear.pth", "sized.pt")).card().hydrogens, Hydrogens::all);
  EXPECT_TRUE(told(MOLRT_LOG_NOTICE, "taken for the official file of this name")) << told_;
  EXPECT_TRUE(told(MOLRT_LOG_NOTICE, "found a54e946f6fd9")) << told_;
}

OpenOptions against_no_h() {
  OpenOptions options;
  options.hydrogens = Hydrogens::all;
  options.layout = TokenLayout::specials_first;
  return options;
}

TEST_F(KnownWeights, OptionsThatContradictAreToldAndWin) {
  const auto contradicted = [&](const std::string& path) {
    const ModelCard card = open(path, against_no_h()).card();
    EXPECT_EQ(card.hydrogens, Hydrogens::all);
    EXPECT_EQ(card.layout, TokenLayout::specials_first);
    EXPECT_TRUE(told(MOLRT_LOG_WARNING, "no hydrogens, but the option hydrogens says all"))
        << told_;
    EXPECT_TRUE(told(MOLRT_LOG_WARNING, "file order, but the option layout says specials first"))
        << told_;
  };
  const std::string official = copy("molecule_linear.pth", "hashed.pt");
  save_model(open(official), folder_ / "own.molrt", std::nullopt);
  contradicted(official);
  contradicted(folder_ / "own.molrt");
  OpenOptions agree;
  agree.hydrogens = Hydrogens::none;
  agree.layout = TokenLayout::file_order;
  open(official, agree);
  open(copy("molecule_linear.pth", "renamed.pt"), agree);
  EXPECT_EQ(told_.find("2: "), std::string::npos) << told_;
  open(copy("molecule_pooler.pth", "nobody knows.pt"), against_no_h());
  EXPECT_EQ(told_.find("but the option"), std::string::npos) << told_;
}

TEST_F(KnownWeights, OptionsThatContradictASavedDirectoryAreTold) {
  OpenOptions options;
  options.hydrogens = Hydrogens::none;
  open(test::golden_path("tools_0_1_6_standard"), options);
  EXPECT_TRUE(told(MOLRT_LOG_WARNING, "all hydrogens, but the option hydrogens says no")) << told_;
}

class OtherDictionary : public KnownWeights {
 protected:
  // The shipped molecule dictionary with C and N in each other's place, or cut.
  std::string write(const std::string& name, bool cut = false) const {
    std::string text = Dictionary::shipped_text(31);
    text.replace(text.find("\nC\nN\n"), 5, "\nN\nC\n");
    if (cut) text.erase(text.rfind('\n', text.size() - 2) + 1);
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
};

TEST_F(OtherDictionary, OfTheRightSizeIsToldAndWins) {
  OpenOptions options;
  options.dictionary_path = write("mine.txt");
  const std::string official = copy("molecule_linear.pth", "hashed.pt");
  save_model(open(official), folder_ / "own.molrt", std::nullopt);
  for (const std::string& path :
       {official, (folder_ / "own.molrt").string(), test::golden_path("tools_0_1_6_standard")}) {
    EXPECT_EQ(open(path, options).dictionary().symbols()[4], "N");
    EXPECT_TRUE(told(MOLRT_LOG_WARNING, "line 5: \"N\" instead of \"C\"")) << told_;
  }
}

TEST_F(OtherDictionary, OfAnotherSizeIsRefusedNamingBoth) {
  OpenOptions options;
  options.dictionary_path = write("short.txt", true);
  const std::string weights = copy("molecule_linear.pth", "hashed.pt");
  EXPECT_ERROR(open(weights, options), MOLRT_ERROR_FORMAT, "short.txt: the dictionary has 30");
  EXPECT_ERROR(open(weights, options), MOLRT_ERROR_FORMAT,
               "'embed_tokens.weight' of " + weights + " has 31");
}

TEST_F(OtherDictionary, ThatLiesBesideIsTold) {
  const std::string weights = copy("molecule_pooler.pth", "mine.pth");
  open(weights);
  EXPECT_EQ(told_.find("2: "), std::string::npos) << told_;
  write("dict.txt");
  EXPECT_EQ(open(weights).dictionary().symbols()[4], "C");
  EXPECT_TRUE(told(MOLRT_LOG_WARNING, "dict.txt beside it is not the dictionary")) << told_;
  open(copy("molecule_linear.pth", "hashed.pt"));  // whose own would be mol.dict.txt
  EXPECT_EQ(told_.find("beside it"), std::string::npos) << told_;
  write("mol.dict.txt");
  open(folder_ / "hashed.pt");
  EXPECT_TRUE(told(MOLRT_LOG_WARNING, "mol.dict.txt beside it")) << told_;
}

}  // namespace
}  // namespace molrt
