// SPDX-License-Identifier: MIT
// The loader's part in libtarn.so: modules and plugins by dlopen. Called by one thread, once.
#include <dlfcn.h>

#include <cstring>

#include "backend/modules/loader.h"
#include "base/message.h"
#include "base/options.h"

namespace tarn {

namespace {

constexpr size_t kPathMost = 1024;
constexpr char kInstead[] = "; map serves";

struct Path {
    char text[kPathMost] = {};
    size_t length = 0;
    bool whole = true;  // false: it did not fit

    Path& add(const char* piece, size_t size) {
        whole = whole && length + size < kPathMost;
        if (!whole) return *this;
        memcpy(text + length, piece, size);
        text[length += size] = 0;
        return *this;
    }
    Path& add(const char* piece) { return add(piece, strlen(piece)); }
};

const char* own_file() {
    Dl_info info;
    return dladdr(reinterpret_cast<void*>(&own_file), &info) && info.dli_fname ? info.dli_fname
                                                                               : "libtarn.so";
}

size_t directory_length(const char* file) {
    const char* slash = strrchr(file, '/');
    return slash ? static_cast<size_t>(slash - file) + 1 : 0;
}

// The places that a module may be in. Beside libtarn.so comes first, by $ORIGIN: right even after a change of
// directory; then where an installation has it, by $ORIGIN too, so that it may be moved. Where another library stands before
// dlopen, $ORIGIN is that one's: so both once more by the name that libtarn.so was loaded by.
enum class Place { kBeside, kBelow, kBesideName, kBelowName, kInstalled, kSearched, kCount };

Path module_path(Place place, const char* name) {
    Path path;
    if (place == Place::kBeside) path.add("$ORIGIN/");
    if (place == Place::kBelow) path.add("$ORIGIN/tarn/");
    if (place == Place::kBesideName || place == Place::kBelowName)
        path.add(own_file(), directory_length(own_file()));
    if (place == Place::kBelowName) path.add("tarn/");
    if (place == Place::kInstalled) path.add(TARN_MODULE_DIR "/");
    return path.add("libtarn-").add(name).add(".so");
}

// The line that says what to preload, for a library that needs its static TLS from the start.
void warn_preload(Place place, const OwnLibrary& library) {
    Path file = module_path(place, library.name);
    if (place == Place::kBeside || place == Place::kBelow) {
        const Path relative = file;
        file = Path{};
        file.add(own_file(), directory_length(own_file())).add(strchr(relative.text, '/') + 1);
    }
    Path both;
    both.add(own_file()).add(" ").add(file.text);
    both.add("\"").add(library.instead);
    warn(library.who, library.name, " needs LD_PRELOAD=\"", both.text);
}

// Did dlopen fail because this very file is not there (and not one that it needs)?
bool is_missing(const char* error, const char* file) {
    const char* colon = strchr(error, ':');
    const size_t length = strlen(file);
    return colon && strstr(colon, "cannot open shared object file") &&
           static_cast<size_t>(colon - error) >= length && memcmp(colon - length, file, length) == 0;
}

void* open_plugin(const char* path) {
    void* handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) warn("backend ", dlerror(), "; map serves");
    return handle;
}

}  // namespace

void* open_own_library(const OwnLibrary& library) {
    const Path file = module_path(Place::kSearched, library.name);
    for (int i = 0; i < static_cast<int>(Place::kCount); ++i) {
        const auto place = static_cast<Place>(i);
        const Path path = module_path(place, library.name);
        if (!path.whole) continue;
        if (void* handle = dlopen(path.text, RTLD_NOW | RTLD_LOCAL)) return handle;
        const char* error = dlerror();
        if (is_missing(error, file.text)) continue;
        if (strstr(error, "static TLS"))
            warn_preload(place, library);
        else
            warn(library.who, library.name, ": ", error, library.instead);
        return nullptr;
    }
    if (library.asked) {
        Path missing;
        missing.add(library.name).add(": ").add(file.text).add(" is not installed");
        warn(library.who, missing.text, library.instead);
    }
    return nullptr;
}

const tarn_backend* open_module(const char* name) {
    void* handle = strchr(name, '/')
                       ? open_plugin(name)
                       : open_own_library({name, "backend ", kInstead, *options.backend || options.verbose});
    if (!handle) return nullptr;
    auto* entry = reinterpret_cast<decltype(&tarn_backend_entry)>(dlsym(handle, "tarn_backend_entry"));
    const tarn_backend* table = entry ? entry() : nullptr;
    if (!table) {
        const char* fault = entry ? "it gave no table" : "it has no tarn_backend_entry";
        warn("backend ", name, ": ", fault, "; map serves");
    }
    return table;
}

const char* file_of(const tarn_backend* table) {
    Dl_info info;
    if (table == system_backend() || !dladdr(table, &info)) return "(built in)";
    return info.dli_fname;
}

}  // namespace tarn
