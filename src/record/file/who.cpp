// SPDX-License-Identifier: MIT
#include "record/file/who.h"

#include <errno.h>

#include "base/text.h"
#include "os/os.h"
#include "os/shared_file.h"
#include "record/file/machine.h"

namespace tarn::record {

namespace {

template <size_t Size>
void copy(char (&to)[Size], const char* from) {
    size_t length = 0;
    for (; from[length] && length + 1 < Size; ++length)
        to[length] = from[length];
    to[length] = 0;
}

// A list of strings, which ends in an empty one.
struct List {
    char* text;
    size_t size;
    size_t used = 0;

    static void sink(void* self, const char* text, size_t length) {
        List& list = *static_cast<List*>(self);
        for (size_t i = 0; i < length && list.used + 2 < list.size; ++i)
            list.text[list.used++] = text[i];
    }
    void end_string() {
        if (used + 1 < size) text[used++] = 0;
    }
};

void tell_options(tarn_record_who& who, const Host& host) {
    List list{who.options, sizeof who.options};
    for (int i = 0; i < host.options_count; ++i) {
        if (!host.option_given(i)) continue;
        {
            Text text(List::sink, &list);
            text.add(host.option_name(i)).add('=');
            host.print_option(text, i);
        }
        list.end_string();
    }
}

void tell_numbers(tarn_record_who& who) {
    who.pid = static_cast<uint32_t>(os::process_id());
    who.uid = os::user_id();
    who.parent = static_cast<uint32_t>(os::parent_id());
    who.page_size = static_cast<uint32_t>(os::page_size());
    who.start_ticks = os::start_ticks(os::process_id());
}

}  // namespace

const char* program_name() {
    return program_invocation_short_name ? program_invocation_short_name : "";
}

void tell_who(tarn_record_who& who, const Host& host) {
    tell_numbers(who);
    copy(who.program, program_name());
    os::read_link("/proc/self/exe", who.executable, sizeof who.executable);
    if (!os::working_directory(who.directory, sizeof who.directory)) who.directory[0] = 0;
    copy(who.tarn_version, host.tarn_version);
    copy(who.backend, host.backend_name());
    os::read_text("/proc/self/cmdline", who.arguments, sizeof who.arguments - 1);
    tell_options(who, host);
    tell_machine(who);
}

void tell_who_forked(tarn_record_who& who) {
    tell_numbers(who);
    who.forked = 1;
}

}  // namespace tarn::record
