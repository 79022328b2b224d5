/* SPDX-License-Identifier: MIT
 * What the threads of remote_free.pml share, each single step on it, and what must hold at that step and at rest.
 */
#define OBJECTS 2
#define ALL     3 /* a set of objects, or of slabs, is a mask */

#define NOBODY 0
#define ORPHAN 1
#define FIRST  2 /* heaps FIRST .. LAST have a holder each */
#define LAST   (FIRST + HEAPS - 1)

#define MASK(i)     (1 << (i))
#define LOWEST(set) (1 - ((set) & 1))
#define SIZE(set)   (((set) & 1) + ((set) >> 1))

/* The slab's record. */
byte chain[SLABS];
bit posted[SLABS];
byte owner[SLABS];
byte next_mail[SLABS]; /* slab + 1; 0 ends the list */
byte remote_tail[SLABS]; /* object + 1 */
byte free[SLABS];
byte used[SLABS];

byte mail[FIRST + HEAPS]; /* slab + 1 */
bit idle[FIRST + HEAPS];
bit locked; /* the orphan lock */

/* Not in the code: what the assertions need. */
#define NO_ONE   0
#define ON_MAIL  1
#define IN_HANDS 2 /* some thread is about to post it, or took it from a mail */
byte keeper[SLABS];
bit dissolved[SLABS];
byte first[SLABS]; /* object + 1: the first on the word since it was taken, so the end of the chain */
byte out[SLABS]; /* objects with the program */
byte running = HEAPS + FREERS;
byte closing; /* the heap that drains for the last time, after all threads have stopped */

/* What is first done with the lock held is joined to taking it. */
#define LOCK   atomic { !locked -> locked = 1 }
#define UNLOCK locked = 0

/* Nobody looks at the record of a slab that was dissolved: its next user may have it by now. */
#define TOUCH(s) assert(!dissolved[s])

/* R1: posted, a single keeper and a chain go together; the keeper writes down the end of the chain. */
inline push(s, object) {
    d_step {
        TOUCH(s);
        assert(!(chain[s] & MASK(object)) && !(free[s] & MASK(object)));
        assert(posted[s] == (keeper[s] != NO_ONE) && posted[s] == (chain[s] != 0));
        chain[s] = chain[s] | MASK(object);
        if
        :: !posted[s] ->
            posted[s] = 1;
            keeper[s] = IN_HANDS;
            to_post = to_post | MASK(s);
            first[s] = object + 1
        :: else
        fi
    }
    if
#ifdef BREAK_TAIL
    :: true ->
#else
    :: to_post & MASK(s) ->
#endif
        d_step { TOUCH(s); remote_tail[s] = object + 1 }
    :: !(to_post & MASK(s))
    fi
}

inline take_remote(s) {
    d_step {
        TOUCH(s);
        assert(posted[s] && keeper[s] == IN_HANDS);
        assert(remote_tail[s] == first[s]);
        taken = chain[s];
        chain[s] = 0;
        posted[s] = 0;
        keeper[s] = NO_ONE
    }
}

/* A whole mail; the slabs in it are in this thread's hands. */
inline take_mail(h, set) {
    d_step {
        slab = mail[h];
        set = 0;
        do
        :: slab == 0 -> break
        :: else ->
            slab--;
            TOUCH(slab);
            assert(posted[slab] && keeper[slab] == ON_MAIL && !(set & MASK(slab)));
            keeper[slab] = IN_HANDS;
            set = set | MASK(slab);
            slab = next_mail[slab]
        od;
        mail[h] = 0
    }
}

inline dissolve(s) {
    d_step {
        assert(owner[s] != NOBODY && chain[s] == 0 && out[s] == 0 && free[s] == ALL);
        TOUCH(s);
        owner[s] = NOBODY;
        dissolved[s] = 1
    }
}

/* R2. A heap with a holder may keep a slab that is empty; the orphan heap may not. */
inline settle(s, heap) {
    if
#ifdef BREAK_DISSOLVE
    :: used[s] != SIZE(chain[s])
    :: used[s] == SIZE(chain[s]) -> dissolve(s)
#else
    :: used[s] != 0
    :: used[s] == 0 -> assert(!posted[s]); dissolve(s)
#endif
    :: used[s] == 0 && heap != ORPHAN
    fi
}

/* The objects of `taken` come home. R3: only to who owns the slab, and to the orphan heap with its lock held. */
inline absorb(s, by) {
    d_step {
        TOUCH(s);
        assert(owner[s] == by && (by != ORPHAN || locked));
        assert(!(free[s] & taken) && used[s] >= SIZE(taken));
        free[s] = free[s] | taken;
        used[s] = used[s] - SIZE(taken);
        taken = 0
    }
}

/* Objects of a slab look alike, so the lowest will do. */
inline pick(s) {
    object = LOWEST(out[s]);
    out[s] = out[s] & ~MASK(object);
    slab = s
}
inline pick_any() {
    if
    :: to_post == 0 && out[0] != 0 -> pick(0)
#if SLABS > 1
    :: to_post == 0 && out[1] != 0 -> pick(1)
#endif
    fi
}

inline hand_out(s) {
    d_step {
        object = LOWEST(free[s]);
        free[s] = free[s] & ~MASK(object);
        used[s]++;
        out[s] = out[s] | MASK(object);
        object = 0
    }
}

/* All threads have stopped, each between two calls. */
inline check_rest() {
    heap = FIRST;
    do
    :: heap > LAST -> break
    :: else -> assert(!idle[heap] || mail[heap] == 0); heap++ /* R5 */
    od;
    heap = 0;
    slab = 0;
    do
    :: slab == SLABS -> break
    :: else ->
        assert(keeper[slab] == posted[slab] * ON_MAIL);
        assert(chain[slab] == 0 || posted[slab]);
        if
        :: dissolved[slab] -> assert(!posted[slab] && used[slab] == 0)
        :: else ->
            /* Each object is in one place. */
            assert((free[slab] | chain[slab] | out[slab]) == ALL);
            assert(SIZE(free[slab]) + SIZE(chain[slab]) + SIZE(out[slab]) == OBJECTS);
            assert(used[slab] == SIZE(chain[slab]) + SIZE(out[slab]));
            assert(owner[slab] == ORPHAN || !idle[owner[slab]]);
            assert(owner[slab] != ORPHAN || used[slab] != 0)
        fi;
        slab++
    od;
    slab = 0
}

/* Each live heap has drained once more: what is still posted is on its owner's mail, and the owner lives. */
inline check_drained() {
    slab = 0;
    heap = FIRST;
    do
    :: heap > LAST -> break
    :: else ->
        object = mail[heap];
        do
        :: object == 0 -> break
        :: else -> assert(owner[object - 1] == heap && !idle[heap]); slab++; object = next_mail[object - 1]
        od;
        heap++
    od;
    object = 0;
    do /* and none is missing */
    :: object == SLABS -> break
    :: else -> slab = slab - posted[object]; object++
    od;
    assert(slab == 0);
    object = 0;
    heap = 0
}
