// SPDX-License-Identifier: MIT
// Ruby's frames: the control frames of the running thread's execution context. Layout of Ruby 3.1 (vm_core.h, iseq.h).
// rb_profile_frames would do the same, and neither locks nor allocates; but it follows what it finds without a look, and
// ends the process where there is no context yet, or in a thread that is not Ruby's.
#include <dlfcn.h>
#include <string.h>

#include <bit>

#include "frames/reading.h"

namespace tarn::frames {

namespace {

constexpr size_t kStack = 0, kStackWords = 8, kFirst = 16;                 // rb_execution_context_t
constexpr size_t kPc = 0, kIseq = 16, kEnvironment = 32, kFrameSize = 64;  // rb_control_frame_t
constexpr size_t kBody = 16;                                               // rb_iseq_t
constexpr size_t kCount = 4, kEncoded = 8, kPath = 64, kLabel = 80, kInfo = 120, kInfoCount = 136,
                 kInfoIndex = 144;               // rb_iseq_constant_body
constexpr size_t kInfoSize = 12;                 // iseq_insn_info_entry; the line comes first
constexpr uint64_t kFinish = 0x20, kInC = 0x80;  // flags of an environment
constexpr uint64_t kTypeMask = 0x1f, kString = 5, kArray = 7, kOutside = 1 << 13;  // flags of an object
constexpr unsigned kLengthShift = 14;
constexpr int64_t kLongest = 1 << 16;

constinit ptrdiff_t context_offset = 0;  // of ruby_current_ec from the thread pointer

class Walk {
  public:
    explicit Walk(tarn_frames* frames) : reading_(frames) {}

    void all() {
        const auto self = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
        const uintptr_t context = reading_.pointer(self + static_cast<uintptr_t>(context_offset));
        if (!context) return;
        const uintptr_t stack = reading_.pointer(context + kStack);
        const uint64_t words = reading_.pointer(context + kStackWords);
        uintptr_t frame = reading_.pointer(context + kFirst);
        // They grow downwards from the end of the stack, and the first is of nobody.
        if (!stack || words > 1 << 24) return;
        const uintptr_t end = stack + words * sizeof(uintptr_t);
        for (; frame >= stack && frame + 2 * kFrameSize <= end; frame += kFrameSize)
            if (!step(frame)) return;
    }

  private:
    // False: no more are taken.
    bool step(uintptr_t frame) {
        uintptr_t head[kFrameSize / sizeof(uintptr_t)];
        if (!reading_.copy(frame, head, sizeof head)) return false;
        const uintptr_t pc = head[kPc / 8], iseq = head[kIseq / 8], environment = head[kEnvironment / 8];
        uint64_t flags = 0;
        if (!reading_.get(environment, flags)) return true;
        if (flags & kInC || !iseq || !pc) return true;
        const uintptr_t body = reading_.pointer(iseq + kBody);
        if (!body) return true;
        tarn_frame one = {};
        const Text name = string(reading_.pointer(body + kLabel));
        const Text file = path(reading_.pointer(body + kPath));
        one.function = name.begin;
        one.function_length = name.length;
        one.file = file.begin;
        one.file_length = file.length;
        one.line = line_of(body, pc);
        one.flags = flags & kFinish ? TARN_FRAME_ENTRY : 0;
        return reading_.add(one);
    }

    // Its own path as Ruby found it, or as it was given.
    Text path(uintptr_t object) const {
        uint64_t flags;
        if (!object || !reading_.get(object, flags)) return {};
        if ((flags & kTypeMask) != kArray) return string(object);
        const bool inside = flags & kOutside;  // of an array the flag says the opposite
        const uintptr_t items = inside ? object + 16 : reading_.pointer(object + 32);
        if (!items) return {};
        const Text real = string(reading_.pointer(items + 8));
        return real.begin ? real : string(reading_.pointer(items));
    }

    Text string(uintptr_t object) const {
        uint64_t flags;
        if (object % 8 != 0 || !reading_.get(object, flags) || (flags & kTypeMask) != kString) return {};
        if (!(flags & kOutside))
            return {reinterpret_cast<const char*>(object + 16),
                    static_cast<uint32_t>(flags >> kLengthShift & 0x1f)};
        int64_t length;
        if (!reading_.get(object + 16, length) || length < 0 || length > kLongest) return {};
        return {reinterpret_cast<const char*>(reading_.pointer(object + 24)), static_cast<uint32_t>(length)};
    }

    uint32_t line_of(uintptr_t body, uintptr_t pc) const {
        uint32_t count = 0, entries = 0;
        if (!reading_.get(body + kCount, count) || !reading_.get(body + kInfoCount, entries) || entries == 0)
            return 0;
        const uintptr_t code = reading_.pointer(body + kEncoded), info = reading_.pointer(body + kInfo);
        if (!info || pc < code || (pc - code) / 8 > count) return 0;
        // It is behind the instruction that runs.
        uint32_t at = static_cast<uint32_t>((pc - code) / 8);
        if (at > 0) --at;
        uint32_t entry = 0;
        if (entries > 1) {
            const int rank = rank_of(reading_.pointer(body + kInfoIndex), at);
            if (rank < 1 || static_cast<uint32_t>(rank) > entries) return 0;
            entry = static_cast<uint32_t>(rank) - 1;
        }
        int line = 0;
        return reading_.get(info + entry * kInfoSize, line) && line > 0 ? static_cast<uint32_t>(line) : 0;
    }

    // How many entries begin at or before an instruction: seven bits each for the first 54, then blocks of 512 bits with
    // the ranks of their beginnings (a succinct bit vector; succ_index_table in iseq.c).
    int rank_of(uintptr_t table, uint32_t at) const {
        constexpr uint32_t kDirect = 54, kPerWord = 9, kBlock = 512, kBlockSize = 80;
        uint64_t word = 0;
        if (!table) return 0;
        if (at < kDirect) {
            if (!reading_.get(table + at / kPerWord * 8, word)) return 0;
            return static_cast<int>(word >> (at % kPerWord * 7) & 0x7f);
        }
        const uintptr_t block = table + kDirect / kPerWord * 8 + (at - kDirect) / kBlock * kBlockSize;
        const uint32_t within = (at - kDirect) % kBlock, part = within / 64;
        uint32_t rank = 0;
        uint64_t ranks = 0;
        if (!reading_.get(block, rank) || !reading_.get(block + 8, ranks) ||
            !reading_.get(block + 16 + part * 8, word))
            return 0;
        const uint64_t before = part == 0 ? 0 : ranks >> ((part - 1) * 9) & 0x1ff;
        return static_cast<int>(rank + before) + std::popcount(word << (63 - within % 64));
    }

    Reading reading_;
};

void walk_ruby(tarn_frames* frames, void*) {
    Walk(frames).all();
}

constinit char name[64] = "Ruby";
constinit tarn_frames_provider provider = without_frames(name);

}  // namespace

}  // namespace tarn::frames

extern "C" [[gnu::visibility("default")]] void tarn_frames_module(tarn_frames_registrar registrar) {
    using namespace tarn::frames;
    const auto version = static_cast<const char*>(dlsym(RTLD_DEFAULT, "ruby_version"));
    const auto context = reinterpret_cast<uintptr_t>(dlsym(RTLD_DEFAULT, "ruby_current_ec"));
    const Code loop = code_of("rb_vm_exec");
    if (version && strnlen(version, 16) < 16) {
        name[4] = ' ';
        strcpy(name + 5, version);
    }
    if (version && strncmp(version, "3.1.", 4) == 0 && context && loop.begin) {
        // The same in all threads: the library was there when the program started.
        context_offset =
            static_cast<ptrdiff_t>(context - reinterpret_cast<uintptr_t>(__builtin_thread_pointer()));
        provider.walk = walk_ruby;
        provider.note =
            "objects of up to 40 bytes lie in pages of 64 KiB of Ruby's own heap: a page has the line that "
            "needed one more; what is larger lies outside of them, and is seen";
        set_loop(provider, loop);
    } else {
        provider.note = "this version is not known; 3.1 is";
    }
    registrar(&provider);
}
