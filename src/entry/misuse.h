// SPDX-License-Identifier: MIT
// What is wrong with a pointer, found on the cold ends.
#pragma once
#include "hardened/guarded_slab.h"
#include "heap/slab.h"
#include "mixed/mixed.h"

namespace tarn {

struct ThreadCache;

// Dies unless p is the start of an object that was carved.
void check_object(const Slab& slab, const void* p);
// The bytes of the object that a mixed slab has at p. Dies unless there is one.
size_t mixed_size(const void* p);
// Dies of what a mixed slab did not find to be a used object at p.
[[noreturn]] void die_mixed(const mixed::Found& found, const void* p);
// The object carries its owner's mark: dies if it is free indeed; returns when the program wrote that value.
void check_marked(ThreadCache* cache, Slab& slab, Object* object);
// Dies if it is among the objects that were freed last into its slab, which is the cache's: the program may
// have written over the mark.
void check_not_just_freed(ThreadCache& cache, Slab& slab, Object* object);
// A pointer that is in no slab and no live block.
[[noreturn]] void die_never_handed_out(const void* p);
// A pointer that is in no slab, and that neither tarn nor libc takes: it may be into a large block.
[[noreturn]] void die_nobodys(const void* p);
// Dies when a large block was not asked for in the form in which it is freed or resized.
void check_block_form(const void* block, hardened::Form form);
// Dies when a block asked for with this alignment and size cannot be what is at pointer.
void check_size(void* pointer, size_t alignment, size_t size) noexcept;

}  // namespace tarn
