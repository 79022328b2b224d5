// SPDX-License-Identifier: MIT
// A template engine: the page is read once, and every piece of it is a slice. Text is copied only where a
// value is escaped, and where the result is put together.
#include "tarn/cow_string.hpp"

#include <cstdio>
#include <map>
#include <vector>

using tarn::CowString;
using namespace tarn::literals;
using Values = std::map<CowString, CowString, std::less<>>;

static CowString escaped(const CowString& text) {
    return text.replace("&", "&amp;").replace("<", "&lt;");
}

// The pieces of the page, with {{ name }} replaced by its value.
static std::vector<CowString> expand(const CowString& page, const Values& values) {
    std::vector<CowString> pieces;
    for (std::size_t at = 0; at < page.size();) {
        const std::size_t open = page.find("{{", at), close = page.find("}}", open);
        pieces.push_back(page.substr(at, open - at));
        if (close == CowString::npos) break;
        const auto value = values.find(page.substr(open + 2, close - open - 2).trim());
        if (value != values.end()) pieces.push_back(escaped(value->second));
        at = close + 2;
    }
    return pieces;
}

int main() {
    const CowString page =
        "<title>{{ title }}</title>\n<p>Dear {{name}}, thank you for your order of {{ goods }}.</p>\n"_cow;
    const Values values{{"title"_cow, "Your order"_cow},
                        {"name"_cow, "Ada"_cow},
                        {"goods"_cow, "nuts & bolts, and whatever else there was in the shop"_cow}};
    const tarn_string_counters before = CowString::counters();
    const std::vector<CowString> pieces = expand(page, values);
    const tarn_string_counters after = CowString::counters();
    for (const CowString& piece : pieces)
        std::printf("%.*s", static_cast<int>(piece.size()), piece.data());
    std::printf("%zu pieces, %llu copied\n", pieces.size(),
                static_cast<unsigned long long>(after.copies - before.copies));
}
