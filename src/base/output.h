// SPDX-License-Identifier: MIT
// Output: writes to a descriptor of the program's, which may be anything: a pipe whose reader is gone or
// asleep, a file at its limit, a full disk. The program gets no signal of it, finds its descriptor's flags
// and its signals' dispositions as they were, and goes on after two seconds in all, even if nobody reads.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn {

class Output {
  public:
    static constexpr uint64_t kPatience = 2000000000;  // nanoseconds

    // kBounded: no write waits longer than the patience. kAsWrite: on a descriptor that blocks they do, as
    // write(2) would; one that does not block is waited for as long as the patience.
    enum class Waits : uint8_t { kBounded, kAsWrite };

    explicit Output(int fd, Waits waits = Waits::kBounded, uint64_t patience = kPatience);
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    // All of it, or false; after that nothing more is tried.
    bool write(const char* text, size_t length);

    bool complete() const { return error_ == 0; }
    int error() const { return error_; }   // that of the kernel; ETIMEDOUT: the patience ran out
    bool begun() const { return begun_; }  // something was written
    uint64_t patience() const;             // what is left of it
    static void sink(void* output, const char* text, size_t length);  // of Text

  private:
    enum class Way : uint8_t { kUnknown, kPlain, kSocket, kReopened, kPieces };

    void choose_way();
    long attempt(const char* text, size_t length);
    bool wait();

    int fd_;
    int reopened_ = -1;
    int error_ = 0;
    bool begun_ = false;
    bool stalled_ = false;  // waited, and still nothing was taken
    Waits waits_;
    Way way_ = Way::kUnknown;
    uint64_t patience_;
    uint64_t until_ = 0;  // on the clock; 0 until the first wait
};

// The reason in words, for those that matter here; NULL for others.
const char* words_for(int error);

}  // namespace tarn
