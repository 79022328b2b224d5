// SPDX-License-Identifier: MIT
#include "cli/run/environment.h"

#include <algorithm>

#include "follow/marks.h"

namespace tarn::cli {
namespace {

void add(std::vector<std::string>* all, const std::string& name, const std::string& value, ForWhom whom) {
    std::string begin = name + "=";
    auto entry = std::find_if(all->begin(), all->end(), [&](const std::string& one) {
        return one.compare(0, begin.size(), begin) == 0;
    });
    std::string mark = entry == all->end() ? follow::kNew + begin : follow::kWas + *entry;
    if (entry == all->end())
        all->push_back(begin + value);
    else
        *entry = begin + value;
    if (whom == ForWhom::kCommand) all->push_back(mark);
}

}  // namespace

std::vector<std::string> with_added(std::vector<std::string> before, const Added& added, ForWhom whom) {
    // Marks of a `tarn run` around this one, whose library was not there to take them out.
    before.erase(std::remove_if(before.begin(), before.end(),
                                [](const std::string& entry) {
                                    return entry.compare(0, follow::kMarkLength, follow::kWas) == 0 ||
                                           entry.compare(0, follow::kMarkLength, follow::kNew) == 0;
                                }),
                 before.end());
    std::string preload = follow::kPreload, others;
    for (const std::string& entry : before)
        if (entry.compare(0, preload.size(), preload) == 0) others = entry.substr(preload.size());
    for (const auto& [name, value] : added.variables)
        add(&before, name, value, whom);
    add(&before, preload.substr(0, preload.size() - 1), added.preload + (others.empty() ? "" : ":" + others),
        whom);
    return before;
}

}  // namespace tarn::cli
