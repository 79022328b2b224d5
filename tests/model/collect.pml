/* SPDX-License-Identifier: MIT
 * One bin, its thread, and somebody who collects from it: the steps of src/cache/collect.cpp. The thread's stores
 * wait in a buffer, as those of x86 do, until anything flushes it: time, its own locked operations, membarrier.
 *
 * `where` is what is true of each object; the assertions compare it with what the two believe.
 */
#ifndef SLOTS
#define SLOTS 4            /* slot[SLOTS] is always 0 */
#define OBJECTS 3
#endif
#define STORES 3           /* that may wait */
#define TOP (SLOTS + 1)    /* as an address */

#define IN_SLAB 0
#define IN_BIN 1
#define IN_USE 2
byte where[OBJECTS + 1];

byte memory[SLOTS + 2];    /* the slots; the top */
byte waiting_at[STORES], waiting[STORES], stores;
byte taken;
bool locked;

/* ---- the thread's memory ---- */

inline flush_one() {
    memory[waiting_at[0]] = waiting[0];
    if
    :: stores > 1 -> waiting_at[0] = waiting_at[1]; waiting[0] = waiting[1]
    :: else
    fi;
    if
    :: stores > 2 -> waiting_at[1] = waiting_at[2]; waiting[1] = waiting[2]
    :: else
    fi;
    stores--;
    waiting_at[stores] = 0;
    waiting[stores] = 0
}
inline flush_all() {
    do
    :: stores > 0 -> flush_one()
    :: else -> break
    od
}
inline store(at, value) {
    if
    :: stores == STORES -> flush_one()
    :: else
    fi;
    waiting_at[stores] = at;
    waiting[stores] = value;
    stores++
}
/* Its own stores first, the latest of them. */
inline load(at, value) {
    value = memory[at];
    if
    :: stores > 0 && waiting_at[0] == at -> value = waiting[0]
    :: else
    fi;
    if
    :: stores > 1 && waiting_at[1] == at -> value = waiting[1]
    :: else
    fi;
    if
    :: stores > 2 && waiting_at[2] == at -> value = waiting[2]
    :: else
    fi
}

proctype time_passes() {
end:
    do
    :: atomic { stores > 0 -> flush_one() }
    od
}

/* ---- the thread ---- */

/* With the lock held and nothing in the buffer: the bin is what it should be. */
inline check_bin(held) {
    i = 0;
    count = 0;
    do
    :: i < held -> assert(memory[top + i] != 0 && where[memory[top + i]] == IN_BIN); i++
    :: else -> break
    od;
    i = 1;
    do
    :: i <= OBJECTS -> count = count + (where[i] == IN_BIN -> 1 : 0); i++
    :: else -> break
    od;
    assert(count == held);   /* none is lost */
    i = 0;
    count = 0
}

/* refill(): close_gap, then what there is, else two of the slab's. */
inline cold() {
    atomic { !locked -> locked = true; flush_all() }
    atomic {
        held = SLOTS - top - taken;
        check_bin(held);
        i = held;
        do
        :: i > 0 && taken > 0 -> i--; memory[top + i + taken] = memory[top + i]; memory[top + i] = 0
        :: else -> break
        od;
        i = 0;
        top = top + taken;
        taken = 0;
#ifdef BREAK_REFILL
        top = SLOTS;
        held = 0;
#endif
        object = 1;
        do
        :: held < 2 && object <= OBJECTS && top == SLOTS - held ->
            if
            :: where[object] == IN_SLAB ->
                where[object] = IN_BIN;
                held++;
                top--;
                memory[top] = object
            :: else
            fi;
            object++
        :: else -> break
        od;
        memory[TOP] = top;
        object = 0;
        held = 0
    }
    atomic { locked = false }
}

proctype thread() {
    byte top = SLOTS, object, held, i, count;
end:
    do
    :: /* malloc */
        atomic { load(top, object) }
        if
        :: object == 0 -> cold()
        :: else ->
            atomic { top++; store(TOP, top) }
            atomic { assert(where[object] == IN_BIN); where[object] = IN_USE; object = 0 }
        fi
    :: /* free */
        atomic {
            top > 0 ->
            select(object : 1 .. OBJECTS);
            if
            :: where[object] == IN_USE -> where[object] = IN_BIN; store(top - 1, object); held = 1
            :: else -> held = 0
            fi
        }
        if
        :: held == 1 -> atomic { held = 0; object = 0; top--; store(TOP, top) }
        :: else -> object = 0
        fi
    od
}

/* ---- who collects ---- */

inline exchange(at, old) {
    atomic { old = memory[at]; memory[at] = 0 }
}
inline put_back(at, object) {
#ifdef BREAK_BLIND
    atomic { memory[at] = object }
#else
    atomic {
        if
        :: memory[at] == 0 -> memory[at] = object
        :: else
        fi
    }
#endif
}
inline give(object) {
    atomic {
        if
        :: object != 0 ->
            assert(where[object] == IN_BIN);   /* and nobody else's */
            where[object] = IN_SLAB;
            taken++
        :: else
        fi
    }
}

proctype collector() {
    byte first, one, two, deeper, at, seen;
    bool ours;
end:
    do
    :: atomic { !locked -> locked = true }
        first = memory[TOP];
        if
        :: first + 2 > SLOTS -> goto unlock
        :: else
        fi;
        if
        :: memory[first + 1] == 0 -> goto unlock
        :: else
        fi;
        exchange(first, one);
#ifdef BREAK_SECOND
        two = 0;
#else
        exchange(first + 1, two);
#endif
#ifndef BREAK_BARRIER
        atomic { flush_all() }
#endif
        ours = memory[TOP] <= first;
        ours = ours && memory[first] == 0;
#ifndef BREAK_SECOND
        ours = ours && memory[first + 1] == 0;
#endif
#ifdef BREAK_RECHECK
        ours = true;
#endif
        if
        :: ours ->
#ifdef BREAK_SECOND
            at = first + 1;
#else
            at = first + 2;
#endif
            do
            :: at < SLOTS -> exchange(at, deeper); give(deeper); at++
            :: else -> break
            od;
            give(two)
        :: else ->
#ifdef BREAK_PASSED
            seen = memory[TOP];
            if
            :: seen <= first + 1 -> put_back(first + 1, two)
            :: else
            fi
#else
            put_back(first + 1, two)
#endif
        fi;
        put_back(first, one);
unlock:
        first = 0; one = 0; two = 0; deeper = 0; at = 0; seen = 0; ours = false;
        locked = false
    od
}

init {
    atomic {
        memory[TOP] = SLOTS;
        run thread();
        run collector();
        run time_passes()
    }
}
