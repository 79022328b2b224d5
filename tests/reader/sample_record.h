// SPDX-License-Identifier: MIT
// A record as tarn would write it, made by a test: in memory first, so that a test can change any byte of it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tarn/record.h"

class SampleRecord {
  public:
    // Complete and empty: of this process, running, started a second ago; with so many times the usual room for profiles.
    explicit SampleRecord(uint64_t times = 1);

    tarn_record_header& header() { return at<tarn_record_header>(0, 0); }
    tarn_record_who& who() { return entry<tarn_record_who>(TARN_RECORD_WHO, 0); }
    tarn_record_section& section(uint32_t kind);
    template <class Entry>
    Entry& entry(uint32_t kind, uint64_t number) {
        return at<Entry>(section(kind).offset, number * section(kind).entry_size);
    }

    void set_process(int pid);
    // Each the number of what was added.
    uint64_t add_module(const std::string& path, uint64_t begin, uint64_t end, uint64_t bias);
    uint64_t add_stack(const std::vector<uint64_t>& frames, uint64_t objects, uint64_t bytes);
    uint64_t add_sample(uint32_t stack, uint64_t address, uint64_t size);
    uint64_t add_event(uint32_t kind, const std::string& text, uint64_t a = 0);  // overwrites in the ring
    uint64_t add_name(const std::string& text);                                  // its place
    void add_point(uint64_t time_ns, uint64_t objects, uint64_t kept, uint64_t resident);
    void set_snapshot(uint64_t number, const tarn_stats& stats);
    // What of this process lies where, as the loader knows it.
    void add_own_modules();

    std::vector<char>& bytes() { return bytes_; }
    void write(const std::string& path) const;

  private:
    template <class T>
    T& at(uint64_t offset, uint64_t further) {
        return *reinterpret_cast<T*>(bytes_.data() + offset + further);
    }

    std::vector<char> bytes_;
    uint64_t timeline_copy_ = 0;
};

uint64_t monotonic_ns();
