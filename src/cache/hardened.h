// SPDX-License-Identifier: MIT
// The hardened mode, in one place: what it changes, each under the name of what it decides. All of it is asked at
// cold ends, which is where every free arrives while bins hold nothing.
#pragma once
#include "base/options.h"

namespace tarn::hardened {

// Requests go to slabs of the hardened kind, and large blocks are guarded.
inline bool serves() {
    return options.hardened;
}
// Bins have no limit and refills bring one object: every free goes past the bin, in full view.
inline bool keeps_bins_empty() {
    return options.hardened;
}
// Each free looks at marks, also in builds without the check on the fast path, and at what was freed last.
inline bool checks_every_free() {
    return options.hardened;
}
// free_sized and sized delete compare the size with the object's, so that they may not pass as plain frees.
inline bool checks_sizes() {
    return options.hardened;
}
// Every pool of the explicit interface is a checked one; asked once for each, when it is made. A build for
// debugging has them checked, too, as C++ programs have theirs.
inline bool checks_pools() {
#ifdef NDEBUG
    return options.hardened;
#else
    return true;
#endif
}

}  // namespace tarn::hardened
