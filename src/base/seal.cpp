// SPDX-License-Identifier: MIT
#include "base/seal.h"

#include "os/os.h"

namespace tarn {

thread_local constinit uint8_t shard_number_above __attribute__((tls_model("initial-exec"))) = 0;

constinit uint64_t seal_secret = 0;

// From random bytes that libc makes other secrets of, so that these do not follow from a seal.
void make_seal_secret() {
    if (seal_secret) return;
    uint64_t mixed = (os::random() ^ 0x6a09e667f3bcc909) * 0xff51afd7ed558ccd;
    mixed ^= mixed >> 32;
    seal_secret = mixed * 0xc4ceb9fe1a85ec53 | 1;
}

}  // namespace tarn
