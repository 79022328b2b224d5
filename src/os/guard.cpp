// SPDX-License-Identifier: MIT
#include "os/guard.h"

#include <sys/mman.h>

#include <atomic>

#include "os/os.h"
#include "os/syscall.h"

namespace tarn::os {

namespace {

// linux/mman.h from 6.13 on: MADV_GUARD_INSTALL, MADV_GUARD_REMOVE.
constexpr long kInstall = 102, kRemove = 103;
constexpr size_t kMappingsDefault = 65530;  // what the kernel allows unless it is told otherwise

enum class Inside : uint8_t { kNotAsked, kYes, kNo };
constinit std::atomic<Inside> inside{Inside::kNotAsked};
constinit std::atomic<size_t> by_mapping{0}, by_mapping_most{0};
constinit std::atomic<bool> forbidden{false};

bool advise(void* at, size_t bytes, long advice) {
    return !failed(raw_syscall(__NR_madvise, address(at), static_cast<long>(bytes), advice));
}

bool protect(void* at, size_t bytes, long access) {
    return !failed(raw_syscall(__NR_mprotect, address(at), static_cast<long>(bytes), access));
}

bool guard_by_mapping(void* at, size_t bytes) {
    if (by_mapping.fetch_add(1, std::memory_order_relaxed) < guards_by_mapping_most() &&
        protect(at, bytes, PROT_NONE)) {
        advise(at, bytes, MADV_DONTNEED);
        return true;
    }
    by_mapping.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

}  // namespace

bool guards_inside_mappings() {
    if constexpr (kFaults)
        if (forbidden.load(std::memory_order_relaxed)) return false;
    Inside known = inside.load(std::memory_order_relaxed);
    if (known == Inside::kNotAsked) {
        // Of no bytes: nothing is done, and the kernel says whether it knows the advice.
        known = advise(nullptr, 0, kInstall) ? Inside::kYes : Inside::kNo;
        inside.store(known, std::memory_order_relaxed);
    }
    return known == Inside::kYes;
}

bool guard(void* at, size_t bytes) {
    // It refuses locked memory.
    return (guards_inside_mappings() && advise(at, bytes, kInstall)) || guard_by_mapping(at, bytes);
}

bool unguard(void* at, size_t bytes) {
    const bool removed = guards_inside_mappings() && advise(at, bytes, kRemove);
    if (by_mapping.load(std::memory_order_relaxed) == 0) return removed;
    if (removed && may_read(at)) return true;
    if (!protect(at, bytes, PROT_READ | PROT_WRITE)) return false;
    by_mapping.fetch_sub(1, std::memory_order_relaxed);
    return true;
}

size_t guards_by_mapping() {
    return by_mapping.load(std::memory_order_relaxed);
}

size_t guards_by_mapping_most() {
    size_t most = by_mapping_most.load(std::memory_order_relaxed);
    if (most == 0) {
        const size_t mappings = mappings_most();
        most = (mappings ? mappings : kMappingsDefault) / 8;
        by_mapping_most.store(most, std::memory_order_relaxed);
    }
    return most;
}

void allow_guards_inside(bool allowed) {
    forbidden.store(!allowed, std::memory_order_relaxed);
}
void allow_guards_by_mapping(size_t most) {
    by_mapping_most.store(most, std::memory_order_relaxed);
}

}  // namespace tarn::os
