// SPDX-License-Identifier: MIT
#include "cli/allocators/installed.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "cli/allocators/command.h"
#include "measure/child.h"
#include "measure/tree.h"

namespace tarn::cli {
namespace {

namespace fs = std::filesystem;

// Beginnings of files' names; what follows is a version, or nothing.
constexpr std::pair<const char*, const char*> kKnown[] = {
    {"libmimalloc.so.2", "mimalloc2"},
    {"libmimalloc.so.3", "mimalloc3"},
    {"libmimalloc-secure.so.2", "mimalloc2-secure"},
    {"libmimalloc-secure.so.3", "mimalloc3-secure"},
    {"libjemalloc.so", "jemalloc"},
    {"libtcmalloc.so", "tcmalloc"},
    {"libtcmalloc_minimal.so", "tcmalloc-minimal"},
    {"libtbbmalloc_proxy.so", "tbbmalloc"},
    {"libsnmallocshim.so", "snmalloc"},
    {"libsnmallocshim-checks.so", "snmalloc-checks"},
    {"librpmallocwrap.so", "rpmalloc"},
    {"librpmalloc.so", "rpmalloc"},
    {"libhardened_malloc.so", "hardened_malloc"},
    {"libhardened_malloc-light.so", "hardened_malloc-light"},
    {"libscudo.so", "scudo"},
    {"libclang_rt.scudo_standalone.so", "scudo"},
    {"libclang_rt.scudo_standalone-x86_64.so", "scudo"},
    {"libclang_rt.scudo_standalone-aarch64.so", "scudo"},
};

bool is_version(const std::string& text) {
    return text.empty() || (text[0] == '.' && text.find_first_not_of(".0123456789") == std::string::npos);
}

std::string file_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

bool exists(const std::string& path) {
    return access(path.c_str(), R_OK) == 0;
}

std::string module_of(const std::string& library, const std::string& backend) {
    std::string folder = fs::path(library).parent_path(), file = "libtarn-" + backend + ".so";
    for (const std::string& path : {folder + "/" + file, folder + "/tarn/" + file})
        if (exists(path)) return path;
    return "";
}

Allocator peer(const std::string& word) {
    size_t equals = word.find('=');
    std::string name = word.substr(0, equals);
    if (equals == std::string::npos || name.empty() ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
            std::string::npos)
        throw std::invalid_argument("--peer " + word +
                                    ": write NAME=FILE, the name of letters, digits, '.', '_', '-'");
    std::string file = word.substr(equals + 1);
    if (!exists(file)) throw std::invalid_argument("--peer " + word + ": there is no file " + file);
    if (elf_kind(file) != own_kind())
        throw std::invalid_argument("--peer " + word + ": " + file +
                                    " is no library that this machine can load");
    return {name, {fs::absolute(file)}};
}

void check(const std::vector<Allocator>& found) {
    for (size_t i = 0; i < found.size(); ++i) {
        for (size_t j = 0; j < i; ++j)
            if (found[i].name == found[j].name)
                throw std::invalid_argument("the name " + found[i].name +
                                            " is taken: give --peer another one");
        for (const std::string& library : found[i].libraries)
            if (library.find_first_of(" :\t\n") != std::string::npos)
                throw std::invalid_argument("LD_PRELOAD cannot hold a path with a blank or a colon: " +
                                            library);
    }
}

std::string names_of(const std::vector<Allocator>& found) {
    std::string names;
    for (const Allocator& allocator : found)
        names += (names.empty() ? "" : ", ") + allocator.name;
    return names;
}

}  // namespace

std::string name_of_library(const std::string& file) {
    for (const auto& [start, name] : kKnown)
        if (file.compare(0, std::string(start).size(), start) == 0 &&
            is_version(file.substr(std::string(start).size())))
            return name;
    return "";
}

std::string tarn_library() {
    std::error_code error;
    std::string folder = fs::read_symlink("/proc/self/exe", error).parent_path();
    std::vector<std::string> places = {folder + "/"};
    for (const char* below :
         {"/../lib/", "/../lib64/", "/../lib/x86_64-linux-gnu/", "/../lib/aarch64-linux-gnu/"})
        places.push_back(folder + below);
    for (const std::string& place : places)
        for (const char* file : {"libtarn.so", "libtarn.so.0"})
            if (exists(place + file)) return fs::canonical(place) / file;
    return "";
}

std::vector<Allocator> tarns(const std::string& library) {
    if (library.empty()) return {};
    std::vector<Allocator> found = {{"tarn", {library}}};
    if (!module_of(library, "mimalloc").empty()) found.push_back({"tarn-mimalloc", {library}, "mimalloc"});
    // Its library must be in the process from the start.
    if (std::string module = module_of(library, "jemalloc"); !module.empty())
        found.push_back({"tarn-jemalloc", {library, module}, "jemalloc"});
    found.push_back({"tarn-system", {library}, "system"});
    return found;
}

std::vector<Allocator> others(const std::vector<CachedLibrary>& cached) {
    std::vector<Allocator> found;
    for (const CachedLibrary& library : cached) {
        std::string name = name_of_library(library.name);
        bool is_new =
            std::none_of(found.begin(), found.end(), [&](const Allocator& one) { return one.name == name; });
        if (!name.empty() && is_new && elf_kind(library.path) == own_kind())
            found.push_back({name, {library.path}});
    }
    std::sort(found.begin(), found.end(),
              [](const Allocator& a, const Allocator& b) { return a.name < b.name; });
    return found;
}

std::vector<Allocator> chosen(const Choice& choice) {
    if (!choice.tarn.empty() && elf_kind(choice.tarn) != own_kind())
        throw std::invalid_argument("--tarn " + choice.tarn + ": no library that this machine can load");
    std::vector<Allocator> found = {{kReference}};
    for (const Allocator& one :
         tarns(choice.tarn.empty() ? tarn_library() : std::string(fs::absolute(choice.tarn))))
        found.push_back(one);
    for (const Allocator& one : others(cached_libraries(measure::read_file("/etc/ld.so.cache"))))
        found.push_back(one);
    for (const std::string& word : choice.peers)
        found.push_back(peer(word));
    check(found);
    for (const std::string& name : choice.only)
        if (std::none_of(found.begin(), found.end(), [&](const Allocator& one) { return one.name == name; }))
            throw std::invalid_argument("--only " + name + ": there are " + names_of(found));
    std::erase_if(found, [&](const Allocator& one) {
        return one.name != kReference && !choice.only.empty() &&
               std::find(choice.only.begin(), choice.only.end(), one.name) == choice.only.end();
    });
    return found;
}

std::vector<std::string> environment_of(const Allocator& allocator) {
    std::vector<std::string> environment = measure::own_environment();
    std::string preload;
    for (const std::string& library : allocator.libraries)
        preload += (preload.empty() ? "" : ":") + library;
    std::string own = std::getenv("LD_PRELOAD") ? std::getenv("LD_PRELOAD") : "";
    std::replace(own.begin(), own.end(), ':', ' ');
    std::istringstream words(own);
    for (std::string word; words >> word;)
        if (name_of_library(file_name(word)).empty() && file_name(word).compare(0, 7, "libtarn") != 0)
            preload += (preload.empty() ? "" : ":") + word;
    measure::set_variable(&environment, "LD_PRELOAD", preload.empty() ? nullptr : preload.c_str());
    measure::set_variable(&environment, "TARN_BACKEND",
                          allocator.backend.empty() ? nullptr : allocator.backend.c_str());
    return environment;
}

}  // namespace tarn::cli
