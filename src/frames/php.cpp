// SPDX-License-Identifier: MIT
// PHP's frames: the chain of execute data from the executor's globals on. Layout of PHP 8.2 without threads (Zend/zend_compile.h,
// zend_globals.h); another one is known by the build id that PHP itself compares extensions by, and declined.
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "frames/reading.h"

namespace tarn::frames {

namespace {

constexpr size_t kCurrentExecuteData = 488, kOplineBeforeException = 880;      // zend_executor_globals
constexpr size_t kOpline = 0, kFunction = 24, kCallInfo = 40, kPrevious = 48;  // zend_execute_data
constexpr size_t kType = 0, kFunctionName = 8, kScope = 16, kFilename = 152;   // zend_function, zend_op_array
constexpr size_t kClassName = 8;                                               // zend_class_entry
constexpr size_t kLine = 24, kOpcode = 28;                                     // zend_op
constexpr size_t kLength = 16, kText = 24;                                     // zend_string
constexpr uint8_t kInternalFunction = 1, kUserBit = 1, kHandleException = 149;
constexpr uint32_t kCallTop = 1u << 17;  // of this call of the loop
constexpr uint64_t kLongest = 1 << 16;

constexpr char kMain[] = "{main}";

constinit uintptr_t globals = 0;

class Walk {
  public:
    explicit Walk(tarn_frames* frames) : reading_(frames) {}

    void all() {
        uintptr_t data = reading_.pointer(globals + kCurrentExecuteData);
        for (int steps = 0; data && steps < kStepsMost; ++steps) {
            uint32_t info = 0;
            if (!reading_.get(data + kCallInfo, info)) return;
            const uintptr_t function = reading_.pointer(data + kFunction);
            uint8_t type = kInternalFunction;
            if (function && !reading_.get(function + kType, type)) return;
            // What is written in C has a frame on the native stack.
            if (!(type & kUserBit) && !add(data, function, info)) return;
            data = reading_.pointer(data + kPrevious);
        }
    }

  private:
    bool add(uintptr_t data, uintptr_t function, uint32_t info) {
        tarn_frame frame = {};
        const Text file = string(reading_.pointer(function + kFilename));
        frame.file = file.begin;
        frame.file_length = file.length;
        const Text name = name_of(function);
        frame.function = name.begin;
        frame.function_length = name.length;
        frame.line = line_of(reading_.pointer(data + kOpline));
        frame.flags = info & kCallTop ? TARN_FRAME_ENTRY : 0;
        return reading_.add(frame);
    }

    uint32_t line_of(uintptr_t op) const {
        uint8_t opcode = 0;
        if (op && reading_.get(op + kOpcode, opcode) && opcode == kHandleException)
            op = reading_.pointer(globals + kOplineBeforeException);
        uint32_t line = 0;
        return op && reading_.get(op + kLine, line) ? line : 0;
    }

    // "Class::method"; a file's own code has no name.
    Text name_of(uintptr_t function) const {
        const Text name = string(reading_.pointer(function + kFunctionName));
        if (!name.begin) return {kMain, sizeof kMain - 1};
        const uintptr_t scope = reading_.pointer(function + kScope);
        const Text of = scope ? string(reading_.pointer(scope + kClassName)) : Text{};
        if (!of.begin) return name;
        char* const room = reading_.scratch();
        constexpr uint32_t kEach = 120;
        const uint32_t first = std::min(of.length, kEach), second = std::min(name.length, kEach);
        if (!reading_.copy(reinterpret_cast<uintptr_t>(of.begin), room, first) ||
            !reading_.copy(reinterpret_cast<uintptr_t>(name.begin), room + first + 2, second))
            return name;
        room[first] = room[first + 1] = ':';
        return {room, first + 2 + second};
    }

    Text string(uintptr_t at) const {
        uint64_t length;
        if (!at || !reading_.get(at + kLength, length) || length > kLongest) return {};
        return {reinterpret_cast<const char*>(at + kText), static_cast<uint32_t>(length)};
    }

    Reading reading_;
};

void walk_php(tarn_frames* frames, void*) {
    Walk(frames).all();
}

constinit tarn_frames_provider provider = without_frames("PHP");

struct Search {
    uintptr_t in;  // the object with this address
    bool found;
};

// The text lies in the constants of the object that the executor's globals are in.
int look_for_build(dl_phdr_info* object, size_t, void* data) {
    constexpr char kBuild[] = "API20220829,NTS";
    Search& search = *static_cast<Search*>(data);
    bool has = false;
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr)& part = object->dlpi_phdr[i];
        const uintptr_t begin = object->dlpi_addr + part.p_vaddr;
        has |= part.p_type == PT_LOAD && search.in >= begin && search.in - begin < part.p_memsz;
    }
    if (!has) return 0;
    for (int i = 0; i < object->dlpi_phnum && !search.found; ++i) {
        const ElfW(Phdr)& part = object->dlpi_phdr[i];
        if (part.p_type != PT_LOAD || !(part.p_flags & PF_R) || part.p_flags & PF_W) continue;
        // With what ends it: a build for debugging has ",debug" behind.
        search.found = memmem(reinterpret_cast<const void*>(object->dlpi_addr + part.p_vaddr), part.p_filesz,
                              kBuild, sizeof kBuild) != nullptr;
    }
    return 1;
}

const char* pools() {
    const char* const set = getenv("USE_ZEND_ALLOC");
    if (set && atoi(set) == 0) return nullptr;
    return "what scripts allocate lies in chunks of 2 MiB that PHP maps for itself, and no malloc sees: with "
           "USE_ZEND_ALLOC=0 it is seen";
}

}  // namespace

}  // namespace tarn::frames

extern "C" [[gnu::visibility("default")]] void tarn_frames_module(tarn_frames_registrar registrar) {
    using namespace tarn::frames;
    globals = reinterpret_cast<uintptr_t>(dlsym(RTLD_DEFAULT, "executor_globals"));
    Search search{globals, false};
    dl_iterate_phdr(look_for_build, &search);
    const Code loop = code_of("execute_ex");
    if (search.found && loop.begin) {
        provider.interpreter = "PHP 8.2";
        provider.walk = walk_php;
        provider.note = pools();
        set_loop(provider, loop);
    } else {
        provider.note = "this build is not known; 8.2 without threads is";
    }
    registrar(&provider);
}
