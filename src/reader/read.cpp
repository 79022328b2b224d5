// SPDX-License-Identifier: MIT
#include <map>
#include <memory>

#include "reader/record.h"
#include "reader/sections.h"
#include "reader/text.h"

namespace tarn::reader {
namespace {

// Most that is read of each, whatever the file says; more than tarn writes.
constexpr uint64_t kModulesMost = 1 << 16, kEventsMost = 1 << 16, kStacksMost = 1 << 20,
                   kFramesMost = 1 << 24;
constexpr uint64_t kSamplesMost = 1 << 20, kNamesMost = 1 << 24, kInterpretersMost = 64;
constexpr uint32_t kDepthMost = 4096;

constexpr size_t kHeaderLeast = offsetof(tarn_record_header, sections);

struct Kind {
    uint32_t kind;
    const char* name;
    size_t entry_size;  // of this format's version; entries are at least so large
    uint64_t most;
};
constexpr Kind kKinds[] = {
    {TARN_RECORD_WHO, "who", offsetof(tarn_record_who, kernel), 1},  // what is behind came later
    {TARN_RECORD_MODULES, "modules", sizeof(tarn_record_module), kModulesMost},
    {TARN_RECORD_SNAPSHOT, "snapshot", sizeof(tarn_record_snapshot), 2},
    {TARN_RECORD_TIMELINE, "time line", sizeof(tarn_record_timeline), 2},
    {TARN_RECORD_EVENTS, "events", sizeof(tarn_record_event), kEventsMost},
    {TARN_RECORD_STACKS, "stacks", sizeof(tarn_record_stack), kStacksMost},
    {TARN_RECORD_FRAMES, "frames", sizeof(uint64_t), kFramesMost},
    {TARN_RECORD_SAMPLES, "samples", sizeof(tarn_record_sample), kSamplesMost},
    {TARN_RECORD_NAMES, "names", 1, kNamesMost},
    {TARN_RECORD_INTERPRETERS, "interpreters", sizeof(tarn_record_interpreter), kInterpretersMost},
};

tarn_record_header read_header(const Input& input) {
    const std::string& path = input.path();
    tarn_record_header header = {};
    size_t got = input.read(0, &header, sizeof header);
    if (got == 0) throw Unreadable(path + ": empty; nothing was written to it");
    if (header.magic == 0 && got >= kHeaderLeast)
        throw Unreadable(path + ": begun and not finished; its process ended in its first moments");
    if (header.magic != TARN_RECORD_MAGIC)
        throw Unreadable(path + ": not a record of tarn's; TARN_RECORD=FILE makes one");
    if (header.version != TARN_RECORD_VERSION)
        throw Unreadable(path + ": format " + std::to_string(header.version) + ", and this command reads " +
                         std::to_string(TARN_RECORD_VERSION) + "; use that of the tarn which wrote it");
    if (got < sizeof header || header.header_size < sizeof header)
        throw Unreadable(path + ": damaged or cut off in its header; nothing in it can be found");
    return header;
}

// What is there of the section of one kind.
Section find_section(const Input& input, const Kind& kind, Record* record) {
    auto note = [&](const std::string& what) {
        record->notes.push_back(std::string(kind.name) + ": " + what);
    };
    const tarn_record_section* found = nullptr;
    for (const tarn_record_section& section : record->header.sections) {
        if (section.kind == 0) break;
        if (section.kind == kind.kind) {
            found = &section;
            break;
        }
    }
    if (!found) return {};
    if (found->entry_size < kind.entry_size || found->offset < kHeaderLeast || found->offset % 8 != 0) {
        note("damaged, left out");
        return {};
    }
    bool by_capacity = kind.kind == TARN_RECORD_WHO || kind.kind == TARN_RECORD_SNAPSHOT ||
                       kind.kind == TARN_RECORD_TIMELINE || kind.kind == TARN_RECORD_EVENTS;
    uint64_t wanted = by_capacity ? found->capacity : found->count;
    // The ring cannot be read without all of it: who wrote number n where follows from its capacity.
    uint64_t count = std::min({wanted, found->capacity, kind.most});
    uint64_t there = found->offset < input.size() ? (input.size() - found->offset) / found->entry_size : 0;
    if (count < wanted && !by_capacity)
        note("it says " + std::to_string(wanted) + ", more than there can be; read " + std::to_string(count));
    if (count > there) {
        note("the file ends after " + std::to_string(there) + " of " + std::to_string(count));
        count = there;
    }
    if (!lies_within(found->offset, count, found->entry_size, input.size())) return {};
    if (found->dropped != 0)
        note("there was no room for " + std::to_string(found->dropped) + ", which are missing");
    return {found->offset, found->entry_size, count};
}

std::vector<std::string> list(const char* text, size_t room) {
    std::vector<std::string> words;
    std::string_view rest(text, room);
    while (!rest.empty() && rest[0] != '\0') {
        std::string_view word = rest.substr(0, rest.find('\0'));
        words.emplace_back(word);
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
    return words;
}

void read_who(const Input& input, const Section& section, Record* record) {
    if (section.count == 0) {
        record->notes.emplace_back("who: missing");
        return;
    }
    tarn_record_who from = read_entries<tarn_record_who>(input, section, 0, 1)[0];
    if (section.entry_size < sizeof from)
        std::memset(reinterpret_cast<char*>(&from) + section.entry_size, 0, sizeof from - section.entry_size);
    auto text = [](const auto& field) { return std::string(until_zero(field, sizeof field)); };
    Who& who = record->who;
    who.pid = from.pid;
    who.uid = from.uid;
    who.parent = from.parent;
    who.start_ticks = from.start_ticks;
    who.forked = from.forked != 0;
    who.program = text(from.program);
    who.executable = text(from.executable);
    who.directory = text(from.directory);
    who.tarn_version = text(from.tarn_version);
    who.backend = text(from.backend);
    who.arguments = list(from.arguments, sizeof from.arguments);
    who.options = list(from.options, sizeof from.options);
    who.machine = {text(from.kernel), from.processors, from.page_size, from.memory, from.memory_limit};
}

void read_modules(const Input& input, const Section& section, Record* record) {
    size_t damaged = 0;
    for (const auto& from : read_entries<tarn_record_module>(input, section, 0, section.count)) {
        if (from.begin >= from.end || from.build_id_size > sizeof from.build_id) {
            ++damaged;
            continue;
        }
        Module module{from.begin,
                      from.end,
                      from.file_offset,
                      from.load_bias,
                      from.loaded_ns,
                      from.unloaded_ns,
                      std::string(reinterpret_cast<const char*>(from.build_id), from.build_id_size),
                      std::string(until_zero(from.path, sizeof from.path))};
        if (module.path.empty()) module.path = record->who.executable;
        record->modules.push_back(std::move(module));
    }
    if (damaged != 0) record->notes.push_back("modules: " + std::to_string(damaged) + " damaged, left out");
}

void read_snapshot(const Input& input, const Section& section, Record* record) {
    if (section.count == 0) return;
    auto snapshot = std::make_unique<tarn_record_snapshot>();
    if (!read_copies(input, section, snapshot.get())) return;
    tarn_stats& stats = snapshot->stats;
    stats.classes = std::min(stats.classes, static_cast<uint32_t>(TARN_SIZE_CLASSES_MAX));
    stats.backend[sizeof stats.backend - 1] = 0;
    record->snapshot_ns = snapshot->time_ns;
    record->snapshot_number = snapshot->number;
    record->stats = stats;
}

// Those in the order of time; the number of others.
size_t take_points(const tarn_record_point* points, size_t count, Record* record) {
    size_t damaged = 0;
    for (size_t i = 0; i < count; ++i) {
        bool sound = record->points.empty() || points[i].time_ns >= record->points.back().time_ns;
        if (sound) record->points.push_back(points[i]);
        damaged += !sound;
    }
    return damaged;
}

void read_timeline(const Input& input, const Section& section, Record* record) {
    if (section.count == 0) return;
    auto timeline = std::make_unique<tarn_record_timeline>();
    if (!read_copies(input, section, timeline.get())) return;
    record->step_ns = timeline->step_ns;
    size_t count = std::min<uint64_t>(timeline->count, TARN_RECORD_POINTS);
    size_t damaged = take_points(timeline->points, count, record);
    if (timeline->count > count || damaged != 0)
        record->notes.push_back("time line: damaged; " + std::to_string(damaged) + " points left out");
}

// What stands before the points.
struct TimelineHead {
    uint64_t sequence, step_ns, count;
};
static_assert(offsetof(tarn_record_timeline, count) == offsetof(TimelineHead, count));

// The last points. They are appended to the newer copy, and never change as long as its sequence does not.
void read_last_points(const Input& input, const Section& section, size_t most, Record* record) {
    constexpr int kTries = 8;
    for (int i = 0; i < kTries && section.count != 0; ++i) {
        TimelineHead newest = {};
        if (!read_copies(input, section, &newest)) return;
        std::vector<TimelineHead> heads = read_entries<TimelineHead>(input, section, 0, section.count);
        auto is_newest = [&](const TimelineHead& head) { return head.sequence == newest.sequence; };
        auto copy = std::find_if(heads.begin(), heads.end(), is_newest);
        if (copy == heads.end()) continue;
        size_t count = std::min<uint64_t>(newest.count, TARN_RECORD_POINTS), wanted = std::min(count, most);
        uint64_t begin = section.offset + static_cast<uint64_t>(copy - heads.begin()) * section.entry_size;
        std::vector<tarn_record_point> points(wanted);
        input.read(begin + offsetof(tarn_record_timeline, points) + (count - wanted) * sizeof points[0],
                   points.data(), wanted * sizeof points[0]);
        std::atomic_thread_fence(std::memory_order_acquire);
        heads = read_entries<TimelineHead>(input, section, 0, section.count);
        if (std::none_of(heads.begin(), heads.end(), is_newest)) continue;
        record->step_ns = newest.step_ns;
        take_points(points.data(), wanted, record);
        return;
    }
}

void read_events(const Input& input, const Section& section, uint64_t capacity, Record* record) {
    std::map<uint64_t, Event> events;
    for (auto& from : read_sequenced<tarn_record_event>(input, section, 0, section.count)) {
        Event event{from.sequence / 2 - 1,
                    from.time_ns,
                    from.kind,
                    from.thread,
                    from.a,
                    from.b,
                    {},
                    std::string(until_zero(from.text, sizeof from.text))};
        if (from.stack != 0 && from.stack <= record->stacks.size())
            event.stack = static_cast<uint32_t>(from.stack - 1);
        events.emplace(event.number, std::move(event));
    }
    if (events.empty()) return;
    // A number that the ring has no room for beside the newest one is a forged one.
    uint64_t newest = events.rbegin()->first;
    uint64_t oldest = newest >= capacity ? newest - capacity + 1 : 0;
    for (auto& [number, event] : events)
        if (number >= oldest) record->events.push_back(std::move(event));
    record->events_lost = record->events.front().number;
}

void read_stacks(const Input& input, const Section& stacks, const Section& frames, Record* record) {
    std::vector<uint64_t> all = read_entries<uint64_t>(input, frames, 0, frames.count);
    uint64_t peak_number = record->header.peak_number, copied = 0, without = 0;
    for (const auto& from : read_entries<tarn_record_stack>(input, stacks, 0, stacks.count)) {
        Stack stack;
        stack.cut = from.cut != 0;
        uint32_t depth = std::min(from.depth, kDepthMost);
        bool sound = lies_within(from.first_frame, depth, 1, all.size()) && copied + depth <= kFramesMost;
        if (sound) {
            auto begin = all.begin() + static_cast<ptrdiff_t>(from.first_frame);
            stack.frames.assign(begin, begin + depth);
            copied += depth;
        }
        without += !sound;
        stack.cut |= !sound || depth < from.depth;
        stack.first_seen_ns = from.first_seen_ns;
        stack.last_seen_ns = from.last_seen_ns;
        stack.samples = from.samples;
        stack.allocated = {from.allocated_objects_1024, from.allocated_bytes};
        stack.live = {from.live_objects_1024, from.live_bytes};
        // The header was read first: a peak may have been noted here since then.
        bool noted = from.peak_at >= peak_number && peak_number != 0;
        stack.peak = noted ? Counts{from.peak_objects_1024, from.peak_bytes} : stack.live;
        record->stacks.push_back(std::move(stack));
    }
    if (without != 0)
        record->notes.push_back("stacks: the frames of " + std::to_string(without) + " are missing");
}

void read_samples(const Input& input, const Section& section, Record* record) {
    size_t damaged = 0;
    for (const auto& from : read_sequenced<tarn_record_sample>(input, section, 0, section.count)) {
        if (from.address == 0) continue;
        bool sound = from.stack < record->stacks.size();
        if (sound)
            record->samples.push_back({from.address,
                                       from.size,
                                       {from.objects_1024, from.bytes},
                                       from.time_ns,
                                       from.stack,
                                       from.thread});
        damaged += !sound;
    }
    if (damaged != 0) record->notes.push_back("samples: " + std::to_string(damaged) + " damaged, left out");
}

void read_interpreters(const Input& input, const Section& section, Record* record) {
    for (const auto& from : read_entries<tarn_record_interpreter>(input, section, 0, section.count))
        record->interpreters.push_back({std::string(until_zero(from.name, sizeof from.name)),
                                        std::string(until_zero(from.note, sizeof from.note)),
                                        from.frames != 0});
}

}  // namespace

Record read_record(const std::string& path) {
    return read_record(Input(path));
}

Record read_record(const Input& input) {
    Record record;
    record.header = read_header(input);
    std::map<uint32_t, Section> sections;
    for (const Kind& kind : kKinds)
        sections[kind.kind] = find_section(input, kind, &record);
    read_who(input, sections[TARN_RECORD_WHO], &record);
    read_modules(input, sections[TARN_RECORD_MODULES], &record);
    read_snapshot(input, sections[TARN_RECORD_SNAPSHOT], &record);
    read_timeline(input, sections[TARN_RECORD_TIMELINE], &record);
    const Section& names = sections[TARN_RECORD_NAMES];
    record.names.resize(names.count);
    input.read(names.offset, record.names.data(), names.count);
    read_stacks(input, sections[TARN_RECORD_STACKS], sections[TARN_RECORD_FRAMES], &record);
    read_samples(input, sections[TARN_RECORD_SAMPLES], &record);
    read_interpreters(input, sections[TARN_RECORD_INTERPRETERS], &record);
    const Section& events = sections[TARN_RECORD_EVENTS];
    read_events(input, events, std::max<uint64_t>(events.count, 1), &record);
    return record;
}

Record read_outline(const Input& input, size_t points) {
    Record record;
    record.header = read_header(input);
    std::map<uint32_t, Section> sections;
    for (const Kind& kind : kKinds)
        if (kind.kind == TARN_RECORD_WHO || kind.kind == TARN_RECORD_SNAPSHOT ||
            kind.kind == TARN_RECORD_TIMELINE)
            sections[kind.kind] = find_section(input, kind, &record);
    read_who(input, sections[TARN_RECORD_WHO], &record);
    read_snapshot(input, sections[TARN_RECORD_SNAPSHOT], &record);
    if (points != 0) read_last_points(input, sections[TARN_RECORD_TIMELINE], points, &record);
    return record;
}

uint64_t Record::last_ns() const {
    uint64_t last = std::max({header.started_ns, header.ended_ns, snapshot_ns});
    if (!points.empty()) last = std::max(last, points.back().time_ns);
    for (const Event& event : events)
        last = std::max(last, event.time_ns);
    for (const Stack& stack : stacks)
        last = std::max(last, stack.last_seen_ns);
    return last;
}

uint64_t Record::interval() const {
    uint64_t interval = header.sample_interval;
    for (const Event& event : events)
        if (header.sample_interval == 0 && event.kind == TARN_RECORD_EVENT_SAMPLING && event.a != 0)
            interval = event.a;
    return interval;
}

Named named_frame(const Record& record, uint64_t frame) {
    Named named;
    size_t place = frame & 0xffffffff;
    named.line = static_cast<uint32_t>(frame >> 32) & (is_script(frame) ? 0x1fffffff : 0x3fffffff);
    uint16_t length = 0;
    if (!lies_within(place, sizeof length, 1, record.names.size())) return named;
    std::memcpy(&length, record.names.data() + place, sizeof length);
    if (!lies_within(place + sizeof length, length, 1, record.names.size())) return named;
    std::string text = record.names.substr(place + sizeof length, length);
    size_t tab = text.find('\t');
    named.name = text.substr(0, tab);
    if (tab != std::string::npos) named.file = text.substr(tab + 1);
    return named;
}

}  // namespace tarn::reader
