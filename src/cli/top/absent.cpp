// SPDX-License-Identifier: MIT
// In place of `tarn top`, where it could not be built.
#include "cli/common/outcome.h"
#include "cli/top/top.h"

namespace tarn::cli {

int top(const TopOptions&) {
    return failed(kFailed, "top is left out of this build; install libncurses-dev and build anew");
}

}  // namespace tarn::cli
