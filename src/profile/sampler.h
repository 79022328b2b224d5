// SPDX-License-Identifier: MIT
// The sampler: the observer that counts bytes down to the next object that is sampled, puts that one where its free is seen,
// and enters it in the books with its stack. docs/profile.md.
#pragma once
#include "record/sampler.h"

namespace tarn::profile {

// What the record asks of it. To be joined before the record is begun.
const record::Sampler& sampler_table();

}  // namespace tarn::profile
