// SPDX-License-Identifier: MIT
// What a metric is called where Prometheus reads it: prefix, name, and its unit where the name does not end in it. A
// counter's samples end in _total besides.
#pragma once
#include "metrics/metric_list.h"

namespace tarn {

inline const char* unit_name(Unit unit) {
    switch (unit) {
        case Unit::kCount:
            return "";
        case Unit::kBytes:
            return "bytes";
        case Unit::kShare:
            return "ratio";
        case Unit::kRatio:
            return "ratio";
    }
    return "";
}

inline size_t length_of(const char* text) {
    size_t length = 0;
    while (text[length])
        ++length;
    return length;
}

inline bool ends_in_unit(const char* name, const char* unit) {
    const size_t name_length = length_of(name), unit_length = length_of(unit);
    return name_length > unit_length && name[name_length - unit_length - 1] == '_' &&
           __builtin_memcmp(name + name_length - unit_length, unit, unit_length) == 0;
}

// `text` takes pieces by add(), as Text of base/text.h does.
template <class Writer, class Owner>
void add_family_name(Writer& text, const char* prefix, const Metric<Owner>& metric) {
    const char* unit = unit_name(metric.unit);
    text.add(prefix);
    text.add(metric.name);
    if (*unit == 0 || ends_in_unit(metric.name, unit)) return;
    text.add("_");
    text.add(unit);
}

}  // namespace tarn
