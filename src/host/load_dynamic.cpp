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

}  // namespace tarn
