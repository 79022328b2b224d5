/* SPDX-License-Identifier: MIT
 * Lua 5.4, as it is installed, with a heap as its allocator: scripts that eat memory, within a quota. */
#include "tarn/heap.h"
#include "tarn/statistics.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { kQuota = 4 << 20 };

static const char* const kEaters[] = {
    "local t = {} while true do t[#t + 1] = {#t} end",
    "local s = 'x' while true do s = s .. s end",
    "local t = {} for i = 1, math.huge do t[i] = ('item %d'):format(i) end",
    "local t = {} coroutine.wrap(function() while true do t[#t + 1] = coroutine.create(print) end end)()",
};

static lua_State* open_state(tarn_heap* heap) {
    lua_State* state = lua_newstate(tarn_heap_lua_allocate, heap);
    CHECK(state != NULL);
    luaL_openlibs(state);
    return state;
}

static double run(lua_State* state, const char* script) {
    CHECK(luaL_loadstring(state, script) == LUA_OK);
    CHECK(lua_pcall(state, 0, 1, 0) == LUA_OK);
    const double result = lua_tonumber(state, -1);
    lua_pop(state, 1);
    return result;
}

/* Memory errors come as LUA_ERRMEM, and the state is as usable as before. */
static void eaters_are_stopped(uint32_t flags) {
    tarn_heap_options options = {TARN_HEAP_VERSION, flags, kQuota, 0, 0, NULL, NULL};
    tarn_heap* heap = tarn_heap_create(&options, sizeof options);
    CHECK(heap != NULL);
    lua_State* state = open_state(heap);
    for (int round = 0; round < 2; ++round)
        for (size_t i = 0; i < sizeof kEaters / sizeof *kEaters; ++i) {
            CHECK(luaL_loadstring(state, kEaters[i]) == LUA_OK);
            CHECK(lua_pcall(state, 0, 0, 0) == LUA_ERRMEM);
            CHECK(strcmp(lua_tostring(state, -1), "not enough memory") == 0);
            lua_settop(state, 0);
            CHECK(run(state, "local sum = 0 for i = 1, 1000 do sum = sum + #tostring(i) end return sum") >
                  2892);
            /* Lua's table of strings shrinks by halves. */
            CHECK(run(state, "collectgarbage() return collectgarbage('count')") < 300);
        }
    tarn_heap_stats stats;
    CHECK(tarn_heap_stats_get(heap, &stats, sizeof stats) == 0);
    CHECK(stats.refusals >= 8 && stats.peak_bytes <= kQuota && stats.peak_bytes > kQuota / 2);
    lua_close(state);
    CHECK(tarn_heap_live_bytes(heap) == 0); /* each free was the heap's */
    tarn_heap_destroy(heap);
}

/* No lua_close: the heap takes everything with it. */
static void destroying_the_heap_frees_all(void) {
    tarn_heap* scratch = tarn_heap_create(NULL, 0);
    tarn_stats before, after;
    for (int round = 0; round < 3; ++round) {
        (void)tarn_heap_trim(scratch);
        CHECK(tarn_stats_get(&before, sizeof before) == 0);
        tarn_heap* heap = tarn_heap_create(NULL, 0);
        lua_State* state = open_state(heap);
        CHECK(run(state, "t = {} for i = 1, 100000 do t[i] = {tostring(i)} end return #t") > 99999);
        CHECK(tarn_heap_live_bytes(heap) > 5 << 20);
        tarn_heap_destroy(heap);
        (void)tarn_heap_trim(scratch);
        CHECK(tarn_stats_get(&after, sizeof after) == 0);
        CHECK(after.live_objects == before.live_objects && after.live_bytes == before.live_bytes);
    }
    tarn_heap_destroy(scratch);
}

typedef struct Sandbox {
    int near, refused;
} Sandbox;

static void note(tarn_heap* heap, enum tarn_heap_event event, size_t wanted, void* user) {
    Sandbox* sandbox = user;
    (void)heap, (void)wanted;
    *(event == TARN_HEAP_SOFT_LIMIT ? &sandbox->near : &sandbox->refused) += 1;
}

/* The host collects when it was told that the soft limit is near. */
static void a_soft_limit_tells_the_host(void) {
    Sandbox sandbox = {0, 0};
    tarn_heap_options options = {TARN_HEAP_VERSION, 0, kQuota, 0, kQuota / 2, note, &sandbox};
    tarn_heap* heap = tarn_heap_create(&options, sizeof options);
    lua_State* state = open_state(heap);
    lua_gc(state, LUA_GCSTOP);
    int collected = 0;
    for (int i = 0; i < 400; ++i) {
        CHECK(run(state, "local t = {} for i = 1, 500 do t[i] = {} end return #t") > 499);
        if (sandbox.near > collected) {
            ++collected;
            lua_gc(state, LUA_GCCOLLECT);
        }
    }
    CHECK(collected > 5 && sandbox.near == collected && sandbox.refused == 0);
    lua_close(state);
    tarn_heap_destroy(heap);
}

int main(void) {
    for (uint32_t flags = 0; flags < 4; ++flags)
        eaters_are_stopped(flags);
    destroying_the_heap_frees_all();
    a_soft_limit_tells_the_host();
    return 0;
}
