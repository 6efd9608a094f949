#pragma once
// NumPy's .npz archives (np.savez, np.savez_compressed), read from front to back: what is in memory
// does not grow with the archive.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace molrt {

class NpzArray {
 public:
  // IO or FORMAT errors name the archive and the array.
  NpzArray(const std::string& path, const std::string& name);
  ~NpzArray();
  NpzArray(NpzArray&&) noexcept;

  const std::vector<int64_t>& shape() const;
  bool is_text() const;  // of dtype U or S
  // The next numbers of any dtype (bool, u1 to i8, f2 to f8), FORMAT error if there are fewer.
  void read(size_t count, std::vector<float>& numbers);
  std::string read_text();  // the next one
  void close();             // after the last: FORMAT error if the archive's checksum is another

 private:
  struct File;
  std::unique_ptr<File> file_;
};

// The arrays' names; IO or FORMAT errors name the archive.
std::vector<std::string> npz_names(const std::string& path);

}  // namespace molrt
