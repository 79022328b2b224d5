// SPDX-License-Identifier: MIT
// By which names the server may be asked. A page of anybody's may let its own name lead to this machine (DNS rebinding),
// and read the answers as its own; the browser still says which name it asked for.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::cli {

// Of a header's value: "localhost" of "LocalHost:9464", "::1" of "[::1]:9464".
std::string host_name(std::string_view host);

class Hosts {
  public:
    Hosts() = default;  // any
    // Those of this machine's own, and `more`.
    explicit Hosts(const std::vector<std::string>& more);

    // Nothing was said: so no browser asks.
    bool allow(const std::optional<std::string>& host) const;

  private:
    std::vector<std::string> names_;
};

}  // namespace tarn::cli
