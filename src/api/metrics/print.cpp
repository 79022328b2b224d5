// SPDX-License-Identifier: MIT
// Results of metrics.h as text and JSON.
#include <errno.h>

#include "api/metrics/metrics.h"
#include "base/text.h"
#include "report/escape.h"

namespace {

using tarn::Escape;
using tarn::Text;

constexpr size_t kNameMost = 255;
constexpr int kRatioDecimals = 4;

struct Target {
    char* buffer;
    size_t room;
    size_t length = 0;

    static void take(void* self, const char* text, size_t length) {
        Target& target = *static_cast<Target*>(self);
        for (size_t i = 0; i < length; ++i, ++target.length)
            if (target.length + 1 < target.room) target.buffer[target.length] = text[i];
    }
    void terminate() {
        if (room > 0) buffer[length < room ? length : room - 1] = 0;
    }
};

struct Name {
    char text[kNameMost + 1];

    Name(const char* name, size_t length) {
        if (!name) length = 0;
        if (length > kNameMost) length = kNameMost;
        __builtin_memcpy(text, name ? name : "", length);
        text[length] = 0;
    }
};

void add_number(Text& text, const char* key, uint64_t value) {
    text.add(",\"").add(key).add("\":").decimal(value);
}
void add_signed(Text& text, const char* key, int64_t value) {
    text.add(",\"").add(key).add("\":").signed_decimal(value);
}

void write_json(Text& text, const tarn_metrics& m, const Name& name) {
    text.add("{\"name\":\"");
    add_escaped(text, name.text, Escape::kJson).add('"');
    add_number(text, "version", m.version);
    add_number(text, "threads", m.threads);
    add_number(text, "scopes", m.scopes);
    add_number(text, "allocations", m.allocations);
    add_number(text, "frees", m.frees);
    add_number(text, "bytes_allocated", m.bytes_allocated);
    add_number(text, "bytes_freed", m.bytes_freed);
    add_signed(text, "live_objects", m.live_objects);
    add_signed(text, "live_bytes", m.live_bytes);
    add_number(text, "peak_bytes", m.peak_bytes);
    add_number(text, "peak_bytes_most", m.peak_bytes_most);
    add_number(text, "small_allocations", m.small_allocations);
    add_number(text, "fresh", m.fresh);
    add_number(text, "reused", m.reused);
    add_number(text, "large_allocations", m.large_allocations);
    add_number(text, "large_frees", m.large_frees);
    add_number(text, "remote_frees", m.remote_frees);
    text.add(",\"pool_hit_rate\":").fixed(m.pool_hit_rate, kRatioDecimals).add('}');
}

Text& begin_line(Text& text, const Name& name) {
    if (name.text[0]) add_escaped(text, name.text, Escape::kPlain).add(": ");
    return text;
}

void write_text(Text& text, const tarn_metrics& m, const Name& name) {
    begin_line(text, name).decimal(m.allocations).add(" allocations of ").decimal(m.bytes_allocated);
    text.add(" bytes, ").decimal(m.frees).add(" frees of ").decimal(m.bytes_freed).add(" bytes\n");
    begin_line(text, name).add("live ").signed_decimal(m.live_objects).add(" objects, ");
    text.signed_decimal(m.live_bytes).add(" bytes; peak ").decimal(m.peak_bytes);
    if (m.peak_bytes_most != m.peak_bytes) text.add(" to ").decimal(m.peak_bytes_most);
    text.add(" bytes\n");
    begin_line(text, name).add("pool hit rate ").fixed(m.pool_hit_rate * 100, 1).add("%, ");
    text.decimal(m.large_allocations).add(" large blocks, ").decimal(m.remote_frees).add(" remote frees\n");
}

}  // namespace

size_t tarn_metrics_print(const tarn_metrics* metrics, enum tarn_metrics_format format, const char* name,
                          size_t name_length, char* buffer, size_t room) {
    if (!metrics || (format != TARN_METRICS_TEXT && format != TARN_METRICS_JSON) || (!buffer && room > 0)) {
        errno = EINVAL;
        return 0;
    }
    Target target{buffer, room};
    const Name copied(name, name_length);
    {
        Text text(Target::take, &target);
        if (format == TARN_METRICS_JSON)
            write_json(text, *metrics, copied);
        else
            write_text(text, *metrics, copied);
    }
    target.terminate();
    return target.length;
}
