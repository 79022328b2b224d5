// SPDX-License-Identifier: MIT
// What free() says when it is given an object of a pool.
#include "api/pool/state.h"
#include "base/message.h"

namespace tarn::pool {

namespace {

// Of one pool; not when somebody holds its lock, who may be the one that dies.
const Chunk* find(const Meter& meter, const void* pointer, size_t& offset) {
    auto& pool = static_cast<Pool&>(const_cast<Meter&>(meter));
    if (!pool.lock.try_lock()) return nullptr;
    const Chunk* const chunk = pool.chunks.find(pointer);
    if (chunk)
        offset = static_cast<size_t>(static_cast<const char*>(pointer) - chunk->begin) % pool.chunks.stride();
    pool.lock.unlock();
    return chunk;
}

bool holds(const Meter& meter, const void* pointer) {
    size_t offset = 0;
    return find(meter, pointer, offset);
}

bool holds_start(const Meter& meter, const void* pointer) {
    size_t offset = 0;
    return find(meter, pointer, offset) && offset == 0;
}

const char* whose(const void* pointer) {
    if (Meter::any(Pool::read, holds_start, pointer)) return "of a tarn_pool; tarn_pool_free takes it";
    return Meter::any(Pool::read, holds, pointer) ? "of a tarn_pool" : nullptr;
}

constinit Claim claim{whose};

}  // namespace

void claim_objects() {
    join_claims(claim);
}

}  // namespace tarn::pool
