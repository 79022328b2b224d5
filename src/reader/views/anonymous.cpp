// SPDX-License-Identifier: MIT
#include "reader/views/anonymous.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace tarn::reader {
namespace {

// Names that stand for others: the same one for the same text.
class Numbered {
  public:
    Numbered(std::string before, std::string after) : before_(std::move(before)), after_(std::move(after)) {}

    std::string operator()(const std::string& text) {
        size_t number = numbers_.try_emplace(text, numbers_.size() + 1).first->second;
        return before_ + std::to_string(number) + after_;
    }

  private:
    std::string before_, after_;
    std::map<std::string, size_t> numbers_;
};

bool is_size(const std::string& text) {
    size_t digits = text.find_first_not_of("0123456789");
    return digits != 0 &&
           (digits == std::string::npos || (digits + 1 == text.size() && std::isalpha(text[digits])));
}

bool is_well_known(const std::string& text) {
    constexpr std::array kWords = {"auto", "map",  "mimalloc", "jemalloc",   "system",
                                   "text", "json", "classes",  "prometheus", ""};
    return is_size(text) || std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

std::string option_without(const std::string& option) {
    size_t equals = option.find('=');
    if (option.compare(0, 5, "TARN_") != 0 || equals == std::string::npos) return "[option]";
    for (size_t i = 0; i < equals; ++i)
        if (!std::isupper(static_cast<unsigned char>(option[i])) && option[i] != '_') return "[option]";
    return is_well_known(option.substr(equals + 1)) ? option : option.substr(0, equals) + "=[left out]";
}

void replace_after(std::string* name, const std::string& mark, const std::string& with) {
    size_t place = name->find(mark);
    if (place != std::string::npos) name->replace(place + mark.size(), std::string::npos, with);
}

// Compilers put names of files into those of functions that start a file, and of types without a name: "(lambda at
// x.cpp:3:5)".
std::string without_files(std::string name) {
    for (const char* mark : {"_GLOBAL__", "keyed to "})
        replace_after(&name, mark, "[file]");
    for (size_t place = 0; (place = name.find(" at ", place)) != std::string::npos;) {
        place += 4;
        size_t end = std::min(name.find_first_of(")'>", place), name.size());
        if (name.find(':', place) < end) name.replace(place, end - place, "[file]");
    }
    for (size_t slash = 0; (slash = name.find('/', slash)) != std::string::npos;) {
        constexpr std::string_view kAround = " ()<>[],'\"{}";
        bool is_operator = slash >= 8 && name.compare(slash - 8, 8, "operator") == 0;
        if (is_operator) {
            ++slash;
            continue;
        }
        size_t begin = name.find_last_of(kAround, slash),
               end = std::min(name.find_first_of(kAround, slash), name.size());
        begin = begin == std::string::npos ? 0 : begin + 1;
        name.replace(begin, end - begin, "[path]");
        slash = begin;
    }
    return name;
}

// What the program said at run time may be anything; tarn's own words are no secret.
void take_out(Event* event, Numbered* said) {
    bool own = event->kind == TARN_RECORD_EVENT_MISUSE || event->kind == TARN_RECORD_EVENT_LIMIT;
    if (event->text.empty() || (own && event->text.find('/') == std::string::npos)) return;
    event->text = own ? "[left out]" : (*said)(event->text);
}

// Functions keep their names; that of a file's own code has the file behind it.
void take_out_of_script(Location* location) {
    for (Line& line : location->lines) {
        bool of_file = line.function[0] == '<' || line.function[0] == '{';
        line.function =
            of_file ? line.function.substr(0, line.function.find(' ')) : without_files(line.function);
        line.symbol = line.function;
        line.file.clear();
    }
}

void take_out(Location* location, Numbered* scope) {
    if (location->script) return take_out_of_script(location);
    bool given = location->module == kNoModule;
    for (Line& line : location->lines) {
        line.function = given ? (*scope)(line.function) : without_files(line.function);
        line.symbol = given ? line.function : without_files(line.symbol);
        line.file.clear();
        if (given) line.line = 0;
    }
}

}  // namespace

void make_anonymous(Record* record, Profile* profile, std::map<std::string, std::string>* missing) {
    Who& who = record->who;
    std::string executable = who.executable;
    std::map<std::string, std::string> names;
    Numbered library("[library ", "]");
    for (Module& module : record->modules) {
        bool own = !executable.empty() && module.path == executable;
        std::string name = own ? "[program]" : module.path == "[vdso]" ? "[vdso]" : library(module.path);
        names[module.path] = name;
        module.path = name;
        module.build_id.clear();
    }
    std::map<std::string, std::string> told;
    for (const auto& [path, why] : *missing)
        told[names.count(path) ? names[path] : "[file]"] = why;
    *missing = std::move(told);
    who.program = "[program]";
    who.executable = executable.empty() ? "" : "[program]";
    who.directory.clear();
    who.arguments.clear();
    who.machine = {"", 0, who.machine.page_size, 0, 0};
    for (std::string& option : who.options)
        option = option_without(option);
    if (!is_well_known(who.backend)) who.backend = "[plugin]";
    if (record->stats && !is_well_known(record->stats->backend)) record->stats->backend[0] = 0;
    Numbered said("", ""), scope("[scope ", "]");
    for (Event& event : record->events)
        take_out(&event, &said);
    for (Location& location : profile->locations)
        take_out(&location, &scope);
    record->names.clear();
}

}  // namespace tarn::reader
