// SPDX-License-Identifier: MIT
// What a translator is given and what it gives back. A project is translated in two steps, each over all
// files, which threads take one by one from a counter:
//   1. tokenise and parse each file. Trees live to the end, since a file may use what another one exports.
//      Then, on one thread, what the files export is gathered in one table for the project.
//   2. resolve each file against that table, check its types, emit C, hand it to the sink.
// At the end everything is freed; nothing but memory is kept from one translation to the next.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace translator {

// One file, loaded. kPadding zero bytes that may be read follow it.
inline constexpr size_t kPadding = 64;
class Source {
  public:
    explicit Source(std::string_view text) : bytes_(new char[text.size() + kPadding]()), size_(text.size()) {
        text.copy(bytes_.get(), text.size());
    }
    std::string_view text() const { return {bytes_.get(), size_}; }

  private:
    std::unique_ptr<char[]> bytes_;
    size_t size_;
};

// Where the C goes. Called once per file that has no fault, from any thread; the text is the translator's.
class Sink {
  public:
    virtual ~Sink() = default;
    virtual void file(size_t index, std::string_view text) = 0;
};

// Faults in the order of the files: "FILE:LINE: WHAT", where FILE is the file's index.
using Faults = std::vector<std::string>;

}  // namespace translator

namespace plain {
translator::Faults translate(const std::vector<translator::Source>& sources, unsigned threads,
                             translator::Sink& sink);
}
namespace with_tarn {
translator::Faults translate(const std::vector<translator::Source>& sources, unsigned threads,
                             translator::Sink& sink);
}
