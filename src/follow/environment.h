// SPDX-License-Identifier: MIT
// The environment with which this process becomes another program: the one that was asked for, and ours in it, marked.
#pragma once
#include <cstddef>

namespace tarn::follow {

// Nothing in it allocates by malloc: any moment may be one for exec. Unless this is the process that is followed it is the
// environment that was asked for; so it is in a child of vfork, which shares memory and writes to none of it.
class Environment {
  public:
    explicit Environment(char* const* asked);
    ~Environment();
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    char* const* get() const { return made_ ? made_ : asked_; }

  private:
    char* const* asked_;
    char** made_ = nullptr;
    size_t bytes_ = 0;
};

}  // namespace tarn::follow
