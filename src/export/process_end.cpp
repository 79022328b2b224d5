// SPDX-License-Identifier: MIT
#include "export/process_end.h"

#include <stdlib.h>

#include "base/options.h"
#include "export/exit_report.h"
#include "export/plt_hook.h"
#include "os/os.h"
#include "seam/recorder.h"

namespace tarn {

namespace {

constinit int process = 0;  // not that of a vfork child, who must leave no trace
constinit Look last_look = nullptr;

void exit_hook(int status) {
    if (os::process_id() == process) process_ends();
    os::exit_now(status);
}

}  // namespace

void prepare_end(Look look) {
    last_look = look;
    if (options.stats != StatsFormat::kNone) prepare_report();
    process = os::process_id();
    at_quick_exit(process_ends);
    // Not through exit(): children of multiprocessing and the like.
    void* const replacement = reinterpret_cast<void*>(exit_hook);
    const CallHook hooks[] = {{"_exit", nullptr, replacement}, {"_Exit", nullptr, replacement}};
    hook_calls(hooks, 2, nullptr);
}

void end_in_child() {
    if (process) process = os::process_id();
}

void process_ends() {
    if (options.hardened && last_look) last_look();  // in other processes nobody touches its page
    if (options.stats != StatsFormat::kNone) report_at_exit();
    if (!options.records()) return;  // nor the recorder's
    if (const Recorder* const record = recorder()) record->process_ends();
}

}  // namespace tarn
