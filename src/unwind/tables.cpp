// SPDX-License-Identifier: MIT
#include "unwind/tables.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>

#include "unwind/cursor.h"

// glibc 2.35 and on.
extern "C" [[gnu::weak]] int _dl_find_object(void*, struct dl_find_object*) noexcept;

namespace tarn::unwind {

namespace {

constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;

uint64_t mixed_with(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * kMultiplier;
    return hash ^ hash >> 29;
}

constexpr uintptr_t kHeaderBytes = 12;  // of .eh_frame_hdr, as every linker writes it
constexpr uintptr_t kEntryBytes = 8;    // of its table
constexpr uint8_t kAsWritten[] = {1, 0x1b, 0x03, 0x3b};

struct Header {
    uint8_t encodings[4];  // version; of the pointer, the count, the table
    int32_t frames;        // where .eh_frame begins, from here
    uint32_t count;
};
static_assert(sizeof(Header) == kHeaderBytes);

struct Entry {
    int32_t function, description;  // from the header's begin
};
static_assert(sizeof(Entry) == kEntryBytes);

bool read_header(uintptr_t at, Memory& memory, Header& header) {
    return memory.read(at, header) && memcmp(header.encodings, kAsWritten, sizeof kAsWritten) == 0;
}

uintptr_t from(uintptr_t base, int32_t distance) {
    return base + static_cast<uintptr_t>(static_cast<intptr_t>(distance));
}

}  // namespace

namespace {

// Of the program and the libraries that it was started with, by address.
constexpr size_t kStayMost = 192;
struct {
    Object list[kStayMost];
    size_t count;
} stay;

int note_object(struct dl_phdr_info* info, size_t, void*) {
    if (stay.count == kStayMost) return 1;
    Object object{.begin = UINTPTR_MAX, .stays = true};
    for (size_t i = 0; i < info->dlpi_phnum; ++i) {
        const auto& part = info->dlpi_phdr[i];
        const uintptr_t begin = info->dlpi_addr + part.p_vaddr;
        if (part.p_type == PT_LOAD) {
            object.begin = std::min(object.begin, begin);
            object.end = std::max(object.end, begin + part.p_memsz);
        } else if (part.p_type == PT_GNU_EH_FRAME) {
            object.header = begin;
        }
    }
    if (object.end == 0) return 0;
    size_t at = stay.count++;
    for (; at > 0 && stay.list[at - 1].begin > object.begin; --at)
        stay.list[at] = stay.list[at - 1];
    stay.list[at] = object;
    return 0;
}

const Object* staying_object_at(uintptr_t pc) {
    size_t low = 0, high = stay.count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (stay.list[middle].begin <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && stay.list[low - 1].has(pc) ? &stay.list[low - 1] : nullptr;
}

}  // namespace

void note_objects() {
    if (stay.count == 0) dl_iterate_phdr(note_object, nullptr);
}

Object object_at(uintptr_t pc) {
    if (const Object* const staying = staying_object_at(pc)) return *staying;
    struct dl_find_object found {};
    if (!_dl_find_object || _dl_find_object(reinterpret_cast<void*>(pc), &found) != 0) return {};
    return {.begin = reinterpret_cast<uintptr_t>(found.dlfo_map_start),
            .end = reinterpret_cast<uintptr_t>(found.dlfo_map_end),
            .header = reinterpret_cast<uintptr_t>(found.dlfo_eh_frame),
            .link = found.dlfo_link_map};
}

uint64_t signature_of(const Object& object, Memory& memory) {
    constexpr size_t kWords = 16;  // the header, and where its first functions are
    uint64_t hash = mixed_with(mixed_with(0, object.begin), object.end - object.begin);
    hash = mixed_with(mixed_with(hash, object.header), reinterpret_cast<uintptr_t>(object.link));
    uint64_t words[kWords];
    if (object.header && !object.stays && memory.read(object.header, words))
        for (const uint64_t word : words)
            hash = mixed_with(hash, word);
    return hash;
}

namespace {

// Where the table says that the function which may have pc is described; 0: it does not.
uintptr_t description_of(uintptr_t pc, const Object& object, Memory& memory) {
    Header header;
    if (!object.header || !read_header(object.header, memory, header) || header.count == 0) return 0;
    const uintptr_t table = object.header + kHeaderBytes;
    uintptr_t low = 0, high = header.count;
    Entry entry{};
    while (high - low > 1) {
        const uintptr_t middle = low + (high - low) / 2;
        if (!memory.read(table + middle * kEntryBytes, entry)) return 0;
        (from(object.header, entry.function) <= pc ? low : high) = middle;
    }
    if (!memory.read(table + low * kEntryBytes, entry) || from(object.header, entry.function) > pc) return 0;
    return from(object.header, entry.description);
}

// In a static program the tables lie outside of what the dynamic linker says of it; so the end of an object bounds nothing.
constexpr uint64_t kPartMost = uint64_t{1} << 24;

// An entry of .eh_frame: where it ends, and a cursor behind its length. `end` 0: there is none.
struct Part {
    Cursor cursor;
    uintptr_t end;
};
Part part_at(uintptr_t at, Memory& memory) {
    Cursor cursor(memory, at, at + kPartMost);
    uint64_t length = cursor.take<uint32_t>();
    if (length == 0xffffffff) length = cursor.take<uint64_t>();
    const uintptr_t begin = cursor.at();
    if (cursor.bad() || length == 0 || length > kPartMost) return {cursor, 0};
    return {Cursor(memory, begin, begin + length), begin + length};
}

// What all functions of a kind have in common.
bool read_common(uintptr_t at, Memory& memory, Function& function, bool& augmented) {
    Part part = part_at(at, memory);
    Cursor& cursor = part.cursor;
    if (part.end == 0 || cursor.take<uint32_t>() != 0) return false;
    const uint8_t version = cursor.take<uint8_t>();
    if (version != 1 && version != 3) return false;
    char letters[8];
    size_t count = 0;
    for (char letter; (letter = cursor.take<char>()) != 0;) {
        if (count == sizeof letters) return false;
        letters[count++] = letter;
    }
    function.code_factor = cursor.take_unsigned();
    function.data_factor = cursor.take_signed();
    function.return_column = version == 1 ? cursor.take<uint8_t>() : cursor.take_unsigned();
    augmented = count > 0 && letters[0] == 'z';
    if (count > 0 && !augmented) return false;
    const uintptr_t behind = augmented ? cursor.take_unsigned() + cursor.at() : cursor.at();
    for (size_t i = 1; i < count; ++i) {
        switch (letters[i]) {
            case 'R':
                function.pointer_encoding = cursor.take<uint8_t>();
                break;
            case 'P': {
                const uint8_t encoding = cursor.take<uint8_t>();
                (void)cursor.take_pointer(encoding & 0x7f, 0);
                break;
            }
            case 'L':
                (void)cursor.take<uint8_t>();
                break;
            case 'S':
                function.signal_frame = true;
                break;
            case 'B':  // return addresses are signed with another key
                break;
            default:
                return false;
        }
    }
    if (augmented) cursor.go_to(behind);
    function.common = cursor.at();
    function.common_end = part.end;
    return !cursor.bad();
}

}  // namespace

Function function_at(uintptr_t pc, const Object& object, Memory& memory) {
    const uintptr_t at = description_of(pc, object, memory);
    if (at == 0) return {};
    Part part = part_at(at, memory);
    Cursor& cursor = part.cursor;
    if (part.end == 0) return {};
    const uintptr_t place = cursor.at();
    const uint32_t distance = cursor.take<uint32_t>();
    if (cursor.bad() || distance == 0 || distance > place) return {};
    Function function;
    bool augmented = false;
    if (!read_common(place - distance, memory, function, augmented)) return {};
    const uintptr_t begin = cursor.take_pointer(function.pointer_encoding, 0);
    const uintptr_t size = cursor.take_pointer(function.pointer_encoding & 0x0f, 0);
    if (augmented) {
        const uint64_t more = cursor.take_unsigned();
        cursor.skip(more);
    }
    if (cursor.bad() || pc < begin || pc - begin >= size) return {};
    function.begin = begin;
    function.end = begin + size;
    function.own = cursor.at();
    function.own_end = part.end;
    return function;
}

}  // namespace tarn::unwind
