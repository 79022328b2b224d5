// SPDX-License-Identifier: MIT
#include "cli/export/hosts.h"

#include <algorithm>
#include <cctype>

namespace tarn::cli {

std::string host_name(std::string_view host) {
    size_t begin = std::min(host.find_first_not_of(" \t"), host.size());
    host = host.substr(begin, host.find_last_not_of(" \t") + 1 - begin);
    size_t end = host.find(']');
    if (!host.empty() && host[0] == '[' && (host.substr(end + 1).empty() || host[end + 1] == ':')) {
        host = host.substr(1, end - 1);
    } else if (host.find(':') == host.rfind(':')) {  // else an address of IPv6, as --address has it
        host = host.substr(0, host.find(':'));
    }
    std::string name(host);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name;
}

Hosts::Hosts(const std::vector<std::string>& more) : names_{"localhost", "127.0.0.1", "::1"} {
    for (const std::string& name : more)
        names_.push_back(host_name(name));
}

bool Hosts::allow(const std::optional<std::string>& host) const {
    return names_.empty() || !host ||
           std::find(names_.begin(), names_.end(), host_name(*host)) != names_.end();
}

}  // namespace tarn::cli
