// SPDX-License-Identifier: MIT
#include "cli/program/elf.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace tarn::cli {
namespace {

constexpr uint64_t kMostBytes = 64 << 20;  // of a table
constexpr size_t kMostEntries = 4096;      // of headers

class File {
  public:
    // Not to wait for a pipe's other end.
    explicit File(const std::string& path)
        : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
        struct stat status;
        if (fd_ >= 0 && fstat(fd_, &status) == 0 && S_ISREG(status.st_mode))
            size_ = static_cast<uint64_t>(status.st_size);
    }
    ~File() {
        if (fd_ >= 0) close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    uint64_t size() const { return size_; }
    // "" when not all of it is there.
    std::string read(uint64_t offset, uint64_t bytes) const {
        if (bytes > kMostBytes || offset > size_ || bytes > size_ - offset) return "";
        std::string text(bytes, 0);
        size_t done = 0;
        while (done < bytes) {
            ssize_t got = pread(fd_, &text[done], bytes - done, static_cast<off_t>(offset + done));
            if (got <= 0) return "";
            done += static_cast<size_t>(got);
        }
        return text;
    }
    template <class Entry>
    std::vector<Entry> entries(uint64_t offset, size_t count, size_t each) const {
        std::vector<Entry> found;
        if (count > kMostEntries || each != sizeof(Entry)) return found;
        std::string text = read(offset, count * each);
        found.resize(text.size() / sizeof(Entry));
        if (!found.empty()) std::memcpy(found.data(), text.data(), found.size() * sizeof(Entry));
        return found;
    }

  private:
    int fd_;
    uint64_t size_ = 0;
};

std::string_view word_at(const std::string& strings, uint64_t at) {
    if (at >= strings.size()) return {};
    return {strings.data() + at, strnlen(strings.data() + at, strings.size() - at)};
}

template <class Header, class Segment>
void look_at_segments(const File& file, const std::string& head, Elf* elf) {
    Header header;
    if (head.size() < sizeof header) return;
    std::memcpy(&header, head.data(), sizeof header);
    for (const Segment& segment : file.entries<Segment>(header.e_phoff, header.e_phnum, header.e_phentsize)) {
        if (segment.p_type == PT_INTERP && segment.p_filesz <= 4096)
            elf->loader = word_at(file.read(segment.p_offset, segment.p_filesz), 0);
    }
}

void look_at_symbols(const File& file, const Elf64_Shdr& table, const std::string& strings, Elf* elf) {
    std::string text = file.read(table.sh_offset, table.sh_size);
    for (size_t at = 0; at + sizeof(Elf64_Sym) <= text.size(); at += sizeof(Elf64_Sym)) {
        Elf64_Sym symbol;
        std::memcpy(&symbol, text.data() + at, sizeof symbol);
        std::string_view name = word_at(strings, symbol.st_name);
        if (std::find(std::begin(kNames), std::end(kNames), name) == std::end(kNames)) continue;
        (symbol.st_shndx == SHN_UNDEF ? elf->used : elf->defined).emplace(name);
    }
}

void look_at_libraries(const File& file, const Elf64_Shdr& table, const std::string& strings, Elf* elf) {
    std::string text = file.read(table.sh_offset, table.sh_size);
    for (size_t at = 0; at + sizeof(Elf64_Dyn) <= text.size() && elf->needed.size() < kMostEntries;
         at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn entry;
        std::memcpy(&entry, text.data() + at, sizeof entry);
        if (entry.d_tag == DT_NULL) break;
        if (entry.d_tag == DT_NEEDED) elf->needed.emplace_back(word_at(strings, entry.d_un.d_val));
    }
}

void look_at_sections(const File& file, const std::string& head, Elf* elf) {
    Elf64_Ehdr header;
    std::memcpy(&header, head.data(), sizeof header);
    auto sections = file.entries<Elf64_Shdr>(header.e_shoff, header.e_shnum, header.e_shentsize);
    for (const Elf64_Shdr& section : sections) {
        if (section.sh_type != SHT_DYNSYM && section.sh_type != SHT_DYNAMIC) continue;
        if (section.sh_link >= sections.size()) continue;
        const Elf64_Shdr& linked = sections[section.sh_link];
        std::string strings = file.read(linked.sh_offset, linked.sh_size);
        section.sh_type == SHT_DYNSYM ? look_at_symbols(file, section, strings, elf)
                                      : look_at_libraries(file, section, strings, elf);
    }
}

}  // namespace

bool Elf::needs(std::string_view begin) const {
    return std::any_of(needed.begin(), needed.end(),
                       [&](const std::string& name) { return name.compare(0, begin.size(), begin) == 0; });
}

std::optional<Elf> read_elf(const std::string& path) {
    File file(path);
    std::string head = file.read(0, std::min<uint64_t>(sizeof(Elf64_Ehdr), file.size()));
    if (head.size() < sizeof(Elf32_Ehdr) || std::memcmp(head.data(), ELFMAG, SELFMAG) != 0) return {};
    Elf elf;
    elf.bits = head[EI_CLASS] == ELFCLASS32 ? 32 : 64;
    std::memcpy(&elf.machine, head.data() + offsetof(Elf64_Ehdr, e_machine), sizeof elf.machine);
    if (head[EI_DATA] != ELFDATA2LSB) {
        elf.machine = static_cast<uint16_t>(elf.machine << 8 | elf.machine >> 8);
    } else if (elf.bits == 32) {
        look_at_segments<Elf32_Ehdr, Elf32_Phdr>(file, head, &elf);
    } else if (head.size() == sizeof(Elf64_Ehdr)) {
        look_at_segments<Elf64_Ehdr, Elf64_Phdr>(file, head, &elf);
        look_at_sections(file, head, &elf);
    }
    return elf;
}

bool file_holds(const std::string& path, std::string_view bytes) {
    constexpr uint64_t kMost = uint64_t{1} << 30, kPiece = 1 << 20;
    File file(path);
    if (file.size() > kMost) return false;
    for (uint64_t at = 0; at < file.size(); at += kPiece) {
        uint64_t piece = std::min(file.size() - at, kPiece + bytes.size());
        if (file.read(at, piece).find(bytes) != std::string::npos) return true;
    }
    return false;
}

}  // namespace tarn::cli
