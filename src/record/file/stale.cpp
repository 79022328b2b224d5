// SPDX-License-Identifier: MIT
#include "record/file/stale.h"

#include <fcntl.h>

#include "os/os.h"
#include "os/shared_file.h"
#include "record/file/file.h"

namespace tarn::record {

namespace {

constexpr size_t kManyRecords = 64;

struct Search {
    int folder;
    size_t names = 0;
    uint64_t oldest = UINT64_MAX;  // when it was written last
    char name[64] = {};            // its name; "": none yet
};

void count(void* search, const char* name) {
    if (*name != '.') ++static_cast<Search*>(search)->names;
}

void note_if_oldest(void* context, const char* name) {
    Search& search = *static_cast<Search*>(context);
    const size_t length = __builtin_strlen(name);
    if (length >= sizeof search.name) return;
    const int fd = os::open_at(search.folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return;
    os::FileFacts facts;
    if (os::file_facts(fd, facts) && facts.written_ns < search.oldest && found_in(fd) == Found::kKilled) {
        search.oldest = facts.written_ns;
        __builtin_memcpy(search.name, name, length + 1);
    }
    os::close(fd);
}

template <class Visit>
void search_folder(const char* path, Search& search, Visit each) {
    search.folder = os::open_at(os::kWorkingDirectory, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (search.folder < 0) return;
    os::read_folder(search.folder, each, &search);
    if (*search.name) os::remove_at(search.folder, search.name);
    os::close(search.folder);
}

}  // namespace

void remove_stalest(const char* folder) {
    Search search{};
    search_folder(folder, search, count);
    if (search.names > kManyRecords) search_folder(folder, search, note_if_oldest);
}

}  // namespace tarn::record
