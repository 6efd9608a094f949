#include "cli/input_file.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"
#include "cli/signals.h"
#include "io/csv.h"
#include "io/sdf.h"
#include "io/smi.h"

namespace molrt::cli {
namespace {

namespace fs = std::filesystem;

std::string format_by_name(const std::string& path) {
  fs::path name = lower(path);
  if (name.extension() == ".gz") name = name.stem();
  const auto extension = name.extension();
  if (extension == ".smi" || extension == ".smiles") return "smi";
  if (extension == ".sdf" || extension == ".sd" || extension == ".mol") return "sdf";
  if (extension == ".tsv" || extension == ".tab") return "tsv";
  return "";
}

char delimiter_code(const InputOptions& options, const std::string& format) {
  if (options.delimiter == "comma") return ',';
  if (options.delimiter == "semicolon") return ';';
  if (options.delimiter == "tab" || format == "tsv") return '\t';
  return 0;
}

ByteStreamPtr text_of(ByteStreamPtr bytes, const InputOptions& options) {
  return decode_text(unpack_gzip(std::move(bytes)), options.encoding);
}

std::shared_ptr<SpoolFile> spool_all(ByteStream& bytes) {
  auto spool = std::make_shared<SpoolFile>();
  std::array<char, 1 << 16> block;
  while (const size_t got = bytes.read(block.data(), block.size())) {
    check_signals();
    spool->write(block.data(), got);
  }
  spool->flush();
  return spool;
}

// A CSV table has one word in the fourth line that no header has.
bool starts_as_sdf(PeekStream& text) {
  constexpr size_t counts_line = 4, most = 1 << 16;
  return looks_like_sdf(text.peek_lines(counts_line, most));
}

class Finder {
 public:
  explicit Finder(const InputOptions& options) : options_(options) {}

  InputFile find() {
    std::error_code ignored;
    file_.can_reopen = options_.path != "-" && fs::is_regular_file(options_.path, ignored);
    auto text = std::make_shared<std::unique_ptr<PeekStream>>(
        std::make_unique<PeekStream>(text_of(open_bytes(options_.path), options_)));
    format_ = options_.format == "auto" ? format_by_name(options_.path) : options_.format;
    if (format_.empty()) format_ = starts_as_sdf(**text) ? "sdf" : "csv";
    check_options();
    if (format_ == "sdf") return sdf(std::move(*text));
    file_.open = [this_ = *this, text] {
      return this_.reader(*text ? ByteStreamPtr(std::move(*text)) : this_.reopened());
    };
    return file_;
  }

 private:
  void check_options() const {
    const bool table = format_ == "csv" || format_ == "tsv";
    if (!table && options_.delimiter != "auto") {
      fail(MOLRT_ERROR_INVALID_ARGUMENT, "--delimiter {}: {} is read as {}, which has none",
           options_.delimiter, options_.path, format_);
    }
    if (format_ == "sdf" && !options_.smiles.empty()) {
      fail(MOLRT_ERROR_INVALID_ARGUMENT,
           "--smiles {}: {} is read as SDF, whose molecules are in its MOL blocks", options_.smiles,
           options_.path);
    }
  }

  InputFile sdf(ByteStreamPtr text) {
    file_.is_sdf = true;
    const auto name = text->name();
    std::function<ByteStreamPtr()> again = [this_ = *this] { return this_.reopened(); };
    if (!file_.can_reopen) {
      const auto spool = spool_all(*text);
      again = [spool, name] { return spooled_bytes(spool, name); };
      text = again();
    }
    SdfScanner scanner(std::move(text));
    uint64_t records = 0;
    for (; scanner.next(); ++records) check_signals();
    file_.rows = records;
    file_.open = [again, properties = scanner.properties()] {
      return std::make_unique<SdfReader>(again(), properties);
    };
    return file_;
  }

  ByteStreamPtr reopened() const { return text_of(open_bytes(options_.path), options_); }

  std::unique_ptr<RecordReader> reader(ByteStreamPtr text) const {
    if (format_ == "smi") return std::make_unique<SmiReader>(std::move(text));
    return std::make_unique<CsvReader>(std::move(text), delimiter_code(options_, format_));
  }

  InputOptions options_;
  std::string format_;
  InputFile file_;
};

}  // namespace

InputFile find_input(const InputOptions& options) { return Finder(options).find(); }

}  // namespace molrt::cli
