// SPDX-License-Identifier: MIT
#include "cli/doctor/limits.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include "cli/common/words.h"
#include "cli/doctor/preload.h"

namespace tarn::cli {
namespace {

std::optional<uint64_t> number_in(const std::string& text) {
    size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits > 18) return {};
    return std::stoull(text.substr(0, digits));
}

class Limits {
  public:
    Limits(const std::string& process, const std::string& root)
        : process_(root + "/proc/" + process), root_(root) {}

    std::vector<Limit> found() {
        resource("Max address space", "RLIMIT_AS",
                 "more than that is refused; tarn reserves 2 MiB at its start and not 40");
        resource("Max data size", "RLIMIT_DATA", "more than that is refused: malloc returns NULL");
        cgroups();
        settings();
        return limits_;
    }

  private:
    void add(const char* name, const std::string& value, const std::string& meaning) {
        limits_.push_back({name, value, meaning});
    }

    void resource(const std::string& title, const char* name, const char* meaning) {
        std::istringstream lines(text_of(process_ + "/limits"));
        for (std::string line; std::getline(lines, line);) {
            if (line.compare(0, title.size(), title) != 0) continue;
            size_t at = line.find_first_not_of(' ', title.size());
            std::optional<uint64_t> bytes =
                at == std::string::npos ? std::nullopt : number_in(line.substr(at));
            if (bytes) add(name, bytes_word(*bytes), meaning);
        }
    }

    // The smallest of a folder's and those above it.
    std::optional<uint64_t> smallest(const std::string& mount, std::string path, const char* file) const {
        std::optional<uint64_t> least;
        for (;;) {
            std::optional<uint64_t> bytes = number_in(text_of(mount + path + "/" + file));
            constexpr uint64_t kNone = uint64_t{1} << 60;  // what version 1 has for none
            if (bytes && *bytes < kNone && (!least || *bytes < *least)) least = bytes;
            if (path.empty() || path == "/") return least;
            path.erase(path.rfind('/'));
        }
    }

    void cgroup(const std::string& mount, const std::string& path, const char* file, const char* meaning) {
        if (std::optional<uint64_t> bytes = smallest(mount, path, file))
            add(file, bytes_word(*bytes), meaning);
    }

    void cgroups() {
        constexpr const char* kKills =
            "the kernel kills a process of this container or service when it holds more";
        std::istringstream lines(text_of(process_ + "/cgroup"));
        for (std::string line; std::getline(lines, line);) {
            size_t first = line.find(':'), second = line.find(':', first + 1);
            if (first == std::string::npos || second == std::string::npos) continue;
            std::string controllers = line.substr(first + 1, second - first - 1),
                        path = line.substr(second + 1);
            if (path.find("..") != std::string::npos || path.empty() || path[0] != '/') path = "/";
            if (controllers.empty()) {
                cgroup(root_ + "/sys/fs/cgroup", path, "memory.max", kKills);
                cgroup(root_ + "/sys/fs/cgroup", path, "memory.high",
                       "above it the kernel slows the process down and takes memory back; TARN_DIRTY=0 keeps "
                       "less of what is free");
            } else if (controllers == "memory") {
                cgroup(root_ + "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes", kKills);
            }
        }
    }

    void settings() {
        if (number_in(text_of(root_ + "/proc/sys/vm/overcommit_memory")) == 2u)
            add("vm.overcommit_memory", "2",
                "the kernel promises no more than there is, so that malloc may return NULL early; what tarn "
                "only reserves does not count");
        constexpr uint64_t kUsual = 65530;
        std::optional<uint64_t> mappings = number_in(text_of(root_ + "/proc/sys/vm/max_map_count"));
        if (mappings && *mappings < kUsual)
            add("vm.max_map_count", number_word(*mappings),
                "less than usual (65,530); tarn keeps to a quarter of them");
        std::string huge = text_of(root_ + "/sys/kernel/mm/transparent_hugepage/enabled");
        if (huge.find("[always]") != std::string::npos)
            add("transparent huge pages", "always",
                "more may be resident than is used; TARN_HUGE_PAGES=0 keeps tarn's memory in small pages");
        if (huge.find("[never]") != std::string::npos)
            add("transparent huge pages", "never", "TARN_HUGE_PAGES has nothing to ask for");
    }

    std::string process_, root_;
    std::vector<Limit> limits_;
};

}  // namespace

std::vector<Limit> limits_of(const std::string& process, const std::string& root) {
    return Limits(process, root).found();
}

}  // namespace tarn::cli
