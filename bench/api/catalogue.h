// SPDX-License-Identifier: MIT
// A translator's catalogues: a file of 2,000 lines `key = message` is read into a table; each of four
// languages begins as a copy of the table and replaces some messages; each message is then expanded and
// handed to a sink (as to a file: not copied). Written once for CowString and once for strings like
// std::string, in two styles.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tarn/cow_string.hpp"

namespace catalogue {

inline constexpr int kLines = 2000, kLanguages = 4;

// std::string, with every byte counted that it copies or moves, also those of a short string (at most 15, and
// a NUL) that is itself moved.
struct CountingTraits : std::char_traits<char> {
    static inline std::uint64_t bytes = 0;
    static void assign(char& to, const char& from) { to = from; }
    static char* assign(char* to, std::size_t count, char c) {
        return std::char_traits<char>::assign(to, count, c);
    }
    static char* copy(char* to, const char* from, std::size_t count) {
        bytes += count;
        return std::char_traits<char>::copy(to, from, count);
    }
    static char* move(char* to, const char* from, std::size_t count) {
        bytes += count;
        return std::char_traits<char>::move(to, from, count);
    }
};
using CountingString = std::basic_string<char, CountingTraits>;

template <class S>
std::string_view view(const S& text) {
    return {text.data(), text.size()};
}
inline bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
template <class S>
S trim(const S& text) {
    std::size_t first = 0, end = text.size();
    while (first < end && is_space(text[first]))
        ++first;
    while (end > first && is_space(text[end - 1]))
        --end;
    return text.substr(first, end - first);
}
template <class S>
S lower(S text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return text;
}
template <class S>
S replace(S text, const char* from, std::string_view to) {
    const std::size_t length = std::char_traits<char>::length(from);
    for (std::size_t at = 0; (at = text.find(from, at)) != S::npos; at += to.size())
        text.replace(at, length, to.data(), to.size());
    return text;
}
template <class S, class Sink>
void split(const S& text, char separator, Sink sink) {
    for (std::size_t first = 0;;) {
        const std::size_t end = text.find(separator, first);
        sink(text.substr(first, end - first));
        if (end == S::npos) return;
        first = end + 1;
    }
}

// Deterministic: messages of 20 to 140 bytes; one in eight has a name to fill in, one in sixteen an escape,
// one key in ten a capital.
inline std::string make_file() {
    static constexpr const char* kWords[] = {"the",     "file",    "could",   "not", "be",      "opened",
                                             "because", "another", "program", "has", "changed", "settings",
                                             "please",  "try",     "again",   "now"};
    std::uint64_t state = 88172645463325252u;
    const auto next = [&](std::uint64_t limit) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return state % limit;
    };
    std::string file;
    for (int line = 0; line < kLines; ++line) {
        file += next(4) ? "" : "  ";
        file += next(10) ? "message." : "Message.";
        file += std::to_string(line) + ".text = ";
        for (std::uint64_t words = 4 + next(20); words > 0; --words)
            file += std::string(kWords[next(16)]) + " ";
        if (next(8) == 0) file += "{name} ";
        if (next(16) == 0) file += "and\\n";
        file += "done.\n";
    }
    return file;
}

// What a file would get: a hash in its place (FNV-1a, by word).
class Sink {
  public:
    void write(std::string_view text) {
        for (; text.size() >= 8; text.remove_prefix(8)) {
            std::uint64_t word;
            std::memcpy(&word, text.data(), 8);
            add(word);
        }
        for (char c : text)
            add(static_cast<unsigned char>(c));
    }
    std::uint64_t hash() const { return hash_; }

  private:
    void add(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3; }
    std::uint64_t hash_ = 0xcbf29ce484222325;
};

template <class S>
struct Message {
    S key, text;
};

// How strings are passed: to functions that leave them alone and give a new one, as CowString's members do...
struct ByReference {
    template <class S>
    static const S& pass(S& text) {
        return text;
    }
};
// ... or moved into functions that change them and move them out again, wherever that is possible.
struct ByMove {
    template <class S>
    static S&& pass(S& text) {
        return std::move(text);
    }
};

template <class S, class Style>
std::vector<Message<S>> read(const std::string& bytes) {
    std::vector<Message<S>> table;
    table.reserve(kLines);
    const S file(bytes.data(), bytes.size());
    split(file, '\n', [&](S line) {
        const std::size_t equals = line.find('=');
        if (equals == S::npos) return;
        S key = trim(line.substr(0, equals)), text = trim(line.substr(equals + 1));
        S lowered = lower<S>(Style::pass(key)), unescaped = replace<S>(Style::pass(text), "\\n", "\n");
        table.push_back({Style::pass(lowered), Style::pass(unescaped)});
    });
    return table;
}
template <class S, class Style>
std::uint64_t run(const std::string& bytes) {
    const auto base = read<S, Style>(bytes);
    Sink sink;
    for (int language = 0; language < kLanguages; ++language) {
        auto table = base;
        for (std::size_t i = static_cast<std::size_t>(language); i < table.size(); i += 20)
            table[i].text = replace<S>(Style::pass(table[i].text), "file", "Datei");
        for (Message<S>& message : table) {
            S named = replace<S>(Style::pass(message.text), "{name}", "Ada Lovelace");
            S quoted = replace<S>(Style::pass(named), "\"", "&quot;");
            sink.write(view(message.key));
            sink.write(view(quoted));
        }
    }
    return sink.hash();
}

inline std::uint64_t run_shared(const std::string& bytes) {
    using tarn::CowString;
    std::vector<Message<CowString>> base;
    base.reserve(kLines);
    const CowString file{std::string_view(bytes)};
    for (const CowString& line : file.split("\n")) {
        const std::size_t equals = line.find("=");
        if (equals == CowString::npos) continue;
        base.push_back(
            {line.substr(0, equals).trim().lower(), line.substr(equals + 1).trim().replace("\\n", "\n")});
    }
    Sink sink;
    for (int language = 0; language < kLanguages; ++language) {
        auto table = base;
        for (std::size_t i = static_cast<std::size_t>(language); i < table.size(); i += 20)
            table[i].text = table[i].text.replace("file", "Datei");
        for (const Message<CowString>& message : table) {
            sink.write(message.key);
            sink.write(message.text.replace("{name}", "Ada Lovelace").replace("\"", "&quot;"));
        }
    }
    return sink.hash();
}

}  // namespace catalogue
