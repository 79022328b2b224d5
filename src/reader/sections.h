// SPDX-License-Identifier: MIT
// Entries of a record's sections, by the three ways in which they are protected while the process writes them.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <vector>

#include "reader/input.h"
#include "tarn/record.h"

namespace tarn::reader {

// A section of which each entry below `count` lies in the file.
struct Section {
    uint64_t offset = 0, entry_size = 0, count = 0;
};

// The first sizeof(Entry) bytes of entries `first` to `first` + `count`.
template <class Entry>
std::vector<Entry> read_entries(const Input& input, const Section& section, uint64_t first, size_t count) {
    std::vector<Entry> entries(count);
    uint64_t offset = section.offset + first * section.entry_size;
    if (section.entry_size == sizeof(Entry)) {
        input.read(offset, entries.data(), count * sizeof(Entry));
    } else {
        for (size_t i = 0; i < count; ++i)
            input.read(offset + i * section.entry_size, &entries[i], sizeof(Entry));
    }
    return entries;
}

// Entries with a sequence of their own: those that were complete. What is read is read three times: what the second
// time gave was written between the first and the third, if all have the same even sequence.
template <class Entry>
std::vector<Entry> read_sequenced(const Input& input, const Section& section, uint64_t first, size_t count) {
    std::vector<Entry> before = read_entries<Entry>(input, section, first, count);
    std::atomic_thread_fence(std::memory_order_acquire);
    std::vector<Entry> entries = read_entries<Entry>(input, section, first, count);
    std::atomic_thread_fence(std::memory_order_acquire);
    std::vector<Entry> after = read_entries<Entry>(input, section, first, count);
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
        uint64_t sequence = entries[i].sequence;
        if (sequence != 0 && sequence % 2 == 0 && before[i].sequence == sequence &&
            after[i].sequence == sequence)
            entries[kept++] = entries[i];
    }
    entries.resize(kept);
    return entries;
}

// Whether any of the entries was ever begun.
template <class Entry>
bool was_begun(const Input& input, const Section& section) {
    std::vector<Entry> all = read_entries<Entry>(input, section, 0, section.count);
    return std::any_of(all.begin(), all.end(), [](const Entry& entry) { return entry.sequence != 0; });
}

// Of two copies the newer one that is complete. While the process writes one, the other one is; who reads slowly may
// see it write both, and looks again.
template <class Entry>
bool read_copies(const Input& input, const Section& section, Entry* entry) {
    constexpr int kTries = 64;
    for (int i = 0; i < kTries && was_begun<Entry>(input, section); ++i) {
        std::vector<Entry> whole = read_sequenced<Entry>(input, section, 0, section.count);
        auto newest = std::max_element(whole.begin(), whole.end(), [](const Entry& a, const Entry& b) {
            return a.sequence < b.sequence;
        });
        if (newest == whole.end()) continue;
        std::atomic_thread_fence(std::memory_order_acquire);
        // The other one was being written: it may have been newer, and this one older, before that.
        std::vector<Entry> after = read_entries<Entry>(input, section, 0, section.count);
        bool still = std::any_of(after.begin(), after.end(),
                                 [&](const Entry& now) { return now.sequence == newest->sequence; });
        if (whole.size() < section.count && !still) continue;
        *entry = *newest;
        return true;
    }
    return false;
}

}  // namespace tarn::reader
