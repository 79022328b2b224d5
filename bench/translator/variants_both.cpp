// SPDX-License-Identifier: MIT
#include "variants.h"

std::vector<translator::Variant> translator::variants() {
    return {{"--plain", plain::translate}, {"--tarn", with_tarn::translate}};
}
