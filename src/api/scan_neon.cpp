// SPDX-License-Identifier: MIT
// The scanner by vectors of 16 bytes, for aarch64.
#include <arm_neon.h>

#include "api/scan_bytes.h"
#include "api/scan_versions.h"

namespace tarn::scan {
namespace {

alignas(16) constexpr uint8_t kBitOfRow[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};

struct Narrow {
    using Bytes = uint8x16_t;
    static constexpr size_t kSize = 16, kBits = 4;

    [[gnu::always_inline]] static Bytes load(const uint8_t* from) { return vld1q_u8(from); }
    [[gnu::always_inline]] static Bytes fill(uint8_t byte) { return vdupq_n_u8(byte); }
    [[gnu::always_inline]] static Bytes both(Few few) {
        return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(few.first), vcreate_u64(few.last)));
    }
    [[gnu::always_inline]] static Bytes equal(Bytes a, Bytes b) { return vceqq_u8(a, b); }
    [[gnu::always_inline]] static Bytes different(Bytes a, Bytes b) { return vmvnq_u8(vceqq_u8(a, b)); }
    [[gnu::always_inline]] static Bytes either(Bytes a, Bytes b) { return vorrq_u8(a, b); }
    [[gnu::always_inline]] static bool any(Bytes a) { return vmaxvq_u8(a) != 0; }
    // Four bits of each byte: a narrowing shift by four (Danila Kutenin, 2022).
    [[gnu::always_inline]] static uint64_t mask(Bytes a) {
        return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(a), 4)), 0);
    }
    [[gnu::always_inline]] static Bytes subtract(Bytes a, Bytes b) { return vsubq_u8(a, b); }
    [[gnu::always_inline]] static uint64_t sum(Bytes a) { return vaddlvq_u8(a); }

    struct Set {
        Bytes low, high, bit;
    };
    [[gnu::always_inline]] static Set tables(const uint8_t* rows) {
        return {load(rows), load(rows + 16), load(kBitOfRow)};
    }
    // The bit of each byte that says whether it is in the set, and that bit alone. A look-up gives 0 where
    // the index is 16 or more, so each of the two tables sees its own half only.
    struct Looked {
        Bytes found, bit;
    };
    [[gnu::always_inline]] static Looked look(const Set& set, Bytes a) {
        const Bytes index = vandq_u8(a, fill(0x8f));
        const Bytes lower = vqtbl1q_u8(set.low, index);
        const Bytes upper = vqtbl1q_u8(set.high, veorq_u8(index, fill(0x80)));
        const Bytes bit = vqtbl1q_u8(set.bit, vshrq_n_u8(a, 4));
        return {vandq_u8(vorrq_u8(lower, upper), bit), bit};
    }
    [[gnu::always_inline]] static Bytes has(const Set& set, Bytes a) {
        const Looked looked = look(set, a);
        return equal(looked.found, looked.bit);
    }
    [[gnu::always_inline]] static Bytes has_not(const Set& set, Bytes a) {
        return equal(look(set, a).found, fill(0));
    }
};

using Here = Neon;
using Wide = Narrow;

}  // namespace
}  // namespace tarn::scan

#include "api/scan_kernel.h"
