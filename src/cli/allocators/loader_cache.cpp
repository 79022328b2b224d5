// SPDX-License-Identifier: MIT
#include "cli/allocators/loader_cache.h"

#include <cstdint>
#include <cstring>

namespace tarn::cli {
namespace {

// As glibc's sysdeps/generic/dl-cache.h has it; all offsets are from the header's start. An older format may lie before.
constexpr std::string_view kMagic = "glibc-ld.so.cache1.1";
struct Header {
    char magic[20];
    uint32_t count, text_size;
    uint8_t flags, unused[3];
    uint32_t extensions, more[3];
};
struct Entry {
    int32_t flags;
    uint32_t name, path, os;
    uint64_t hardware;
};
static_assert(sizeof(Header) == 48 && sizeof(Entry) == 24);

std::string text_at(std::string_view bytes, size_t offset) {
    if (offset >= bytes.size()) return "";
    size_t end = bytes.find('\0', offset);
    return end == std::string_view::npos ? "" : std::string(bytes.substr(offset, end - offset));
}

}  // namespace

std::vector<CachedLibrary> cached_libraries(std::string_view bytes) {
    std::vector<CachedLibrary> found;
    size_t start = bytes.find(kMagic);
    if (start == std::string_view::npos || bytes.size() - start < sizeof(Header)) return found;
    bytes.remove_prefix(start);
    Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    for (size_t i = 0; i < header.count; ++i) {
        size_t place = sizeof header + i * sizeof(Entry);
        if (bytes.size() - place < sizeof(Entry) || place > bytes.size()) break;
        Entry entry;
        std::memcpy(&entry, bytes.data() + place, sizeof entry);
        CachedLibrary library{text_at(bytes, entry.name), text_at(bytes, entry.path)};
        if (!library.name.empty() && library.path.compare(0, 1, "/") == 0) found.push_back(library);
    }
    return found;
}

}  // namespace tarn::cli
