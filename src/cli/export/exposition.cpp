// SPDX-License-Identifier: MIT
#include "cli/export/exposition.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "metrics/family.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

std::string escaped(const std::string& from) {
    std::string made;
    for (char letter : reader::printable(from)) {
        if (letter == '"' || letter == '\\') made += '\\';
        made += letter;
    }
    return made;
}

void add_label(std::string* labels, const char* name, const std::string& value) {
    if (!value.empty())
        *labels += fmt::format("{}{}=\"{}\"", labels->empty() ? "" : ",", name, escaped(value));
}

struct Group {
    std::string unit, container;  // of systemd's; an id's first twelve digits
};

// By the path of its control group: .../shop.service, .../docker-<64 digits>.scope, .../<64 digits>
Group group_of(const std::string& process) {
    std::ifstream file("/proc/" + process + "/cgroup");
    Group group;
    for (std::string line; std::getline(file, line);) {
        size_t begin = line.find('/');
        while (begin != std::string::npos) {
            size_t end = line.find('/', begin + 1);
            std::string part = line.substr(begin + 1, end == std::string::npos ? end : end - begin - 1);
            if (part.size() > 8 && part.compare(part.size() - 8, 8, ".service") == 0) group.unit = part;
            size_t digits = part.find_first_of("0123456789abcdef"), from = 0;
            for (; digits != std::string::npos; digits = part.find_first_of("0123456789abcdef", from)) {
                from = std::min(part.find_first_not_of("0123456789abcdef", digits), part.size());
                if (from - digits == 64) group.container = part.substr(digits, 12);
            }
            begin = end;
        }
    }
    return group;
}

std::string labels_of(const reader::Member& member) {
    std::string labels;
    add_label(&labels, "pid", std::to_string(member.record.who.pid));
    add_label(&labels, "program", member.record.who.program);
    if (!member.is_there()) return labels;
    Group group = group_of(member.known.number);
    add_label(&labels, "unit", group.unit);
    add_label(&labels, "container", group.container);
    return labels;
}

void hold(uint64_t* most, uint64_t* value) {
    *most = *value = std::max(*most, *value);
}

// As Text of the allocator's takes pieces.
struct Name {
    std::string text;
    void add(const char* piece) { text += piece; }
};

template <class Owner>
std::string family_name(const char* prefix, const Metric<Owner>& metric) {
    Name name;
    add_family_name(name, prefix, metric);
    return name.text;
}

enum class FamilyKind { kGauge, kCounter, kInfo };

// One after the other: what a family is, then its samples.
class Writer {
  public:
    explicit Writer(Exposition exposition) : open_(exposition == Exposition::kOpenMetrics) {}

    void family(const std::string& name, FamilyKind kind, const char* unit, const std::string& help) {
        const char* end = kind == FamilyKind::kCounter ? "_total" : kind == FamilyKind::kInfo ? "_info" : "";
        sample_name_ = name + end;
        const std::string& family = open_ ? name : sample_name_;
        const char* type = kind == FamilyKind::kCounter         ? "counter"
                           : kind == FamilyKind::kInfo && open_ ? "info"
                                                                : "gauge";
        text_ += fmt::format("# TYPE {} {}\n", family, type);
        if (open_ && *unit) text_ += fmt::format("# UNIT {} {}\n", family, unit);
        text_ += fmt::format("# HELP {} {}.\n", family, help);
    }
    void sample(const std::string& labels, const std::string& value) {
        text_ += sample_name_;
        if (!labels.empty()) text_ += "{" + labels + "}";
        text_ += " " + value + "\n";
    }
    std::string written() { return open_ ? text_ + "# EOF\n" : text_; }

  private:
    bool open_;
    std::string sample_name_, text_;
};

template <class Owner>
void add_family(Writer* writer, const char* prefix, const Metric<Owner>& metric) {
    writer->family(family_name(prefix, metric),
                   metric.kind == Kind::kCounter ? FamilyKind::kCounter : FamilyKind::kGauge,
                   unit_name(metric.unit), metric.help);
}

std::string value_of(const Total& metric, const tarn_stats& stats) {
    if (!metric.ratio) return std::to_string(stats.*metric.count);
    return fmt::format("{:.{}f}", presentable(stats.*metric.ratio), kRatioDecimals);
}

std::string seconds(const tarn_record_header& header, uint64_t monotonic_ns) {
    uint64_t since = monotonic_ns > header.started_ns ? monotonic_ns - header.started_ns : 0;
    return fmt::format("{:.3f}",
                       (static_cast<double>(header.started_realtime_ns) + static_cast<double>(since)) / 1e9);
}

}  // namespace

const tarn_stats* Exporter::held(const reader::Member& member) {
    if (!member.is_there() || !member.record.stats) return nullptr;
    auto [found, is_new] = held_.try_emplace(member.input, *member.record.stats);
    tarn_stats &most = found->second, now = *member.record.stats;
    for (const Total& metric : kTotals)
        if (metric.kind == Kind::kCounter) hold(&(most.*metric.count), &(now.*metric.count));
    for (uint32_t i = 0; i < now.classes; ++i)
        for (const PerClass& metric : kPerClass)
            if (metric.kind == Kind::kCounter)
                hold(&(most.class_stats[i].*metric.count), &(now.class_stats[i].*metric.count));
    most = now;
    return &most;
}

void Exporter::update(const reader::Crowd& crowd) {
    processes_.clear();
    unreadable_ = crowd.unreadable();
    std::vector<const reader::Member*> members;
    std::set<std::shared_ptr<const reader::Input>> there;
    for (const reader::Member& member : crowd.members()) {
        members.push_back(&member);
        there.insert(member.input);
    }
    std::erase_if(held_, [&](const auto& one) { return there.count(one.first) == 0; });
    std::stable_sort(members.begin(), members.end(), [](const auto* a, const auto* b) {
        return a->is_there() != b->is_there() ? a->is_there() : a->record.who.pid < b->record.who.pid;
    });
    // A scrape in which two samples have the same name and labels is refused as a whole.
    std::set<std::string> taken;
    for (const reader::Member* member : members) {
        std::string labels = labels_of(*member);
        if (taken.insert(labels).second) processes_.push_back({member, labels, held(*member)});
    }
}

std::string Exporter::text(Exposition exposition) const {
    Writer writer(exposition);
    writer.family("tarn_records", FamilyKind::kGauge, "", "Records of processes that are looked at");
    writer.sample("", std::to_string(processes_.size()));
    writer.family("tarn_records_unreadable", FamilyKind::kGauge, "", "Files among them that cannot be read");
    writer.sample("", std::to_string(unreadable_));
    writer.family("tarn_process_state", FamilyKind::kGauge, "",
                  "1: the process is in this state, or ended so; a killed one is seen until its record goes");
    for (const Process& one : processes_)
        writer.sample(fmt::format("{},state=\"{}\"", one.labels, name_of(one.member->state.fate)), "1");
    writer.family("tarn_build", FamilyKind::kInfo, "", "What the numbers are about");
    for (const Process& one : processes_) {
        std::string labels = one.labels;
        add_label(&labels, "version", one.member->record.who.tarn_version);
        add_label(&labels, "backend", one.member->record.who.backend);
        writer.sample(labels, "1");
    }
    writer.family("tarn_start_timestamp_seconds", FamilyKind::kGauge, "seconds", "When the record was begun");
    for (const Process& one : processes_)
        writer.sample(one.labels, seconds(one.member->record.header, 0));
    writer.family("tarn_snapshot_timestamp_seconds", FamilyKind::kGauge, "seconds",
                  "When the numbers were so; a process that asks for no memory writes none");
    for (const Process& one : processes_)
        if (one.stats)
            writer.sample(one.labels, seconds(one.member->record.header, one.member->record.snapshot_ns));
    for (const Total& metric : kTotals) {
        add_family(&writer, "tarn_", metric);
        for (const Process& one : processes_)
            if (one.stats) writer.sample(one.labels, value_of(metric, *one.stats));
    }
    for (const PerClass& metric : kPerClass) {
        if (classes_ == Classes::kLeftOut || metric.count == &tarn_class_stats::object_size) continue;
        add_family(&writer, "tarn_class_", metric);
        for (const Process& one : processes_)
            for (uint32_t i = 0; one.stats && i < one.stats->classes; ++i) {
                const tarn_class_stats& size_class = one.stats->class_stats[i];
                if (was_used(size_class))
                    writer.sample(fmt::format("{},class=\"{}\"", one.labels, size_class.object_size),
                                  std::to_string(size_class.*metric.count));
            }
    }
    return writer.written();
}

}  // namespace tarn::cli
