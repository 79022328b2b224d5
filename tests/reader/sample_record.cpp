// SPDX-License-Identifier: MIT
#include "sample_record.h"

#include <elf.h>
#include <link.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

namespace {

struct Part {
    uint32_t kind, entry_size;
    uint64_t capacity;
};
constexpr Part kParts[] = {
    {TARN_RECORD_WHO, sizeof(tarn_record_who), 1},
    {TARN_RECORD_MODULES, sizeof(tarn_record_module), 64},
    {TARN_RECORD_SNAPSHOT, sizeof(tarn_record_snapshot), 2},
    {TARN_RECORD_TIMELINE, sizeof(tarn_record_timeline), 2},
    {TARN_RECORD_EVENTS, sizeof(tarn_record_event), 16},
    {TARN_RECORD_STACKS, sizeof(tarn_record_stack), 64},
    {TARN_RECORD_FRAMES, sizeof(uint64_t), 2048},
    {TARN_RECORD_SAMPLES, sizeof(tarn_record_sample), 64},
    {TARN_RECORD_NAMES, 1, 4096},
};

uint64_t start_ticks(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    std::istringstream words(text.substr(text.rfind(')') + 1));
    std::string word;
    for (int field = 3; field <= 22; ++field)
        words >> word;
    return std::stoull(word);
}

template <size_t N>
void set(char (&to)[N], const std::string& text) {
    std::memcpy(to, text.data(), std::min(text.size(), N - 1));
}

// The build id among an object's notes.
std::pair<const unsigned char*, size_t> build_id(const dl_phdr_info* object) {
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr)& header = object->dlpi_phdr[i];
        if (header.p_type != PT_NOTE) continue;
        const char* note = reinterpret_cast<const char*>(object->dlpi_addr + header.p_vaddr);
        const char* end = note + header.p_memsz;
        while (note + sizeof(ElfW(Nhdr)) <= end) {
            const auto* head = reinterpret_cast<const ElfW(Nhdr)*>(note);
            const char* name = note + sizeof *head;
            const char* text = name + (head->n_namesz + 3) / 4 * 4;
            if (head->n_type == NT_GNU_BUILD_ID && std::memcmp(name, "GNU", 4) == 0)
                return {reinterpret_cast<const unsigned char*>(text), head->n_descsz};
            note = text + (head->n_descsz + 3) / 4 * 4;
        }
    }
    return {nullptr, 0};
}

int add_object(dl_phdr_info* object, size_t, void* context) {
    auto* sample = static_cast<SampleRecord*>(context);
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr)& header = object->dlpi_phdr[i];
        if (header.p_type != PT_LOAD || !(header.p_flags & PF_X)) continue;
        uint64_t begin = object->dlpi_addr + header.p_vaddr;
        std::string path = object->dlpi_name;
        if (path == "linux-vdso.so.1") path = "[vdso]";
        uint64_t number = sample->add_module(path, begin, begin + header.p_memsz, object->dlpi_addr);
        auto& module = sample->entry<tarn_record_module>(TARN_RECORD_MODULES, number);
        module.file_offset = header.p_offset;
        auto [id, size] = build_id(object);
        module.build_id_size = static_cast<uint32_t>(std::min(size, sizeof module.build_id));
        if (id) std::memcpy(module.build_id, id, module.build_id_size);
    }
    return 0;
}

}  // namespace

uint64_t monotonic_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

SampleRecord::SampleRecord(uint64_t times) {
    uint64_t size = 4096;
    auto capacity = [times](const Part& part) {
        return part.kind >= TARN_RECORD_STACKS ? part.capacity * times : part.capacity;
    };
    for (const Part& part : kParts)
        size += (capacity(part) * part.entry_size + 63) / 64 * 64;
    bytes_.resize(size);
    tarn_record_header& head = header();
    head.magic = TARN_RECORD_MAGIC;
    head.version = TARN_RECORD_VERSION;
    head.header_size = sizeof head;
    head.file_size = size;
    head.stats_version = TARN_STATS_VERSION;
    head.state = TARN_RECORD_RUNNING;
    head.started_ns = monotonic_ns() - 1'000'000'000;
    head.started_realtime_ns = static_cast<uint64_t>(time(nullptr)) * 1'000'000'000;
    head.sample_interval = 4096;
    uint64_t offset = 4096;
    for (size_t i = 0; i < std::size(kParts); ++i) {
        head.sections[i] = {kParts[i].kind, kParts[i].entry_size, offset, capacity(kParts[i]), 0, 0};
        offset += (capacity(kParts[i]) * kParts[i].entry_size + 63) / 64 * 64;
    }
    set_process(getpid());
    who().uid = getuid();
    set(who().program, "sample");
    char path[512] = {};
    if (readlink("/proc/self/exe", path, sizeof path - 1) > 0) set(who().executable, path);
    set(who().tarn_version, "0.0.1");
    set(who().backend, "map");
    std::memcpy(who().arguments, "sample\0--size\0 5", 17);
    std::memcpy(who().options, "TARN_PROFILE=4096\0", 18);
}

void SampleRecord::set_process(int pid) {
    who().pid = static_cast<uint32_t>(pid);
    who().start_ticks = start_ticks(pid);
}

tarn_record_section& SampleRecord::section(uint32_t kind) {
    for (tarn_record_section& section : header().sections)
        if (section.kind == kind) return section;
    std::abort();
}

uint64_t SampleRecord::add_module(const std::string& path, uint64_t begin, uint64_t end, uint64_t bias) {
    uint64_t number = section(TARN_RECORD_MODULES).count++;
    auto& module = entry<tarn_record_module>(TARN_RECORD_MODULES, number);
    module.begin = begin;
    module.end = end;
    module.load_bias = bias;
    module.loaded_ns = header().started_ns;
    set(module.path, path);
    return number;
}

uint64_t SampleRecord::add_stack(const std::vector<uint64_t>& frames, uint64_t objects, uint64_t bytes) {
    uint64_t number = section(TARN_RECORD_STACKS).count++;
    auto& stack = entry<tarn_record_stack>(TARN_RECORD_STACKS, number);
    stack.first_frame = section(TARN_RECORD_FRAMES).count;
    stack.depth = static_cast<uint32_t>(frames.size());
    stack.first_seen_ns = header().started_ns;
    stack.last_seen_ns = header().started_ns + 1000;
    stack.samples = objects;
    stack.allocated_objects_1024 = 2 * objects * 1024;
    stack.allocated_bytes = 2 * bytes;
    stack.live_objects_1024 = objects * 1024;
    stack.live_bytes = bytes;
    for (uint64_t frame : frames)
        entry<uint64_t>(TARN_RECORD_FRAMES, section(TARN_RECORD_FRAMES).count++) = frame;
    return number;
}

uint64_t SampleRecord::add_sample(uint32_t stack, uint64_t address, uint64_t size) {
    uint64_t number = section(TARN_RECORD_SAMPLES).count++;
    auto& sample = entry<tarn_record_sample>(TARN_RECORD_SAMPLES, number);
    sample = {2, address, size, 1024, size, header().started_ns, stack, 1, 0};
    return number;
}

uint64_t SampleRecord::add_event(uint32_t kind, const std::string& text, uint64_t a) {
    tarn_record_section& ring = section(TARN_RECORD_EVENTS);
    uint64_t number = ring.count++;
    auto& event = entry<tarn_record_event>(TARN_RECORD_EVENTS, number % ring.capacity);
    event = {};
    event.sequence = 2 * number + 2;
    event.time_ns = header().started_ns + number * 1'000'000;
    event.kind = kind;
    event.a = a;
    set(event.text, text);
    return number;
}

uint64_t SampleRecord::add_name(const std::string& text) {
    uint64_t place = section(TARN_RECORD_NAMES).count;
    auto length = static_cast<uint16_t>(text.size());
    if (place + sizeof length + text.size() > section(TARN_RECORD_NAMES).capacity) std::abort();
    char* to = &entry<char>(TARN_RECORD_NAMES, place);
    std::memcpy(to, &length, sizeof length);
    std::memcpy(to + sizeof length, text.data(), text.size());
    section(TARN_RECORD_NAMES).count += sizeof length + text.size();
    return place;
}

void SampleRecord::add_point(uint64_t time_ns, uint64_t objects, uint64_t kept, uint64_t resident) {
    auto& timeline = entry<tarn_record_timeline>(TARN_RECORD_TIMELINE, timeline_copy_);
    timeline.sequence = std::max<uint64_t>(timeline.sequence, 2);
    timeline.step_ns = 1'000'000;
    timeline.points[timeline.count++] = {time_ns, objects / 4, objects - objects / 4,
                                         kept,    resident,    objects};
}

void SampleRecord::set_snapshot(uint64_t number, const tarn_stats& stats) {
    auto& snapshot = entry<tarn_record_snapshot>(TARN_RECORD_SNAPSHOT, number % 2);
    snapshot.sequence = 2 * number;
    snapshot.time_ns = header().started_ns + number * 1'000'000;
    snapshot.number = number;
    snapshot.stats = stats;
}

void SampleRecord::add_own_modules() {
    dl_iterate_phdr(add_object, this);
}

void SampleRecord::write(const std::string& path) const {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
    file.close();
    if (!file) std::abort();
}
