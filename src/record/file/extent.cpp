// SPDX-License-Identifier: MIT
#include "record/file/extent.h"

#include "os/os.h"
#include "os/shared_file.h"
#include "record/file/file.h"

namespace tarn::record {

constinit NoMemory no_memory = nullptr;

namespace {

constexpr size_t kStep = size_t{8} << 10;
constexpr size_t kLargeFrom = size_t{256} << 10;
constexpr size_t kLargeStep = size_t{64} << 10;

}  // namespace

bool Extent::grow(size_t bytes) {
    if (bytes > bytes_) return false;
    const size_t page = os::page_size();
    size_t wanted = rounded_up(bytes, bytes > kLargeFrom ? kLargeStep : kStep);
    wanted = rounded_up(wanted, page);
    if (wanted > bytes_) wanted = bytes_;
    const size_t ready = ready_.load(std::memory_order_relaxed);
    if (wanted <= ready) return true;
    char* const at = begin_ + ready;
    if (!os::set_access(at, wanted - ready, os::Access::kWrite))
        return no_memory("its pages cannot be made writable"), false;
    os::Populated populated = os::populate(at, wanted - ready);
    if (populated == os::Populated::kUnknown)
        populated =
            allocate_part(offset_ + ready, wanted - ready) ? os::Populated::kYes : os::Populated::kNoMemory;
    if (populated != os::Populated::kYes) return no_memory("its file system is full"), false;
    size_t before = ready;
    while (before < wanted && !ready_.compare_exchange_weak(before, wanted, std::memory_order_release)) {
    }
    return true;
}

}  // namespace tarn::record
