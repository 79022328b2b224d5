// SPDX-License-Identifier: MIT
#include "cli/program/judgement.h"

#include <elf.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/program/libraries.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

#if defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
constexpr uint16_t kMachine = EM_X86_64;
#endif
constexpr const char* kInside = "TARN_KEEP_DEEPBIND";  // in every program that has tarn in it

std::string machine_name(const Elf& elf) {
    switch (elf.machine) {
        case EM_386:
            return "32-bit x86";
        case EM_ARM:
            return "32-bit ARM";
        case EM_X86_64:
            return elf.bits == 32 ? "x86-64 with 32-bit pointers" : "x86-64";
        case EM_AARCH64:
            return "64-bit ARM";
        case EM_RISCV:
            return "RISC-V";
        default:
            return fmt::format("machine {}", elf.machine);
    }
}

void add(Judgement* judgement, Effect effect, const char* code, std::string why, std::string advice) {
    if (effect > judgement->effect) judgement->effect = effect;
    judgement->reasons.push_back({code, std::move(why), std::move(advice)});
}

bool is_loader(const std::string& file) {
    std::error_code error;
    std::string name = std::filesystem::canonical(file, error).filename();
    return name.compare(0, 3, "ld-") == 0 || name.compare(0, 3, "ld.") == 0;
}

// Whose loader would refuse libtarn.so, or the program with it.
bool judge_kind(const Elf& elf, Judgement* judgement) {
    if (elf.machine != kMachine || elf.bits != 64) {
        std::string kind = machine_name(elf);
        add(judgement, Effect::kRefused, elf.bits == 32 ? "32-bit" : "machine",
            "is a program for " + kind + ", libtarn.so is built for another",
            "build tarn for that machine and preload that library");
        return false;
    }
    if (elf.loader.empty() && is_loader(judgement->program)) return false;  // it obeys LD_PRELOAD itself
    if (elf.loader.empty()) {
        if (file_holds(judgement->program, kInside)) {
            judgement->notes.push_back("is statically linked, with tarn inside: its own tarn serves it");
            return false;
        }
        add(judgement, Effect::kIgnored, "static",
            "is statically linked: no loader runs, so LD_PRELOAD does nothing and it keeps its own malloc",
            "link it with libtarn.a instead: cc -static -Wl,-u,malloc OBJECTS... libtarn.a");
        return false;
    }
    std::string loader = base_name(elf.loader);
    if (loader.find("musl") != std::string::npos)
        add(judgement, Effect::kRefused, "musl",
            "uses musl's C library (" + reader::printable(elf.loader) + "), and libtarn.so needs glibc",
            "run a build of the program for glibc");
    else if (loader.compare(0, 2, "ld") != 0)
        add(judgement, Effect::kRefused, "libc",
            "names the loader " + reader::printable(elf.loader) + ", which is not glibc's",
            "run a build of the program for glibc");
    return judgement->reasons.empty();
}

bool has_capabilities(const std::string& file) {
    return getxattr(file.c_str(), "security.capability", nullptr, 0) > 0;
}

// Programs that run in secure mode, where the loader ignores names with a slash.
void judge_privileges(Judgement* judgement) {
    struct stat status;
    if (stat(judgement->program.c_str(), &status) != 0) return;
    constexpr const char* kIgnored = ": the loader ignores LD_PRELOAD, and it keeps its own malloc";
    constexpr const char* kAdvice =
        "run what it starts instead, as the user it would become: for sudo, `sudo tarn run CMD`";
    constexpr mode_t kSetGroup = S_ISGID | S_IXGRP;
    if (status.st_mode & S_ISUID && status.st_uid != geteuid())
        add(judgement, Effect::kIgnored, "setuid", std::string("is set-user-ID") + kIgnored, kAdvice);
    if ((status.st_mode & kSetGroup) == kSetGroup && status.st_gid != getegid())
        add(judgement, Effect::kIgnored, "setgid", std::string("is set-group-ID") + kIgnored, kAdvice);
    if (getuid() != 0 && has_capabilities(judgement->program))
        add(judgement, Effect::kIgnored, "capabilities", std::string("is given capabilities") + kIgnored,
            kAdvice);
    if (status.st_mode & S_ISUID && status.st_uid == geteuid())
        judgement->notes.push_back(
            "is set-user-ID: it is served because you are its owner; for everybody else the loader ignores "
            "LD_PRELOAD");
}

void judge_names(const Elf& elf, Judgement* judgement) {
    constexpr std::array<std::array<const char*, 3>, 5> kSanitizers = {{
        {"__asan_init", "libasan", "AddressSanitizer"},
        {"__tsan_init", "libtsan", "ThreadSanitizer"},
        {"__msan_init", "libmsan", "MemorySanitizer"},
        {"__hwasan_init", "libhwasan", "HWAddressSanitizer"},
        {"__lsan_init", "liblsan", "LeakSanitizer"},
    }};
    for (const auto& [symbol, library, name] : kSanitizers)
        if (elf.defined.count(symbol) || elf.used.count(symbol) || elf.needs(library))
            return add(judgement, Effect::kRefused, "sanitizer",
                       fmt::format("is built with {}, which brings its own malloc and needs it", name),
                       "run a build without it");
    if (elf.defined.count("malloc") && !elf.defined.count("tarn_version"))
        add(judgement, Effect::kIdle, "own-malloc",
            "brings its own malloc, which comes before any that is preloaded", "build it without");
}

void hint(const Elf& elf, Judgement* judgement) {
    std::string name = base_name(judgement->program);
    auto begins = [&](std::string_view word) { return name.compare(0, word.size(), word) == 0; };
    auto hint = [&](const char* text) { judgement->hints.push_back(text); };
    if (begins("python") || elf.defined.count("Py_BytesMain") || elf.used.count("Py_BytesMain"))
        hint(
            "Python gives small objects to pools of its own: PYTHONMALLOC=malloc hands them to tarn, and "
            "shows who holds them");
    if (begins("php") || elf.defined.count("zend_startup"))
        hint(
            "PHP gives small objects to pools of its own: USE_ZEND_ALLOC=0 hands them to tarn, and shows who "
            "holds them");
    if (begins("redis-server") || begins("redis-check") || begins("valkey-server") ||
        elf.used.count("mallctl") || elf.used.count("je_malloc"))
        hint(
            "it asks jemalloc for figures of memory (INFO memory in Redis): those stay jemalloc's, who then "
            "serves nothing; "
            "tarn's are in tarn report");
}

Judgement judged(const std::string& file, const std::string& name, int scripts) {
    Judgement judgement;
    judgement.program = file;
    judgement.name = reader::printable(name);
    std::optional<Elf> elf = read_elf(file);
    if (!elf) {
        std::string interpreter = scripts < kMostScripts ? interpreter_of(file) : "";
        if (interpreter.empty() || access(interpreter.c_str(), F_OK) != 0) return judgement;
        return judged(interpreter, interpreter + " (which runs " + name + ")", scripts + 1);
    }
    if (!judge_kind(*elf, &judgement)) return judgement;
    judge_privileges(&judgement);
    judge_names(*elf, &judgement);
    hint(*elf, &judgement);
    return judgement;
}

}  // namespace

Judgement judge(const std::string& file) {
    return judged(file, file, 0);
}

bool is_tarn(const Elf& elf) {
    return elf.defined.count("tarn_version") && elf.defined.count("malloc");
}

bool is_allocator(const Elf& elf) {
    return elf.defined.count("malloc") && !elf.defined.count("tarn_version");
}

}  // namespace tarn::cli
