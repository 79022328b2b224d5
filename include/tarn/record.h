/* SPDX-License-Identifier: MIT
 *
 * The record of a process: one file, mapped shared, in which tarn writes down what it is doing. Tools read it, while the
 * process runs, when it hangs, and after it died, whatever ended it. This header is the file's format, for who reads it
 * (docs/record.md), and the functions by which a program marks its phases, further down.
 *
 * All numbers are little-endian and of fixed width; offsets are bytes from the begin of the file; times are nanoseconds of
 * CLOCK_MONOTONIC unless they say otherwise. The file is sparse: what was never written has no memory and reads as zero.
 * Only the process itself writes, but for the words of requests.
 *
 * How to read while it is written. Three kinds of protection, each named at its section:
 *   copies    two copies, each between a sequence number that is odd while it is written and the data. Read `sequence`,
 *             the data, `sequence` again; it must be even, not 0, and the same: else the copy is not whole. Of two that
 *             are whole take the higher one. Where one is not, it is being written, and the other one may have been
 *             meanwhile: that one is the newest only if its sequence is still the same after this was seen; else begin
 *             anew. A process that is killed while it writes one leaves the other.
 *   append    entries are complete before the count of them is raised, and never change but for fields that say so.
 *   sequence  one entry with a sequence number of its own, as above.
 * Single fields of 8 bytes are read and written whole.
 */
#ifndef TARN_RECORD_H
#define TARN_RECORD_H

#include "tarn/base.h"
#include "tarn/statistics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the file ---------------------------------------------------------------------------------------------------- */

#define TARN_RECORD_MAGIC \
    0x64726f6365726e74ull /* "tnrecord"; written last: before it is there, the rest is not */
/* Goes up when a reader of the version before would misunderstand. Sections and fields at the end of entries may be added
 * without: entries are `entry_size` apart, and unknown sections are left alone. */
#define TARN_RECORD_VERSION 1u
#define TARN_RECORD_SECTIONS_MAX 16

enum tarn_record_section_kind {
    TARN_RECORD_WHO = 1,          /* one tarn_record_who */
    TARN_RECORD_MODULES = 2,      /* append: tarn_record_module */
    TARN_RECORD_SNAPSHOT = 3,     /* copies: two tarn_record_snapshot */
    TARN_RECORD_TIMELINE = 4,     /* copies: two tarn_record_timeline, each with its points */
    TARN_RECORD_EVENTS = 5,       /* a ring; sequence: tarn_record_event */
    TARN_RECORD_STACKS = 6,       /* append: tarn_record_stack */
    TARN_RECORD_FRAMES = 7,       /* append: uint64_t, the frames of all stacks */
    TARN_RECORD_SAMPLES = 8,      /* sequence: tarn_record_sample, those of freed objects are used again */
    TARN_RECORD_NAMES = 9,        /* append: bytes; see TARN_RECORD_FRAME_NAME */
    TARN_RECORD_INTERPRETERS = 10 /* append: tarn_record_interpreter */
};

typedef struct tarn_record_section {
    uint32_t kind;       /* of tarn_record_section_kind; 0: no more */
    uint32_t entry_size; /* bytes from one entry to the next */
    uint64_t offset;     /* of the first entry; a multiple of 64 */
    uint64_t capacity;   /* entries that there is room for */
    uint64_t
        count; /* entries begun so far, for `append` and SAMPLES; for EVENTS all there have been: the last
                            `capacity` are there, number n at n % capacity; else 0 */
    uint64_t dropped; /* entries there was no room for */
} tarn_record_section;

/* What the process is doing, in header.state. */
enum tarn_record_state {
    TARN_RECORD_RUNNING = 1, /* or it was killed: see who.pid and who.start_ticks */
    TARN_RECORD_ENDED = 2,   /* by exit, return from main, _exit */
    TARN_RECORD_EXECED =
        3, /* not told by the kernel: set when another record of the same process replaces this one */
    TARN_RECORD_STOPPED =
        4 /* the file could not grow (its file system is full): nothing is written any more */
};

/* Requests: a bit is set by a tool of the same user (a read-modify-write on the shared mapping), obeyed by the next cold
 * path of any thread, and cleared before that: what was asked for twice in between is done once. */
#define TARN_RECORD_REQUEST_PUBLISH 1u /* a snapshot now, however short a time ago the last one was */
#define TARN_RECORD_REQUEST_TRIM 2u    /* tarn_trim */
#define TARN_RECORD_REQUEST_START 4u   /* sample, every `request_interval` bytes */
#define TARN_RECORD_REQUEST_STOP 8u    /* no more samples; live ones are still followed to their frees */

/* At offset 0. */
typedef struct tarn_record_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_size; /* sizeof(tarn_record_header) of the writer */
    uint64_t file_size;
    uint32_t stats_version;       /* TARN_STATS_VERSION of the snapshots */
    uint32_t state;               /* of tarn_record_state; written while the process runs */
    uint64_t started_ns;          /* when the record was begun */
    uint64_t started_realtime_ns; /* the same moment by CLOCK_REALTIME */
    uint64_t ended_ns;            /* when `state` became other than RUNNING; 0 before */
    uint64_t
        sample_interval; /* mean bytes between samples, now; 0: not sampling. Each sample has its own weight */
    uint64_t requests;   /* bits TARN_RECORD_REQUEST_*; written by tools */
    uint64_t request_interval; /* bytes, for START; written by tools before the bit; 0: 512 KiB */
    uint64_t requests_obeyed;  /* counter */
    uint64_t peak_number; /* counter: times the live bytes of all samples rose above what they had been */
    uint64_t peak_ns;     /* when that was last */
    uint64_t peak_bytes;  /* what they were then */
    uint64_t reserved[3];
    tarn_record_section sections[TARN_RECORD_SECTIONS_MAX];
} tarn_record_header;

/* Written before the magic, and not changed. Strings are terminated; lists have a 0 byte after each string and an empty
 * string at the end. What did not fit is cut. */
typedef struct tarn_record_who {
    uint32_t pid;
    uint32_t uid;
    uint32_t parent; /* process id of the parent at that time */
    uint32_t page_size;
    uint64_t start_ticks; /* field 22 of /proc/PID/stat: with the pid, it names the process */
    uint32_t forked;      /* 1: begun in a child of fork */
    uint32_t privileged;  /* always 0: set-user-id programs make no record */
    char program[64];     /* short name */
    char executable[512]; /* absolute path, "" where it cannot be read */
    char directory[512];  /* working directory at start */
    char tarn_version[32];
    char backend[32];
    char arguments[4096]; /* a list: the command line */
    char options[2048];   /* a list: "TARN_X=value", those that the environment gave first */
    /* Of the machine. An older entry ends before it, by its entry_size; what is not known is 0 or "". */
    char kernel[64];     /* its release */
    uint32_t processors; /* online */
    uint32_t reserved;
    uint64_t memory;       /* bytes that the machine has */
    uint64_t memory_limit; /* bytes, of the control group or the least of those it lies in; 0: none */
} tarn_record_who;

/* A loaded object. Its addresses are file offset + (begin - file_offset). Never removed: one that was unloaded has
 * `unloaded_ns`, and addresses of samples taken before that are its. */
typedef struct tarn_record_module {
    uint64_t begin, end;    /* addresses of its executable segment; one entry for each */
    uint64_t file_offset;   /* of `begin` */
    uint64_t load_bias;     /* address of what the file has at virtual address 0 */
    uint64_t loaded_ns;     /* when it was first seen */
    uint64_t unloaded_ns;   /* 0: it is there; this field changes */
    uint32_t build_id_size; /* bytes, 0: it has none */
    uint8_t build_id[36];
    char path[456]; /* "" for the executable: who.executable; "[vdso]" */
} tarn_record_module;

typedef struct tarn_record_snapshot {
    uint64_t sequence;
    uint64_t time_ns;
    uint64_t number; /* 1, 2, ... */
    uint64_t reserved;
    tarn_stats stats;
} tarn_record_snapshot;

/* A point of the time line: what was so at that moment. */
typedef struct tarn_record_point {
    uint64_t time_ns;
    uint64_t live_small, live_large; /* bytes */
    uint64_t kept;                   /* bytes: kept_bytes of statistics.h */
    uint64_t resident;               /* bytes */
    uint64_t allocations;            /* counter: all so far */
} tarn_record_point;

#define TARN_RECORD_POINTS 1024u
/* Points are added at the end, at least step_ns apart. When there are 1,024, every second one is dropped and the step
 * doubled, in the other copy, which is the higher one from then on. `count` may grow without a new sequence: points
 * below it are complete. */
typedef struct tarn_record_timeline {
    uint64_t sequence;
    uint64_t step_ns;
    uint64_t count;
    uint64_t reserved;
    tarn_record_point points[TARN_RECORD_POINTS];
} tarn_record_timeline;

enum tarn_record_event_kind {
    TARN_RECORD_EVENT_OUT_OF_MEMORY = 1, /* a: bytes asked for; b: alignment */
    TARN_RECORD_EVENT_MISUSE = 2,        /* a: address; text: the message */
    TARN_RECORD_EVENT_LIMIT = 3,         /* text: which limit was met */
    TARN_RECORD_EVENT_TRIM = 4,          /* a: bytes given back; b: 1: asked for by a tool */
    TARN_RECORD_EVENT_PHASE = 5,         /* text: its name (tarn_record_phase) */
    TARN_RECORD_EVENT_SAMPLING = 6,      /* a: mean bytes between samples, 0: stopped */
    TARN_RECORD_EVENT_FORK = 7,          /* in a child: a: the parent's pid */
    TARN_RECORD_EVENT_SNAPSHOT = 8       /* asked for by the program or a tool; text: its name */
};

typedef struct tarn_record_event {
    uint64_t sequence; /* 2 * number + 2 when complete, odd while it is written; number counts from 0 */
    uint64_t time_ns;
    uint32_t kind;   /* of tarn_record_event_kind */
    uint32_t thread; /* kernel's id */
    uint64_t a, b;
    uint64_t stack; /* its number + 1 in STACKS; 0: none */
    char text[80];  /* terminated */
} tarn_record_event;

/* A stack, innermost frame first. What is counted of it is unbiased: the sums of weights of its samples, so that their
 * expectation is what the program allocated there, in objects and in bytes (as usable). Objects are in 1/1024.
 * "The peak" is that of the live bytes of all samples together; header.peak_number counts the times it rose. What was live
 * here at the newest peak: peak_* where peak_at equals header.peak_number, else live_*, since nothing has changed here
 * after it. */
typedef struct tarn_record_stack {
    uint64_t hash;
    uint64_t first_frame; /* number in FRAMES */
    uint32_t depth;       /* frames */
    uint32_t cut;         /* 1: there were more, or the walk could not go on */
    uint64_t first_seen_ns;
    uint64_t last_seen_ns;
    uint64_t samples;                                 /* counter: not weighted */
    uint64_t allocated_objects_1024, allocated_bytes; /* counters */
    uint64_t live_objects_1024, live_bytes;           /* now */
    uint64_t peak_objects_1024, peak_bytes;           /* live at peak number peak_at */
    uint64_t peak_at;
    uint64_t reserved;
} tarn_record_stack;

/* A frame is a return address (the call ends one byte before it), but for two: the instruction that a signal interrupted,
 * which is exact and has bit 62 set; and a name, which has bit 63 set: bits 0 to 31 are its place in NAMES (offset from
 * the section's begin), bits 32 to 61 a line, 0: none. At a place in NAMES: uint16_t length, then so many bytes, not
 * terminated: a function's or a scope's name, and behind a tab its file, if it has one. */
#define TARN_RECORD_FRAME_NAME (1ull << 63)
#define TARN_RECORD_FRAME_EXACT (1ull << 62)
/* A name with bit 62 set is a frame of a script (tarn/frames.h); its line is in bits 32 to 60. Where bit 61 is set, the native
 * frame before it, or before other script frames before it, is the interpreter's loop, whose place it takes. */
#define TARN_RECORD_FRAME_SCRIPT (TARN_RECORD_FRAME_NAME | 1ull << 62)
#define TARN_RECORD_FRAME_PLACED (1ull << 61)

/* An interpreter whose frames stand in the stacks, or which was found and has none there. */
typedef struct tarn_record_interpreter {
    uint64_t time_ns; /* when it was found */
    uint32_t frames;  /* 1: they are there; 0: not, `note` says why */
    uint32_t reserved;
    char name[64];  /* terminated */
    char note[256]; /* terminated: what its own pools hide, and the way to see it */
} tarn_record_interpreter;

/* A live object that was sampled. */
typedef struct tarn_record_sample {
    uint64_t sequence;            /* even: complete; odd while it is written */
    uint64_t address;             /* 0: freed, the entry is free */
    uint64_t size;                /* usable bytes */
    uint64_t objects_1024, bytes; /* its weight */
    uint64_t time_ns;
    uint32_t stack;  /* number in STACKS */
    uint32_t thread; /* kernel's id */
    uint64_t reserved;
} tarn_record_sample;

/* ---- for programs ------------------------------------------------------------------------------------------------ */

/* None of these allocates, changes errno or needs a record: without one they do nothing. Any thread may call them. */

/* 1: this process writes a record now. */
TARN_API int tarn_record_active(void);

/* The file's path; "" without a record. Valid until the next fork. */
TARN_API const char* tarn_record_path(void);

/* A phase begins: it stands in the events and on the time line of every report. At most 79 bytes of the name are kept.
 * Example:
 *     tarn_record_phase("loading");
 */
TARN_API void tarn_record_phase(const char* name);

/* Writes a snapshot now, and an event with this name (NULL: without one). 0, or -1 without a record. */
TARN_API int tarn_record_snapshot_now(const char* name);

/* Samples one allocation in `interval` bytes from now on (0: 512 KiB); stops. 0, or -1 without a record. */
TARN_API int tarn_record_start_sampling(size_t interval);
TARN_API int tarn_record_stop_sampling(void);

/* A scope: while it is open, samples of this thread have its name as a frame, outside of those of functions that were
 * called in it. Scopes nest to a depth of 16 (deeper ones are not seen) and are closed in the order opposite to that of
 * their opening. The name must be valid for as long as the scope is open.
 * Example:
 *     tarn_scope scope = tarn_scope_begin("request");
 *     ...
 *     tarn_scope_end(scope);
 */
typedef struct tarn_scope {
    uint32_t level; /* 0: not seen */
} tarn_scope;
TARN_API tarn_scope tarn_scope_begin(const char* name);
TARN_API void tarn_scope_end(tarn_scope scope);

#ifdef __cplusplus
}

namespace tarn {
/* The same for as long as a block. */
class Scope {
  public:
    explicit Scope(const char* name) : scope_(tarn_scope_begin(name)) {}
    ~Scope() { tarn_scope_end(scope_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

  private:
    tarn_scope scope_;
};
}  // namespace tarn
#endif
#endif
