// SPDX-License-Identifier: MIT
#include "cli/doctor/doctor.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "cli/common/outcome.h"
#include "cli/doctor/diagnosis.h"
#include "cli/doctor/limits.h"
#include "cli/doctor/preload.h"
#include "cli/program/libraries.h"
#include "measure/child.h"
#include "names/option_names.h"
#include "names/spelling.h"
#include "reader/input.h"

namespace tarn::cli {
namespace {

namespace fs = std::filesystem;

using Environment = std::vector<std::string>;  // "NAME=value"

std::string value_in(const Environment& environment, const std::string& name) {
    for (const std::string& entry : environment)
        if (entry.compare(0, name.size() + 1, name + "=") == 0) return entry.substr(name.size() + 1);
    return "";
}

std::string real(const std::string& path) {
    std::error_code error;
    fs::path found = fs::canonical(path, error);
    return error ? path : found.string();
}

// libtarn.so.0.1.0: by the name of the file.
std::string version_of(const std::string& library) {
    constexpr std::string_view kName = "libtarn.so.";
    std::string name = base_name(real(library));
    bool full = name.compare(0, kName.size(), kName) == 0 && std::count(name.begin(), name.end(), '.') >= 4;
    return full ? name.substr(kName.size()) : "";
}

void look_at_variables(const Environment& environment, Diagnosis* found) {
    constexpr std::string_view kPrefix = "TARN_";
    for (const std::string& entry : environment) {
        if (entry.compare(0, kPrefix.size(), kPrefix) != 0) continue;
        std::string name = entry.substr(0, entry.find('='));
        auto is_it = [&](const char* option) { return name == option; };
        if (std::any_of(std::begin(kOptionNames), std::end(kOptionNames), is_it)) continue;
        std::string meant;
        for (const char* option : kOptionNames)
            if (misspelt(name.data() + kPrefix.size(), name.size() - kPrefix.size(), option + kPrefix.size()))
                meant = option;
        found->variables.push_back(name + " is not an option of tarn's" +
                                   (meant.empty() ? "" : "; " + meant + " is"));
    }
}

// Whether tarn would come first by what LD_PRELOAD names.
void look_at_preload(const std::vector<Preloaded>& all, Diagnosis* found) {
    std::string own = find_libraries("").tarn;
    std::string good = own.empty() ? "/path/to/libtarn.so" : own;
    const Preloaded* before = nullptr;
    const Preloaded* missing = nullptr;
    for (const Preloaded& one : all) {
        if (one.tarn) {
            found->library = real(one.file);
            found->version = version_of(one.file);
            if (before)
                found->reasons.push_back(
                    {"another-first", "finds another allocator before tarn in LD_PRELOAD: " + before->word,
                     "name libtarn.so first, and the other not at all"});
            return;
        }
        if (one.allocator && !before) before = &one;
        if (one.file.empty() && (!missing || one.word.find("tarn") != std::string::npos)) missing = &one;
    }
    if (missing)
        found->reasons.push_back(
            {"not-there",
             "finds no " + missing->word + ", which LD_PRELOAD names: the loader goes on without it",
             "name the file that is there: LD_PRELOAD=" + good});
    else
        found->reasons.push_back(
            {"not-preloaded",
             all.empty() ? "is started without LD_PRELOAD" : "is preloaded with others than tarn",
             "start it by `tarn run -- CMD`, or with LD_PRELOAD=" + good});
}

void take_over(const Judgement& judgement, Diagnosis* found) {
    found->reasons.insert(found->reasons.end(), judgement.reasons.begin(), judgement.reasons.end());
    for (const std::string& note : judgement.notes)
        found->notes.push_back("it " + note);
    found->hints.insert(found->hints.end(), judgement.hints.begin(), judgement.hints.end());
}

std::vector<Preloaded> preloaded_here(const Environment& environment) {
    return preloaded(value_in(environment, "LD_PRELOAD"), value_in(environment, "LD_LIBRARY_PATH"), "");
}

void of_here(Diagnosis* found) {
    found->subject = "what is started here";
    Environment environment = measure::own_environment();
    look_at_preload(preloaded_here(environment), found);
    look_at_variables(environment, found);
}

// As it would be by `tarn run`, unless LD_PRELOAD names tarn, or what is meant to be it.
void of_command(const std::string& word, Diagnosis* found) {
    std::string file = find_program(word);
    if (file.empty()) throw reader::Unreadable(word + ": command not found");
    Judgement judgement = judge(file);
    found->subject = judgement.name;
    take_over(judgement, found);
    Environment environment = measure::own_environment();
    std::vector<Preloaded> all = preloaded_here(environment);
    bool named = std::any_of(all.begin(), all.end(), [](const Preloaded& one) {
        return one.tarn || one.word.find("tarn") != std::string::npos;
    });
    if (named) {
        look_at_preload(all, found);
    } else if (found->active() && judgement.notes.empty()) {
        found->library = find_libraries("").tarn;
        found->version = version_of(found->library);
        found->notes.push_back("so it is by `tarn run -- CMD`; LD_PRELOAD does not name tarn here");
    }
    look_at_variables(environment, found);
}

// A process, by /proc.
class Process {
  public:
    Process(const std::string& number, Diagnosis* found) : folder_("/proc/" + number), found_(found) {
        struct stat status;
        if (stat(folder_.c_str(), &status) != 0)
            throw reader::Unreadable("process " + number + ": there is none");
        executable_ = real(folder_ + "/exe");
        if (text_of(folder_ + "/maps").empty())
            throw reader::Unreadable(
                "process " + number +
                " cannot be looked into: it is another user's, or the kernel's; ask as root");
        found_->subject = base_name(executable_) + ", process " + number;
        std::istringstream entries(text_of(folder_ + "/environ"));
        for (std::string entry; std::getline(entries, entry, '\0');)
            environment_.push_back(entry);
    }

    void look() {
        look_at_maps();
        Judgement judgement = judge(folder_ + "/root" + executable_);
        if (access(judgement.program.c_str(), F_OK) != 0) judgement = judge(folder_ + "/exe");
        take_over(judgement, found_);
        if (!library_.empty()) {
            found_->library = library_;
            found_->version = version_of(root() + library_);
            look_for_others();
        } else if (found_->active() && judgement.notes.empty()) {
            look_at_preload(preloaded(value_in(environment_, "LD_PRELOAD"),
                                      value_in(environment_, "LD_LIBRARY_PATH"), root()),
                            found_);
            found_->library = found_->version = "";
            if (found_->active())
                found_->reasons.push_back(
                    {"not-loaded",
                     "has not loaded the libtarn.so that LD_PRELOAD names: it came later, or was refused",
                     "start it again, and read what the loader says"});
        }
        look_at_variables(environment_, found_);
    }

  private:
    std::string root() const { return folder_ + "/root"; }

    void look_at_maps() {
        std::istringstream lines(text_of(folder_ + "/maps"));
        std::set<std::string> seen;
        for (std::string line; std::getline(lines, line);) {
            size_t at = line.find('/');
            if (at == std::string::npos) continue;
            std::string path = line.substr(at);
            constexpr std::string_view kGone = " (deleted)";
            bool gone = path.size() > kGone.size() &&
                        path.compare(path.size() - kGone.size(), kGone.size(), kGone) == 0;
            if (gone) path.erase(path.size() - kGone.size());
            if (path.find(".so") == std::string::npos || !seen.insert(path).second) continue;
            look_at(path, gone);
        }
    }

    void look_at(const std::string& path, bool gone) {
        std::string name = base_name(path);
        bool named_tarn = name.compare(0, 10, "libtarn.so") == 0;
        if (gone && named_tarn)
            found_->notes.push_back("the file was replaced or removed since the process began");
        std::optional<Elf> elf = gone ? std::nullopt : read_elf(root() + path);
        if (elf ? is_tarn(*elf) : named_tarn) library_ = path;
        bool is_libc = name.compare(0, 4, "libc") == 0 || name.compare(0, 3, "ld-") == 0;
        if (elf && is_allocator(*elf) && !is_libc) others_.push_back(path);
    }

    // Who comes first: as LD_PRELOAD says; else as the executable does.
    void look_for_others() {
        std::vector<std::string> order;
        for (const Preloaded& one : preloaded(value_in(environment_, "LD_PRELOAD"),
                                              value_in(environment_, "LD_LIBRARY_PATH"), root()))
            order.push_back(base_name(real(one.file)));
        if (std::optional<Elf> elf = read_elf(folder_ + "/exe"))
            for (const std::string& name : elf->needed)
                order.push_back(name);
        auto place = [&](const std::string& path) {
            std::string name = base_name(real(root() + path));
            return std::find_if(order.begin(), order.end(), [&](const std::string& one) {
                return !one.empty() && (name == one || name.compare(0, one.size() + 1, one + ".") == 0);
            });
        };
        for (const std::string& other : others_)
            if (place(other) < place(library_))
                found_->reasons.push_back({"another-first",
                                           "has loaded another allocator before tarn: " + other,
                                           "name libtarn.so first in LD_PRELOAD, and the other not at all"});
    }

    std::string folder_, executable_, library_;
    std::vector<std::string> others_;
    Environment environment_;
    Diagnosis* found_;
};

bool is_number(const std::string& word) {
    return !word.empty() && word.size() < 10 && word.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

int doctor(const DoctorOptions& options) {
    Diagnosis found;
    bool is_process = options.words.size() == 1 && is_number(options.words[0]);
    if (is_process)
        Process(options.words[0], &found).look();
    else if (options.words.empty())
        of_here(&found);
    else
        of_command(options.words[0], &found);
    found.limits = limits_of(is_process ? options.words[0] : "self", options.root);
    Status written = write_to("", options.json ? diagnosis_json(found) : diagnosis_text(found));
    return written != kDone ? written : found.active() ? 0 : 1;
}

}  // namespace tarn::cli
