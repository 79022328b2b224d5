// SPDX-License-Identifier: MIT
#include "entry/lookup.h"

#include "backend/blocks.h"
#include "entry/foreign.h"
#include "entry/misuse.h"
#include "hardened/hardened.h"
#include "mixed/mixed.h"
#include "seam/recorder.h"

namespace tarn {

Found look_up(void* pointer) {
    if (is_object(pointer)) {
        Slab& slab = *slab_of(pointer);
        if (!slab.is_object(pointer)) check_object(slab, pointer);
        return {Kind::kObject, slab.info().size};
    }
    if (hardened::has(pointer)) return {Kind::kHardened, hardened::size_of(pointer)};
    if (mixed::has(pointer)) return {Kind::kObject, mixed_size(pointer)};
    if (const size_t size = block_size(pointer)) return {Kind::kBlock, size};
    if (const Recorder* const record = recorder())
        if (const size_t size = record->guarded_size(pointer)) return {Kind::kGuarded, size};
    if (const size_t size = libc_size(pointer)) return {Kind::kForeign, size};
    return {};
}

// Of what is nobody's a program may ask, as one with a malloc of its own does.
size_t usable_size(void* pointer) {
    if (const size_t size = object_size(pointer)) [[likely]]
        return size;
    return pointer ? look_up(pointer).size : 0;
}

}  // namespace tarn
