/* SPDX-License-Identifier: MIT
 * Frees by threads that do not own the slab: rules R1 to R5 of src/heap/remote.h, for spin.
 * README.md says what is modelled and what is not. Nothing here is bounded but the number of slabs, objects,
 * heaps and threads: the threads go on for as long as they like, and may stop at any moment.
 *
 * A step of its own is every access to what threads share without the lock: a slab's word (chain, posted),
 * owner, next_mail, a heap's mail and idle. What only the owner, or the holder of the lock, may touch (free,
 * used) is joined to a step beside it.
 *
 * Steps, and what is asserted of them, are in steps.pml. check.py compiles both with SLABS, HEAPS, FREERS and, to
 * see them fail, with one BREAK_... .
 */
#include "steps.pml"

inline post_to_orphans() {
    atomic {
        LOCK;
        if
#ifdef BREAK_LOOK
        :: true ->
#else
        :: owner[slab] == ORPHAN ->
#endif
            take_remote(slab);
            to_post = to_post & ~MASK(slab);
            absorb(slab, ORPHAN)
        :: owner[slab] != ORPHAN -> UNLOCK; heap = NOBODY /* go round again */
        fi
    }
    if
    :: heap == ORPHAN -> settle(slab, ORPHAN); UNLOCK
    :: else
    fi
}

/* Mail::post, the load and the CAS. */
inline post_to_mail() {
    do
    :: d_step {
        TOUCH(slab);
        assert(keeper[slab] == IN_HANDS);
        next_mail[slab] = mail[heap]
       }
       if
       :: atomic {
            mail[heap] == next_mail[slab] ->
            assert(keeper[slab] == IN_HANDS && posted[slab]);
            mail[heap] = slab + 1;
            keeper[slab] = ON_MAIL;
            to_post = to_post & ~MASK(slab)
          }
          break
       :: atomic { mail[heap] != next_mail[slab] -> skip }
       fi
    od
}

/* R5 */
inline look_at_idle() {
    if
    :: !idle[heap]
    :: idle[heap] ->
        atomic {
            LOCK;
            if
            :: idle[heap] -> take_mail(heap, taken); to_post = to_post | taken; taken = 0
            :: else
            fi;
            UNLOCK
        }
    fi
}

/* One round of post_slab, for some slab of to_post. */
inline post_one() {
    atomic {
        if
        :: to_post & 1 -> slab = 0
        :: to_post & 2 -> slab = 1
        fi;
        TOUCH(slab);
        heap = owner[slab];
        assert(heap != NOBODY)
    }
    if
    :: heap == ORPHAN -> post_to_orphans()
    :: else ->
        post_to_mail();
#ifndef BREAK_RECHECK
        look_at_idle()
#endif
    fi;
    atomic { slab = 0; heap = 0 }
}

/* release_object, free_remote and Orphans::free. me: the caller's heap, NOBODY when it has none. */
inline free_object(me) {
    atomic { pick_any(); TOUCH(slab); heap = owner[slab] }
    if
    :: heap == me ->
        d_step { taken = MASK(object); absorb(slab, me) }
        settle(slab, me)
    :: heap != me && heap != ORPHAN -> push(slab, object)
    :: heap == ORPHAN ->
        atomic {
            LOCK;
            TOUCH(slab);
            if
            :: owner[slab] == ORPHAN ->
                if
                :: me != NOBODY -> owner[slab] = me; heap = me
                :: else
                fi;
                taken = MASK(object);
                absorb(slab, heap)
            :: else -> UNLOCK; heap = NOBODY
            fi
        }
        if
        :: heap != NOBODY -> settle(slab, heap); UNLOCK
        :: else -> push(slab, object)
        fi
    fi;
    d_step { slab = 0; heap = 0; object = 0 }
}

/* Heap::drain_mail: next is read before the word is taken. R4. */
inline drain(me) {
    d_step {
        next = mail[me];
        take_mail(me, elsewhere); /* for the keepers; the list itself is walked below */
        elsewhere = 0
    }
    do
    :: atomic { next == 0 -> to_post = elsewhere; elsewhere = 0; slab = 0; break }
    :: atomic {
        next != 0 ->
        slab = next - 1;
        TOUCH(slab);
        assert(keeper[slab] == IN_HANDS);
        next = next_mail[slab];
        if
#ifdef BREAK_FORWARD
        :: true -> take_remote(slab); absorb(slab, me)
#else
        :: owner[slab] == me -> take_remote(slab); absorb(slab, me)
#endif
        :: owner[slab] != me -> elsewhere = elsewhere | MASK(slab); slab = SLABS
        fi
       }
       if
       :: slab != SLABS ->
#ifdef BREAK_NEXT
            next = next_mail[slab];
#endif
            settle(slab, me)
       :: else
       fi
    od
}

inline retire(me) {
    LOCK;
    do
    :: atomic { slab < SLABS && owner[slab] == me -> owner[slab] = ORPHAN }
       settle(slab, ORPHAN);
       slab++
    :: slab < SLABS && owner[slab] != me -> slab++
    :: slab == SLABS -> slab = 0; break
    od;
#ifdef BREAK_IDLE
    take_mail(me, to_post);
    idle[me] = 1;
#else
    idle[me] = 1;
    take_mail(me, to_post);
#endif
    UNLOCK
}

inline stop() {
    atomic {
        running--;
        if
        :: running == 0 -> check_rest(); closing = FIRST
        :: else
        fi
    }
}

/* Heap::take, dissolve_empty and take_slab. */
inline use_slab(s, me) {
    atomic {
        if
        :: owner[s] == me && free[s] != 0 -> hand_out(s)
        :: owner[s] == me && used[s] == 0 && !posted[s] -> dissolve(s)
        :: owner[s] == ORPHAN && free[s] != 0 && !locked -> owner[s] = me
        fi
    }
}

/* After all have stopped, one heap after the other. */
inline drain_at_last(me) {
    if
    :: !idle[me] -> drain(me)
    :: else
    fi;
    do
    :: to_post != 0 -> post_one()
    :: to_post == 0 -> break
    od;
    atomic {
        closing++;
        if
        :: me == LAST -> check_drained()
        :: else
        fi
    }
}

/* A thread that holds a heap; after retiring, the next thread that is given this heap. */
proctype Holder(byte me) {
    byte slab, heap, object, taken, to_post, next, elsewhere;
    bit stopped;
    do
    :: to_post != 0 -> post_one()
    :: to_post == 0 && !stopped && !idle[me] ->
        if
        :: free_object(me)
        :: mail[me] != 0 -> drain(me)
        :: retire(me)
        :: use_slab(0, me)
#if SLABS > 1
        :: use_slab(1, me)
#endif
        fi
    :: atomic { to_post == 0 && !stopped && idle[me] && !locked -> idle[me] = 0 } /* revive */
    :: to_post == 0 && !stopped -> stop(); stopped = 1
    :: to_post == 0 && stopped && closing == me -> drain_at_last(me); break
    od
}

/* A thread that has no heap any more. */
proctype Freer() {
    byte slab, heap, object, taken, to_post;
    do
    :: to_post != 0 -> post_one()
    :: free_object(NOBODY)
    :: atomic { /* Orphans::take_one */
        to_post == 0 && !locked && owner[0] == ORPHAN && free[0] != 0 -> hand_out(0)
       }
    :: to_post == 0 -> stop(); break
    od
}

init {
    byte i;
    atomic {
        do
        :: i == SLABS -> break
        :: else -> owner[i] = FIRST + (i % HEAPS); out[i] = ALL; used[i] = OBJECTS; i++
        od;
        i = FIRST;
        do
        :: i > LAST -> break
        :: else -> run Holder(i); i++
        od;
        i = 0;
        do
        :: i == FREERS -> break
        :: else -> run Freer(); i++
        od;
        i = 0
    }
}
