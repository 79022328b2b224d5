// SPDX-License-Identifier: MIT
#include "reader/live/request.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "reader/input.h"
#include "tarn/record.h"

namespace tarn::reader {
namespace {

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number() const { return number_; }

  private:
    int number_;
};

[[noreturn]] void fail(const std::string& path, const char* why) {
    throw Unreadable(path + ": cannot be asked: " + why);
}

// Sets bits of a word in a file that is mapped, and that may be cut short at any moment: by the kernel, whose own
// read-modify-write gives an error then, where an instruction of ours would end this process.
bool set_bits(uint32_t* word, uint32_t bits) {
    // No more than twelve bits, and nobody is woken.
    uint32_t operation = FUTEX_OP(FUTEX_OP_OR, bits, FUTEX_OP_CMP_EQ, 0);
    return syscall(SYS_futex, word, FUTEX_WAKE_OP, 0, nullptr, word, operation) >= 0;
}

}  // namespace

void ask(const std::string& path, uint32_t bits) {
    constexpr size_t kBytes = 4096;
    static_assert(sizeof(tarn_record_header) <= kBytes);
    Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file.number() < 0) fail(path, std::strerror(errno));
    struct stat status;
    if (fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode)) fail(path, "it is not a file");
    tarn_record_header header = {};
    if (pread(file.number(), &header, sizeof header, 0) != sizeof header ||
        header.magic != TARN_RECORD_MAGIC || header.version != TARN_RECORD_VERSION)
        fail(path, "it is no record, or one of another version");
    if (header.state != TARN_RECORD_RUNNING) fail(path, "its process has ended, or writes nothing any more");
    void* mapped = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
    if (mapped == MAP_FAILED) fail(path, std::strerror(errno));
    // The low half of the word, which is the first: numbers are little-endian.
    auto* word =
        reinterpret_cast<uint32_t*>(static_cast<char*>(mapped) + offsetof(tarn_record_header, requests));
    bool set = set_bits(word, bits);
    int error = errno;
    munmap(mapped, kBytes);
    if (!set) fail(path, std::strerror(error));
}

}  // namespace tarn::reader
