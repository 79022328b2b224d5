// SPDX-License-Identifier: MIT
// The choice; nothing here knows dlopen.
#include "backend/modules/loader.h"

#include <pthread.h>

#include <cerrno>
#include <cstring>

#include <algorithm>
#include <atomic>
#include <string_view>

#include "base/message.h"
#include "base/options.h"
#include "base/text.h"

namespace tarn {

namespace {

struct Choice {
    std::atomic<const tarn_backend*> published{nullptr};
    tarn_backend adopted = {};  // written by the loading thread alone, before it is published
};
constinit Choice choice;

constexpr bool kDefaultIsMap = std::string_view(TARN_DEFAULT_BACKEND) == "map";

const char* wanted() {
    return *options.backend ? options.backend : TARN_DEFAULT_BACKEND;
}

// A copy with NULL in the fields that the table, compiled earlier, does not have.
const char* adopt(const tarn_backend* table) {
    constexpr size_t kRequired = offsetof(tarn_backend, free) + sizeof(table->free);
    if (table->version != TARN_BACKEND_VERSION) return "made for another version of tarn";
    if (table->size < kRequired) return "its table is too short";
    memcpy(&choice.adopted, table, std::min(size_t{table->size}, sizeof choice.adopted));
    if (!choice.adopted.allocate || !choice.adopted.free) return "it has no allocate or no free";
    if (choice.adopted.start && choice.adopted.start() != 0) return "it did not start";
    return nullptr;
}

const tarn_backend* find_table() {
    if (kDefaultIsMap && !*options.backend) return nullptr;  // no page of constants, in most processes
    if (equal(wanted(), "map")) return nullptr;
    if (!equal(wanted(), "system")) return open_module(wanted());
    const tarn_backend* table = system_backend();
    if (!table) warn("backend system: no second malloc in a static program; map serves");
    return table;
}

void choose() {
    const tarn_backend* table = find_table();
    const char* fault = table ? adopt(table) : nullptr;
    if (fault) warn("backend ", wanted(), ": ", fault, "; map serves");
    if (table && !fault) choice.published.store(&choice.adopted, std::memory_order_release);
    if (options.verbose) warn("backend ", backend_name(), " ", chosen_backend() ? file_of(table) : "");
}

}  // namespace

const tarn_backend* chosen_backend() {
    return choice.published.load(std::memory_order_acquire);
}

void choose_backend() {
    const int saved_errno = errno;
    // A thread that is cancelled in a constructor of the library would never let go of the loader's lock.
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    choose();
    pthread_setcancelstate(cancel_state, nullptr);
    errno = saved_errno;
}

const char* backend_name() {
    const tarn_backend* table = chosen_backend();
    if (!table) return "map";
    return table->name ? table->name : "unnamed";
}

}  // namespace tarn
