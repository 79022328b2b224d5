/* SPDX-License-Identifier: MIT
 *
 * Frames of interpreters: how an interpreter, or a module for it, tells the profile what its script is doing, so that a
 * sample says `app.py:118 load_orders` and not the interpreter's loop forty times. docs/frames.md; a small interpreter that
 * does so is docs/examples/frames.c.
 *
 * A provider is a function that reads the interpreter's own list of frames and hands each of them to tarn, the innermost
 * first. It is called in the thread that allocates, inside malloc: it may be anywhere, under any lock, in a signal handler,
 * in the child of a fork, on a small stack. So it
 *   - reads memory, by `read` where it is not sure to be there, and calls nothing but `read` and `add`;
 *   - locks nothing, allocates nothing, runs nothing of the interpreter, calls nothing of libc that does;
 *   - needs some hundred bytes of stack: what it needs besides is in `scratch`.
 * What it says is copied when it says it. It leaves the process in the record alone, which only its user may read.
 */
#ifndef TARN_FRAMES_H
#define TARN_FRAMES_H

#include "tarn/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* This frame is the outermost of those that one call of the interpreter's loop runs. Only where `place` is not known. */
#define TARN_FRAME_ENTRY 1u

typedef struct tarn_frame {
    const char* function; /* UTF-8, need not be terminated; where it is not there, the frame is called "?" */
    const char* file;     /* likewise; NULL: it has none */
    uint32_t function_length, file_length; /* bytes; the first 255 and 511 are kept */
    uint32_t line;                         /* 0: not known */
    uint32_t flags;                        /* TARN_FRAME_* */
    /* An address in the stack frame of the C function that runs this script frame (the interpreter's loop): of one of its
     * variables, say. The script's frames take the place of that function. NULL: the same as the frame before. */
    const void* place;
} tarn_frame;

/* One walk. */
typedef struct tarn_frames tarn_frames;
struct tarn_frames {
    /* Copies what may not be there. 0, or -1: some of it is not. */
    int (*read)(tarn_frames*, const void* from, void* to, size_t bytes);
    /* The next frame. 0, or -1: no more are taken. */
    int (*add)(tarn_frames*, const tarn_frame*);
    void* scratch; /* for the provider's use until it returns; aligned to 16 bytes */
    size_t scratch_size;
    size_t taken; /* frames so far, of all providers */
};

typedef struct tarn_frames_provider {
    size_t size;             /* sizeof(tarn_frames_provider) */
    const char* interpreter; /* "CPython 3.11.2"; 63 bytes are kept */
    const char*
        note; /* for whoever reads the report: what the interpreter's own pools hide, and the way to see it;
                                or why there are no frames. May be NULL; 255 bytes are kept */
    void (*walk)(tarn_frames*, void* data); /* NULL: there are no frames, `note` says why */
    void* data;
    /* Where no `place` is known: the code of the function that runs scripts. Each of its calls on the stack, from the
     * innermost on, is one run of frames up to TARN_FRAME_ENTRY. NULL: places are known. */
    const void* loop;
    size_t loop_size;
} tarn_frames_provider;

/* From now on, in all threads. The provider must stay as it is for as long as the process lives. Not from inside an
 * allocation function. 0; -1: there is no profile (neither TARN_RECORD nor TARN_PROFILE is set), or four are there already.
 * Example, where `frame` is the innermost of the interpreter's own frames:
 *     static void walk(tarn_frames* frames, void* data) {
 *         for (const struct frame* at = frame; at; at = at->caller) {
 *             tarn_frame one = {at->name, "script", at->name_length, 6, at->line, 0, at->place};
 *             if (frames->add(frames, &one) != 0) return;
 *         }
 *     }
 *     static const tarn_frames_provider provider = {sizeof provider, "mine 1.0", NULL, walk, NULL, NULL, 0};
 *     tarn_frames_register(&provider);
 */
TARN_API int tarn_frames_register(const tarn_frames_provider* provider);

/* What a module for an interpreter exports, libtarn-frames-NAME.so: called once, by the constructor or after a dlopen. */
typedef int (*tarn_frames_registrar)(const tarn_frames_provider* provider);
void tarn_frames_module(tarn_frames_registrar registrar);

#ifdef __cplusplus
}
#endif
#endif
