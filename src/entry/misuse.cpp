// SPDX-License-Identifier: MIT
#include "entry/misuse.h"

#include "backend/blocks.h"
#include "base/message.h"
#include "cache/bins.h"
#include "entry/allocate.h"
#include "entry/lookup.h"
#include "hardened/hardened.h"
#include "hardened/store.h"

namespace tarn {

namespace {

bool on_list(const Object* head, const Object* object, size_t steps = SIZE_MAX) {
    for (; head && steps > 0; head = head->next, --steps)
        if (head == object) return true;
    return false;
}

[[noreturn]] void die_free_twice(const Slab& slab, const Object* object) {
    die(Fault::kDoubleFree, object, "an object of", slab.info().size, "bytes");
}

}  // namespace

void check_object(const Slab& slab, const void* p) {
    if (slab.is_object(p)) return;
    const size_t offset = static_cast<size_t>(static_cast<const char*>(p) - slab.begin());
    if (index_in_slab(slab.info(), offset) >= slab.carved()) die_never_handed_out(p);
    die(Fault::kInsideObject, p, "into one of", slab.info().size, "bytes");
}

void die_mixed(const mixed::Found& found, const void* p) {
    if (found.state == mixed::State::kNothing) die_never_handed_out(p);
    const size_t size = kSizeClasses[found.size_class].size;
    if (found.state == mixed::State::kInside) die(Fault::kInsideObject, p, "into one of", size, "bytes");
    die(Fault::kDoubleFree, p, "an object of", size, "bytes");
}

size_t mixed_size(const void* p) {
    const mixed::Found found = mixed::look_up(p);
    if (found.state == mixed::State::kInside || found.state == mixed::State::kNothing) die_mixed(found, p);
    return kSizeClasses[found.size_class].size;
}

void check_marked(ThreadCache* cache, Slab& slab, Object* object) {
    if (!cache || slab.owner.load(std::memory_order_relaxed) != cache->heap.id())
        die_free_twice(slab, object);  // its lists cannot be walked; but the value is of this very address
    const HeapGuard guard(cache->heap);
    if (on_list(slab.free, object) || in_bin(*cache, slab.size_class, object) || remote_count(slab) > 0)
        die_free_twice(slab, object);
    object->mark = 0;
}

void check_not_just_freed(ThreadCache& cache, Slab& slab, Object* object) {
    constexpr size_t kSteps = 64;
    const HeapGuard guard(cache.heap);
    if (on_list(slab.free, object, kSteps)) die_free_twice(slab, object);
}

namespace {

// The record of a slab that was dissolved stays as it was until its units are used again.
bool was_object(const void* p) {
    if (!in_window(p) || entry_at(p) != 0) return false;
    const size_t unit = unit_of(p) % kWindowUnits.count();
    const Slab* any = static_cast<Slab*>(record_at(p));
    if (unit < kUsableBegin) return false;
    if (mixed::was_mixed(p) || hardened::was_here(p)) return true;
    if (any->behind > unit - kUsableBegin) return false;
    const Slab& slab = *slab_of(p);
    return slab.state == SlabState::kNone && slab.behind == 0 && slab.size_class < kClasses &&
           unit_of(p) - slab.first_unit() < slab.info().units.count() && slab.index_of(p) < slab.carved();
}

}  // namespace

void die_never_handed_out(const void* p) {
    if (was_object(p)) die(Fault::kDoubleFree, p, "in a slab that is empty by now");
    die(Fault::kNeverHandedOut, p);
}

void die_nobodys(const void* p) {
    if (entry_at(p) == kBlockEntry || inside_block(p)) die(Fault::kInsideObject, p, "into a large block");
    die_never_handed_out(p);
}

void check_block_form(const void* block, hardened::Form form) {
    const auto made = static_cast<hardened::Form>(block_note(block));
    if (!hardened::forms_differ(made, form)) return;
    die(Fault::kWrongForm, block, hardened::made_by(made), block_size(block), "bytes");
}

namespace {

[[noreturn]] void die_of_size(const void* p, size_t size, size_t usable) {
    die(Fault::kWrongSize, p, size > usable ? "freed as larger than its" : "freed as less than its", usable,
        "bytes");
}

}  // namespace

void check_size(void* pointer, size_t alignment, size_t size) noexcept {
    if (!pointer) return;
    const size_t usable = usable_size(pointer);
    const bool exact = hardened::has(pointer) || (usable > 0 && block_is_exact(pointer));
    // What no slab could serve has a block of the smallest size.
    if (exact && size <= kSmallMax && usable == kSmallMax + 1 && !hardened::has(pointer)) return;
    if (exact && size != usable) die_of_size(pointer, size, usable);
    if (usable == 0) return;  // nobody's: the free itself says so
    if (size > usable) die(Fault::kWrongSize, pointer, "freed as larger than its", usable, "bytes");
    // Half of it may be unused: realloc shrinks in place, and blocks are rounded up.
    if (size >= usable / 2) return;
    // A block may be far larger than what was asked for: it has room to grow, or was found ready.
    constexpr size_t kNoBlock = 1024;
    constexpr size_t kClearlyBlock = size_t{128} << 10;
    const bool fits = usable > kSmallMax
                          ? size > kNoBlock || usable < kClearlyBlock || alignment > kSlabAlignmentMax
                          : aligned_size(alignment, size) == usable;
    if (!fits) die(Fault::kWrongSize, pointer, "freed as less than half of its", usable, "bytes");
}

}  // namespace tarn
