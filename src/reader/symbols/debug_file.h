// SPDX-License-Identifier: MIT
// DebugFile: what an executable or a library, and the file with its debug information, say of the program's addresses.
// Debug information is looked for where gdb does: in the file, by the build id and the debug link under /usr/lib/debug,
// and, where DEBUGINFOD_URLS is set, from those servers.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tarn::reader {

// One function at an address: a function has several when others were inlined there.
struct Line {
    std::string function;     // as written in the source, "" where it is not known
    std::string symbol;       // as the linker knows it, or the same
    std::string file;         // "" where it is not known
    uint32_t line = 0;        // 0: not known
    uint32_t first_line = 0;  // of the function; 0: not known
    bool operator==(const Line&) const = default;
};

class DebugFile {
  public:
    // `build_id` in bytes; "": any file will do.
    DebugFile(const std::string& path, const std::string& build_id);
    ~DebugFile();
    DebugFile(const DebugFile&) = delete;
    DebugFile& operator=(const DebugFile&) = delete;

    // Why there is nothing to be known; "" where there is.
    const std::string& missing() const { return missing_; }
    // What is at an address of the file (as its section headers count): the innermost function first. Empty where
    // neither debug information nor a symbol covers it.
    std::vector<Line> at(uint64_t address);

  private:
    struct Open;
    std::unique_ptr<Open> open_;
    std::string missing_;
};

}  // namespace tarn::reader
