// SPDX-License-Identifier: MIT
#include "cli/doctor/preload.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "cli/allocators/loader_cache.h"
#include "cli/program/judgement.h"

namespace tarn::cli {
namespace {

constexpr size_t kMostText = 1 << 20;

bool is_file(const std::string& path) {
    struct stat status;
    return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

std::vector<std::string> split(const std::string& text, const char* separators) {
    std::vector<std::string> words;
    for (size_t at = 0; (at = text.find_first_not_of(separators, at)) != std::string::npos;) {
        size_t end = std::min(text.find_first_of(separators, at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end;
    }
    return words;
}

std::string in_cache(const std::string& name, const std::string& root) {
    for (const CachedLibrary& one : cached_libraries(text_of(root + "/etc/ld.so.cache")))
        if (one.name == name && is_file(root + one.path)) return root + one.path;
    return "";
}

std::string find_library(const std::string& name, const std::string& library_path, const std::string& root) {
    if (name.find('/') != std::string::npos) {
        std::string file = name[0] == '/' ? root + name : name;
        return is_file(file) ? file : "";
    }
    for (const std::string& folder : split(library_path, ":;"))
        if (is_file(root + folder + "/" + name)) return root + folder + "/" + name;
    if (std::string file = in_cache(name, root); !file.empty()) return file;
    for (const char* folder :
         {"/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/", "/lib/aarch64-linux-gnu/",
          "/usr/lib/aarch64-linux-gnu/", "/lib64/", "/usr/lib64/", "/lib/", "/usr/lib/"})
        if (is_file(root + folder + name)) return root + folder + name;
    return "";
}

}  // namespace

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(kMostText, 0);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return text;
}

std::vector<Preloaded> preloaded(const std::string& value, const std::string& library_path,
                                 const std::string& root) {
    std::vector<Preloaded> found;
    std::vector<std::string> words = split(value, " :");
    for (const std::string& word : split(text_of(root + "/etc/ld.so.preload"), " :\t\n"))
        words.push_back(word);
    for (const std::string& word : words) {
        Preloaded one{word, find_library(word, library_path, root)};
        std::optional<Elf> elf = one.file.empty() ? std::nullopt : read_elf(one.file);
        one.tarn = elf && is_tarn(*elf);
        one.allocator = elf && is_allocator(*elf);
        found.push_back(one);
    }
    return found;
}

}  // namespace tarn::cli
