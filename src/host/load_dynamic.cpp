// SPDX-License-Identifier: MIT
// In libtarn.so: libtarn-record.so, found as the backends' modules are.
#include <dlfcn.h>

#include "backend/modules/loader.h"
#include "base/message.h"
#include "host/host.h"
#include "seam/host.h"

namespace tarn {

const Recorder* load_recorder(const Host& host) {
    constexpr char kInstead[] = "; nothing is recorded";
    void* const handle = open_own_library({"record", "module ", kInstead, true});
    if (!handle) return nullptr;
    const auto entry = reinterpret_cast<RecorderEntry>(dlsym(handle, kRecorderEntry));
    const Recorder* const found = entry ? entry(host) : nullptr;
    if (!found || found->version != kRecorderVersion) {
        warn("libtarn-record.so is of another version of tarn", kInstead);
        return nullptr;
    }
    return found;
}

namespace {

// An interpreter is known by a symbol that nothing else has; its module is libtarn-frames-NAME.so.
struct Interpreter {
    const char* symbol;
    const char* name;
};
constexpr Interpreter kInterpreters[] = {
    {"_PyRuntime", "frames-python"},
    {"executor_globals", "frames-php"},
    {"ruby_current_ec", "frames-ruby"},
    {"PL_thr_key", "frames-perl"},
};

}  // namespace

void load_frames() {
    for (const Interpreter& each : kInterpreters) {
        if (!dlsym(RTLD_DEFAULT, each.symbol)) continue;
        void* const handle =
            open_own_library({each.name, "module ", "; stacks are without the script's frames", true});
        const auto entry =
            handle ? reinterpret_cast<decltype(&tarn_frames_module)>(dlsym(handle, "tarn_frames_module"))
                   : nullptr;
        if (entry) entry(register_frames);
    }
}

}  // namespace tarn
