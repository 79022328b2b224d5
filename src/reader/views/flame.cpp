// SPDX-License-Identifier: MIT
#include "reader/views/flame.h"

#include <algorithm>
#include <unordered_map>

namespace tarn::reader {
namespace {

constexpr size_t kNodesMost = 1 << 20, kDepthMost = 256;
constexpr uint32_t kNone = UINT32_MAX;

void add(Flame::Values* to, const Flame::Values& values) {
    for (size_t i = 0; i < values.size(); ++i)
        if (__builtin_add_overflow((*to)[i], values[i], &(*to)[i])) (*to)[i] = UINT64_MAX;
}

class Tree {
  public:
    Tree() { grown_.push_back({kNone, {}, {}}); }

    // All stacks of a profile; `values_of` says what one counts for.
    template <class ValuesOf>
    void add_profile(const Record& record, const Profile& profile, ValuesOf values_of) {
        std::vector<std::vector<uint32_t>> names;  // of each location, the outermost first
        for (const Location& location : profile.locations)
            names.push_back(names_of(record, location));
        for (const Trace& trace : profile.traces) {
            Flame::Values values = values_of(trace.values);
            if (values == Flame::Values{}) continue;
            uint32_t at = 0;
            size_t depth = 0;
            add(&grown_[0].values, values);
            if (trace.cut) step(number_of({"[cut]", "", true}), values, &at, &depth);
            for (auto number = trace.locations.rbegin(); number != trace.locations.rend(); ++number)
                for (uint32_t name : names[*number])
                    step(name, values, &at, &depth);
        }
    }

    Flame laid_out() {
        Flame flame;
        flame.names = std::move(names_);
        flame.dropped = dropped_;
        std::vector<std::vector<uint32_t>> children(grown_.size());
        for (uint32_t i = 1; i < grown_.size(); ++i)
            children[grown_[i].parent].push_back(i);
        std::vector<std::pair<uint32_t, uint32_t>> waiting = {
            {0, 0}};  // nodes and their depths, the next one last
        while (!waiting.empty()) {
            auto [number, depth] = waiting.back();
            waiting.pop_back();
            flame.nodes.push_back({grown_[number].name, depth, grown_[number].values});
            std::vector<uint32_t>& those = children[number];
            std::sort(those.begin(), those.end(), [&](uint32_t a, uint32_t b) {
                const Grown &one = grown_[a], &other = grown_[b];
                if (one.values != other.values) return one.values < other.values;
                return flame.names[one.name].function > flame.names[other.name].function;
            });
            for (uint32_t child : those)
                waiting.emplace_back(child, depth + 1);
        }
        return flame;
    }

    // Of a difference: the first value becomes the sum of what is larger, stack for stack.
    void take_larger() {
        std::vector<Flame::Values> own(grown_.size());
        for (uint32_t i = 0; i < grown_.size(); ++i)
            own[i] = grown_[i].values;
        for (uint32_t i = 1; i < grown_.size(); ++i)
            for (size_t value = 1; value < Flame::kValues; ++value) {
                uint64_t& left = own[grown_[i].parent][value];
                left -= std::min(left, grown_[i].values[value]);
            }
        for (Grown& node : grown_)
            node.values[0] = 0;
        // A child was made after its parent.
        for (size_t i = grown_.size(); i-- > 0;) {
            add(&grown_[i].values, {std::max(own[i][1], own[i][2]), 0, 0});
            if (i != 0) add(&grown_[grown_[i].parent].values, {grown_[i].values[0], 0, 0});
        }
    }

  private:
    struct Grown {
        uint32_t parent, name;
        Flame::Values values;
    };

    uint32_t number_of(const Flame::Name& name) {
        auto [found, is_new] = numbers_.try_emplace(name.function, names_.size());
        if (is_new) names_.push_back(name);
        return found->second;
    }

    std::vector<uint32_t> names_of(const Record& record, const Location& location) {
        std::vector<uint32_t> found;
        for (size_t i = std::max<size_t>(location.lines.size(), 1); i-- > 0;)
            found.push_back(number_of({function_name(record, location, i),
                                       i < location.lines.size() ? location.lines[i].file : "",
                                       location.of_language[i]}));
        return found;
    }

    // One function further in; where the tree is as large as it may be, the value stays with who called.
    void step(uint32_t name, const Flame::Values& values, uint32_t* at, size_t* depth) {
        if (*at == kNone) return;
        uint64_t key = static_cast<uint64_t>(*at) << 32 | name;
        auto found = places_.find(key);
        if (found == places_.end()) {
            if (grown_.size() >= kNodesMost || *depth >= kDepthMost) {
                ++dropped_;
                *at = kNone;
                return;
            }
            found = places_.emplace(key, static_cast<uint32_t>(grown_.size())).first;
            grown_.push_back({*at, name, {}});
        }
        *at = found->second;
        ++*depth;
        add(&grown_[*at].values, values);
    }

    std::vector<Grown> grown_;
    std::vector<Flame::Name> names_;
    std::unordered_map<std::string, uint32_t> numbers_;
    std::unordered_map<uint64_t, uint32_t> places_;  // by parent and name
    uint64_t dropped_ = 0;
};

}  // namespace

Flame flame(const Record& record, const Profile& profile) {
    Tree tree;
    tree.add_profile(record, profile, [](const Values& values) {
        return Flame::Values{values.live_bytes, values.peak_bytes, values.allocated_bytes};
    });
    return tree.laid_out();
}

Flame flame_of_difference(const Side& before, const Side& after) {
    Tree tree;
    tree.add_profile(before.record, before.profile, [](const Values& values) {
        return Flame::Values{0, values.live_bytes, 0};
    });
    tree.add_profile(after.record, after.profile, [](const Values& values) {
        return Flame::Values{0, 0, values.live_bytes};
    });
    tree.take_larger();
    return tree.laid_out();
}

Flame pruned(const Flame& whole, uint64_t parts) {
    Flame left{whole.names, {}, whole.left_out, whole.dropped};
    uint32_t below = kNone;  // what lies deeper than this goes with what was dropped there
    for (const Flame::Node& node : whole.nodes) {
        if (node.depth > below) {
            ++left.dropped;
            continue;
        }
        below = kNone;
        bool large = node.depth == 0;
        for (size_t i = 0; i < Flame::kValues; ++i)
            large |= node.values[i] != 0 && node.values[i] >= whole.nodes[0].values[i] / parts;
        if (large) {
            left.nodes.push_back(node);
        } else {
            below = node.depth;
            ++left.dropped;
            add(&left.left_out, node.values);
        }
    }
    return left;
}

}  // namespace tarn::reader
