// SPDX-License-Identifier: MIT
// Perl's frames: the current statement, and the context stacks behind it. Layout of Perl 5.36 with threads (intrpvar.h, cop.h,
// cv.h, hv.h).
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "frames/reading.h"

namespace tarn::frames {

namespace {

// Which differs with what it was built with.
constexpr uint16_t kInterpreterSize = 3768;
constexpr size_t kStatement = 208, kStackInfo = 224;            // PerlInterpreter
constexpr size_t kLine = 36, kFile = 48;                        // COP
constexpr size_t kContexts = 8, kPreviousInfo = 16, kTop = 32;  // PERL_SI
constexpr size_t kContextSize = 104, kType = 0, kOldStatement = 16, kReturn = 48, kCv = 72;  // PERL_CONTEXT
constexpr size_t kGv = 56, kCvFlags = 92;                                                    // XPVCV
constexpr size_t kGvName = 32, kGvStash = 40;                                                // XPVGV
constexpr size_t kStashName = 32, kStashNames = 60;                                          // xpvhv_with_aux
constexpr size_t kHekLength = 4, kHekText = 8;
constexpr uint8_t kTypeMask = 0xf, kSub = 9, kFormat = 10, kEval = 11, kReal = 0x20, kBlock = 0x40;
constexpr uint16_t kNamed = 0x8000;
constexpr int kLongest = 1 << 12;

struct Perl {
    const uintptr_t* any;      // PL_curinterp; NULL: no interpreter was made yet
    const pthread_key_t* key;  // PL_thr_key: the running thread's
};
constinit Perl perl = {};

class Walk {
  public:
    explicit Walk(tarn_frames* frames) : reading_(frames) {}

    void all() {
        if (*perl.any == 0) return;
        const auto self = reinterpret_cast<uintptr_t>(pthread_getspecific(*perl.key));
        if (!self) return;
        uintptr_t statement = reading_.pointer(self + kStatement);
        uintptr_t info = reading_.pointer(self + kStackInfo);
        for (int steps = 0; info && steps < kStepsMost;
             info = reading_.pointer(info + kPreviousInfo), ++steps) {
            const uintptr_t contexts = reading_.pointer(info + kContexts);
            int32_t top = -1;
            if (!contexts || !reading_.get(info + kTop, top)) return;
            for (; top >= 0 && steps < kStepsMost; --top, ++steps)
                if (!step(contexts + static_cast<uintptr_t>(top) * kContextSize, statement)) return;
        }
        add(statement, "{main}", 6, TARN_FRAME_ENTRY);
    }

  private:
    // A context of a subroutine ends the frame that the statement is in; the next one is at the statement that called.
    bool step(uintptr_t context, uintptr_t& statement) {
        uint8_t type;
        if (!reading_.get(context + kType, type)) return false;
        const uint8_t kind = type & kTypeMask;
        bool taken = true;
        if (kind == kSub || kind == kFormat) {
            const uint32_t length = write_name(reading_.pointer(context + kCv));
            // Called from C: there is nothing to go back to.
            taken = add(statement, reading_.scratch(), length,
                        reading_.pointer(context + kReturn) ? 0 : TARN_FRAME_ENTRY);
        } else if (kind == kEval && !(type & kBlock)) {
            const bool text = type & kReal;
            taken = add(statement, text ? "(eval)" : "{require}", text ? 6 : 9, 0);
        } else {
            return true;
        }
        statement = reading_.pointer(context + kOldStatement);
        return taken && statement;
    }

    bool add(uintptr_t statement, const char* function, uint32_t length, uint32_t flags) {
        if (!statement) return false;
        tarn_frame frame = {};
        frame.function = function;
        frame.function_length = length;
        const uintptr_t file = reading_.pointer(statement + kFile);
        char* const room = reading_.scratch() + 512;
        frame.file = room;
        while (frame.file_length < 511 && file &&
               reading_.copy(file + frame.file_length, room + frame.file_length, 1) &&
               room[frame.file_length])
            ++frame.file_length;
        reading_.get(statement + kLine, frame.line);
        frame.flags = flags;
        return reading_.add(frame);
    }

    // "Package::name" into the scratch.
    uint32_t write_name(uintptr_t cv) const {
        const uintptr_t body = cv ? reading_.pointer(cv) : 0;
        uint16_t flags = 0;
        if (!body || !reading_.get(body + kCvFlags, flags)) return 0;
        const uintptr_t named = reading_.pointer(body + kGv);
        if (flags & kNamed) return write(named, 0);
        const uintptr_t gv = named ? reading_.pointer(named) : 0;
        if (!gv) return 0;
        uint32_t length = write(package(reading_.pointer(gv + kGvStash)), 0);
        if (length != 0) {
            memcpy(reading_.scratch() + length, "::", 2);
            length += 2;
        }
        return write(reading_.pointer(gv + kGvName), length);
    }
    uintptr_t package(uintptr_t stash) const {
        const uintptr_t body = stash ? reading_.pointer(stash) : 0;
        int32_t names = 0;
        if (!body || !reading_.get(body + kStashNames, names)) return 0;
        const uintptr_t name = reading_.pointer(body + kStashName);
        return names != 0 && name ? reading_.pointer(name) : name;
    }
    uint32_t write(uintptr_t hek, uint32_t at) const {
        int32_t length;
        if (!hek || !reading_.get(hek + kHekLength, length) || length < 0 || length > kLongest) return at;
        constexpr int32_t kEach = 120;
        length = std::min(length, kEach);
        if (!reading_.copy(hek + kHekText, reading_.scratch() + at, static_cast<size_t>(length))) return at;
        return at + static_cast<uint32_t>(length);
    }

    Reading reading_;
};

void walk_perl(tarn_frames* frames, void*) {
    Walk(frames).all();
}

constinit tarn_frames_provider provider = without_frames("Perl");

}  // namespace

}  // namespace tarn::frames

extern "C" [[gnu::visibility("default")]] void tarn_frames_module(tarn_frames_registrar registrar) {
    using namespace tarn::frames;
    perl.any = static_cast<const uintptr_t*>(dlsym(RTLD_DEFAULT, "PL_curinterp"));
    perl.key = static_cast<const pthread_key_t*>(dlsym(RTLD_DEFAULT, "PL_thr_key"));
    const Code loop = code_of("Perl_runops_standard");
    const auto version = static_cast<const uint8_t*>(dlsym(RTLD_DEFAULT, "PL_version"));
    const auto size = static_cast<const uint16_t*>(dlsym(RTLD_DEFAULT, "PL_interp_size"));
    const bool known = version && *version == 36 && size && *size == kInterpreterSize;
    if (perl.any && perl.key && loop.begin && known) {
        provider.interpreter = "Perl 5.36";
        provider.note =
            "heads and small bodies of values lie in arenas of 4 KiB of Perl's own: an arena has the line "
            "that "
            "needed one more; texts, arrays and hashes lie outside of them, and are seen";
        provider.walk = walk_perl;
        set_loop(provider, loop);
    } else {
        provider.note = "this build is not known; 5.36 with threads is";
    }
    registrar(&provider);
}
