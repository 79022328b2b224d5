// SPDX-License-Identifier: MIT
#include "record/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "os/os.h"
#include "os/shared_file.h"
#include "record/file/stale.h"
#include "tarn/record.h"

namespace tarn::record {

namespace {

struct Own {
    char path[kPathMost] = {};
    uint64_t device = 0, inode = 0;
    const char* folder = nullptr;  // the default place, once it was chosen
};
constinit Own own;  // all that is in this file: by one thread at a time, who begins, grows or ends the record

// A path as it grows; cut() when it did not fit.
class Path {
  public:
    Path& add(const char* text) {
        for (; *text; ++text)
            add(*text);
        return *this;
    }
    Path& add(char c) {
        if (length_ + 1 < sizeof text_)
            text_[length_++] = c;
        else
            cut_ = true;
        return *this;
    }
    Path& number(uint64_t value) {
        char digits[24];
        size_t count = 0;
        do
            digits[count++] = static_cast<char>('0' + value % 10);
        while (value /= 10);
        while (count)
            add(digits[--count]);
        return *this;
    }
    const char* text() const { return text_; }
    bool cut() const { return cut_; }

  private:
    char text_[kPathMost] = {};
    size_t length_ = 0;
    bool cut_ = false;
};

// %p and %n; any other % stands for itself.
void expand(const char* pattern, const char* program, Path& path) {
    for (; *pattern; ++pattern) {
        const bool process = pattern[0] == '%' && pattern[1] == 'p';
        const bool name = pattern[0] == '%' && pattern[1] == 'n';
        if (process)
            path.number(static_cast<uint64_t>(os::process_id()));
        else if (name)
            for (const char* c = program; *c; ++c)
                path.add(*c == '/' ? '_' : *c);
        else
            path.add(*pattern);
        if (process || name) ++pattern;
    }
}

// A folder of this user's that nobody else may look into. What stands in its place already is left as it is.
const char* private_folder(const char* path, int& error) {
    error = os::make_folder(path, 0700);
    if (error < 0 && error != -EEXIST) return "its folder cannot be made";
    const int fd = os::open_at(os::kWorkingDirectory, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0) return error = fd, "its folder cannot be opened";
    os::FileFacts facts;
    const bool known = os::file_facts(fd, facts);
    os::close(fd);
    error = 0;
    if (!known || facts.owner != os::user_id()) return "its folder is another user's";
    if (facts.mode & 077) return "its folder is open to other users";
    return nullptr;
}

// $XDG_RUNTIME_DIR/tarn, else /dev/shm/tarn-UID; both are on tmpfs. Chosen by the constructor, since the environment is
// not for a forked child to read from inside an allocation function.
const char* choose_folder(int& error) {
    static constinit Path folder;
    const char* const runtime = getenv("XDG_RUNTIME_DIR");
    folder = {};
    if (runtime && *runtime == '/') folder.add(runtime).add("/tarn");
    if (!*folder.text() || folder.cut() || private_folder(folder.text(), error)) {
        folder = {};
        folder.add("/dev/shm/tarn-").number(os::user_id());
        if (const char* const fault = private_folder(folder.text(), error)) return fault;
    }
    own.folder = folder.text();
    remove_stalest(own.folder);
    return nullptr;
}

struct Front {
    tarn_record_header header;
    struct {
        uint32_t pid, uid, parent, page_size;
        uint64_t start_ticks;
    } who;
};
static_assert(offsetof(tarn_record_who, start_ticks) == 16 && sizeof Front::who == 24);
constinit Front front = {};  // there may be little stack

bool read_whole(int fd, void* buffer, size_t size, uint64_t offset) {
    return os::read_at(fd, buffer, size, offset) == static_cast<long>(size);
}

// Of whom a record is, by what it says and what the kernel does.
Found whose(int fd) {
    const tarn_record_section& who = front.header.sections[0];
    if (who.kind != TARN_RECORD_WHO || !read_whole(fd, &front.who, sizeof front.who, who.offset))
        return Found::kStale;
    const int process = static_cast<int>(front.who.pid);
    const bool runs = front.header.state == TARN_RECORD_RUNNING;
    if (process <= 0 || front.who.start_ticks != os::start_ticks(process))
        return runs ? Found::kKilled : Found::kStale;
    if (process != os::process_id()) return runs ? Found::kAnothers : Found::kStale;
    // This process was another program before.
    constexpr uint32_t kExeced = TARN_RECORD_EXECED;
    const uint64_t now = os::nanoseconds();
    os::write_at(fd, &now, sizeof now, offsetof(tarn_record_header, ended_ns));
    os::write_at(fd, &kExeced, sizeof kExeced, offsetof(tarn_record_header, state));
    return Found::kStale;
}

// What is at the path, where no new file could be made.
Found look_at(const char* path) {
    const int fd = os::open_at(os::kWorkingDirectory, path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return fd == -ENOENT ? Found::kNothing : Found::kNoRecord;
    const Found found = found_in(fd);
    os::close(fd);
    return found;
}

}  // namespace

Found found_in(int fd) {
    os::FileFacts facts;
    const bool is_record =
        os::file_facts(fd, facts) && (facts.mode & S_IFMT) == S_IFREG && facts.owner == os::user_id() &&
        read_whole(fd, &front.header, sizeof front.header, 0) && front.header.magic == TARN_RECORD_MAGIC;
    return is_record ? whose(fd) : Found::kNoRecord;
}

namespace {

File make_at(const char* path) {
    constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
    int fd = os::open_at(os::kWorkingDirectory, path, kFlags, 0600);
    for (int tries = 0; fd == -EEXIST && tries < 3; ++tries) {
        switch (look_at(path)) {
            case Found::kNoRecord:
                return {-1, "something else is there", 0};
            case Found::kAnothers:
                return {-1, nullptr, EEXIST};
            case Found::kKilled:
            case Found::kStale:
                os::remove_file(path);
                break;
            case Found::kNothing:
                break;
        }
        fd = os::open_at(os::kWorkingDirectory, path, kFlags, 0600);
    }
    if (fd < 0) return {-1, "it cannot be made", -fd};
    return {fd, nullptr, 0};
}

}  // namespace

File make_file(const char* pattern, const char* program, uint64_t bytes) {
    static constinit Path path;
    path = {};
    int error = 0;
    if (*pattern == '/') {
        expand(pattern, program, path);
    } else {
        const char* const fault = own.folder ? nullptr : choose_folder(error);
        if (fault) return {-1, fault, error < 0 ? -error : 0};
        path.add(own.folder).add('/').number(static_cast<uint64_t>(os::process_id())).add(".tarnrecord");
    }
    File file = path.cut() ? File{-1, "its path is too long", 0} : make_at(path.text());
    if (file.error == EEXIST && !file.fault) {  // of a process that lives: this one's beside it
        path.add('.').number(static_cast<uint64_t>(os::process_id()));
        file = make_at(path.text());
        if (file.error == EEXIST && !file.fault) file.fault = "another process has it";
    }
    __builtin_memcpy(own.path, path.text(), sizeof own.path);
    if (file.fd < 0) return file;
    os::FileFacts facts{};
    const char* fault = os::file_facts(file.fd, facts) ? nullptr : "it cannot be looked at";
    own.device = facts.device;
    own.inode = facts.inode;
    if (!fault && os::file_size_limit() < bytes) fault = "the limit on the size of files is too low";
    if (!fault) {
        error = os::set_size(file.fd, bytes);
        if (error < 0) fault = "it cannot be made so large";
    }
    if (!fault) return file;
    os::close(file.fd);
    remove_own_file();
    return {-1, fault, error < 0 ? -error : 0};
}

const char* file_path() {
    return own.path;
}

void forget_file() {
    own.path[0] = 0;
}

namespace {

int reopen(int flags) {
    if (!*own.path) return -1;
    const int fd = os::open_at(os::kWorkingDirectory, own.path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    os::FileFacts facts;
    if (fd < 0) return -1;
    if (os::file_facts(fd, facts) && facts.device == own.device && facts.inode == own.inode) return fd;
    os::close(fd);
    return -1;
}

}  // namespace

int reopen_to_read() {
    return reopen(O_RDONLY);
}

// Between the look and the removal somebody of the same user may have exchanged it; nobody else can.
void remove_own_file() {
    const int fd = reopen(O_RDONLY);
    if (fd < 0) return;
    os::close(fd);
    os::remove_file(own.path);
}

bool allocate_part(uint64_t offset, uint64_t bytes) {
    const int fd = reopen(O_RDWR);
    if (fd < 0) return false;
    const bool done = os::allocate_file(fd, offset, bytes) == 0;
    os::close(fd);
    return done;
}

}  // namespace tarn::record
