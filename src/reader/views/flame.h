// SPDX-License-Identifier: MIT
// Flame: all stacks of a profile as one tree, the outermost function at its root, and that tree cut down to what can be
// drawn. A record may have a million stacks: how large the tree gets has a bound.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "reader/profile.h"

namespace tarn::reader {

struct Flame {
    // Bytes. Of a profile: live, live at the peak, allocated. Of a difference: the larger of the two others, live before,
    // live after.
    static constexpr size_t kValues = 3;
    using Values = std::array<uint64_t, kValues>;

    struct Name {
        std::string function;
        std::string file;          // where it is first seen, "" where it is not known
        bool of_language = false;  // as in Location
    };
    // Children lie behind their parent, the one with the largest first value first. A node has what its children have.
    struct Node {
        uint32_t name = 0, depth = 0;
        Values values = {};
    };

    std::vector<Name> names;
    std::vector<Node> nodes;  // the first is the root, which has no name
    Values left_out = {};     // of the nodes that were dropped, those on top of each other counted once
    uint64_t dropped = 0;     // how many
};

Flame flame(const Record& record, const Profile& profile);

// Two profiles by the names of their functions.
Flame flame_of_difference(const Side& before, const Side& after);

// Without the nodes that have less than one part in `parts` of each value, and what is above them.
Flame pruned(const Flame& whole, uint64_t parts);

}  // namespace tarn::reader
