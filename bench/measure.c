// SPDX-License-Identifier: MIT
// measure -o RESULT.json [--preload LIBRARIES] -- COMMAND [ARGUMENT...]
// Starts COMMAND, with LD_PRELOAD for it alone, and writes what it took. It is a program of its own since the
// peak resident size of a process begins with that of the process it was forked from: this one is tiny.
// Its own status: 0 when COMMAND was run, whatever became of it; 2 for bad arguments; 3 when it could not be.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct request {
    const char* result;
    const char* preload;
    char** command;
};

static int read_arguments(struct request* request, char** arguments) {
    for (++arguments; *arguments != NULL; arguments += 2) {
        if (strcmp(*arguments, "--") == 0) {
            request->command = arguments + 1;
            return request->result != NULL && *request->command != NULL;
        }
        if (arguments[1] == NULL) return 0;
        if (strcmp(*arguments, "-o") == 0) {
            request->result = arguments[1];
        } else if (strcmp(*arguments, "--preload") == 0) {
            request->preload = arguments[1];
        } else {
            return 0;
        }
    }
    return 0;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

// The child's end: `report` is closed by a successful exec and gets errno otherwise.
static void become(const struct request* request, int report) {
    int error;
    if (request->preload != NULL) {
        setenv("LD_PRELOAD", request->preload, 1);
    } else {
        unsetenv("LD_PRELOAD");
    }
    execvp(request->command[0], request->command);
    error = errno;
    if (write(report, &error, sizeof error) != (ssize_t)sizeof error) _exit(126);
    _exit(127);
}

static int write_result(const char* path, int status, double wall, const struct rusage* usage) {
    FILE* file = fopen(path, "w");
    if (file == NULL) return 0;
    fprintf(file, "{\"status\": %d, \"signal\": %d, ", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    fprintf(file, "\"wall\": %.6f, \"user\": %.6f, \"system\": %.6f, ", wall, seconds_of(usage->ru_utime),
            seconds_of(usage->ru_stime));
    fprintf(file, "\"peak_kib\": %ld, \"minor_faults\": %ld, \"major_faults\": %ld}\n", usage->ru_maxrss,
            usage->ru_minflt, usage->ru_majflt);
    return fclose(file) == 0;
}

int main(int count, char** arguments) {
    struct request request = {NULL, NULL, NULL};
    struct rusage usage;
    int ends[2];
    int status = 0;
    int error = 0;
    double start;
    double wall;
    pid_t child;

    if (count < 2 || !read_arguments(&request, arguments)) {
        fprintf(stderr, "usage: measure -o RESULT.json [--preload LIBRARIES] -- COMMAND [ARGUMENT...]\n");
        return 2;
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        perror("measure: pipe2");
        return 3;
    }
    start = seconds_now();
    child = fork();
    if (child == 0) become(&request, ends[1]);
    if (child < 0) {
        perror("measure: fork");
        return 3;
    }
    while (wait4(child, &status, 0, &usage) < 0) {
        if (errno != EINTR) {
            perror("measure: wait4");
            return 3;
        }
    }
    wall = seconds_now() - start;
    close(ends[1]);
    if (read(ends[0], &error, sizeof error) == (ssize_t)sizeof error) {
        fprintf(stderr, "measure: %s: %s\n", request.command[0], strerror(error));
        return 3;
    }
    if (!write_result(request.result, status, wall, &usage)) {
        fprintf(stderr, "measure: %s: %s\n", request.result, strerror(errno));
        return 3;
    }
    return 0;
}
