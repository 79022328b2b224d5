/* SPDX-License-Identifier: MIT
 * Every function of tarn.h, from C, in a program that runs under tarn: what it counts is what this program
 * does. One process, no test library: a failed check ends it with the line that failed. */
#define _POSIX_C_SOURCE 200809L
#include "tarn/tarn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

/* kLarge: above 32 KiB, below what `map` serves whatever the backend. */
enum { kObjects = 1000, kObjectSize = 48, kLarge = 100000, kReportMost = 1 << 20 };

static tarn_stats stats_now(void) {
    tarn_stats stats;
    CHECK(tarn_stats_get(&stats, sizeof stats) == 0);
    return stats;
}

static const tarn_class_stats* class_of(const tarn_stats* stats, size_t size) {
    uint32_t i = 0;
    while (i < stats->classes && stats->class_stats[i].object_size < size)
        ++i;
    CHECK(i < stats->classes);
    return &stats->class_stats[i];
}

/* Kept from the optimiser, which may drop a malloc whose result nobody sees. */
static void* volatile seen;

static void* allocate(size_t size) {
    void* object = malloc(size);
    CHECK(object != NULL);
    seen = object;
    return object;
}

static void check_equations(const tarn_stats* s) {
    uint64_t allocations = 0, frees = 0, live_bytes = 0;
    CHECK(s->version == TARN_STATS_VERSION);
    CHECK(s->classes > 0 && s->classes <= TARN_SIZE_CLASSES_MAX);
    for (uint32_t i = 0; i < s->classes; ++i) {
        const tarn_class_stats* c = &s->class_stats[i];
        CHECK(c->object_size > 0 && c->object_size % 16 == 0);
        CHECK(i == 0 || c->object_size > s->class_stats[i - 1].object_size);
        CHECK(c->frees <= c->allocations && c->remote_frees <= c->frees);
        CHECK(c->fresh + c->reused == c->allocations);
        CHECK(c->live_objects == c->allocations - c->frees);
        CHECK(c->live_bytes == c->live_objects * c->object_size);
        CHECK(c->live_bytes <= c->slab_bytes);
        allocations += c->allocations;
        frees += c->frees;
        live_bytes += c->live_bytes;
    }
    CHECK(s->small_allocations == allocations && s->small_frees == frees &&
          s->small_live_bytes == live_bytes);
    CHECK(s->allocations == s->small_allocations + s->large_allocations);
    CHECK(s->frees == s->small_frees + s->large_frees);
    CHECK(s->live_objects == s->allocations - s->frees);
    CHECK(s->live_bytes == s->small_live_bytes + s->large_live_bytes);
    CHECK(s->pool_share >= 0 && s->pool_share <= 1 && s->pool_hit_rate >= 0 && s->pool_hit_rate <= 1);
    CHECK(s->peak_resident >= s->resident && s->resident > 0);
    CHECK(s->threads >= 1 || s->allocations == 0);
    CHECK(s->in_use <= s->committed && s->committed <= s->reserved);
    CHECK(memchr(s->backend, 0, sizeof s->backend) != NULL && s->backend[0] != 0);
}

static void small_objects_are_counted_exactly(void) {
    static void* objects[kObjects];
    const tarn_stats before = stats_now();
    for (int i = 0; i < kObjects; ++i)
        objects[i] = allocate(kObjectSize);
    const tarn_stats full = stats_now();
    for (int i = 0; i < kObjects; ++i)
        free(objects[i]);
    const tarn_stats after = stats_now();
    check_equations(&before);
    check_equations(&full);
    check_equations(&after);

    const tarn_class_stats *b = class_of(&before, kObjectSize), *f = class_of(&full, kObjectSize),
                           *a = class_of(&after, kObjectSize);
    CHECK(f->allocations == b->allocations + kObjects && f->frees == b->frees);
    CHECK(f->live_bytes == b->live_bytes + kObjects * f->object_size);
    CHECK(a->allocations == f->allocations && a->frees == f->frees + kObjects);
    CHECK(a->live_objects == b->live_objects);
    CHECK(full.allocations == before.allocations + kObjects); /* reading allocates nothing */
    CHECK(after.frees == before.frees + kObjects);
    CHECK(after.remote_frees == before.remote_frees);
}

static void large_blocks_are_counted_exactly(void) {
    const tarn_stats before = stats_now();
    void* block = allocate(kLarge);
    const tarn_stats full = stats_now();
    free(block);
    const tarn_stats after = stats_now();
    check_equations(&full);
    CHECK(full.large_allocations == before.large_allocations + 1 && full.large_frees == before.large_frees);
    CHECK(full.large_live_objects == before.large_live_objects + 1);
    CHECK(full.large_live_bytes >= before.large_live_bytes + kLarge);
    CHECK(full.large_peak_bytes >= full.large_live_bytes);
    CHECK(after.large_frees == before.large_frees + 1 && after.large_live_bytes == before.large_live_bytes);
    CHECK(after.large_peak_bytes == full.large_peak_bytes);
    CHECK(after.small_allocations == before.small_allocations);
    CHECK(full.backend[0] != 0 && strcmp(full.backend, before.backend) == 0);
}

static void* free_it(void* object) {
    free(object);
    return NULL;
}

static void frees_of_another_thread_are_counted(void) {
    void* object = allocate(kObjectSize);
    const tarn_stats before = stats_now();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, free_it, object) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    const tarn_stats after = stats_now();
    check_equations(&after);
    CHECK(class_of(&after, kObjectSize)->remote_frees >= class_of(&before, kObjectSize)->remote_frees + 1);
    CHECK(after.remote_frees >= before.remote_frees + 1);
}

/* A program compiled against a struct of `size` bytes. */
static void check_size(size_t size) {
    unsigned char* buffer = allocate(sizeof(tarn_stats) + 128);
    memset(buffer, 0xa5, sizeof(tarn_stats) + 128);
    CHECK(tarn_stats_get((tarn_stats*)buffer, size) == 0);
    for (size_t i = size; i < sizeof(tarn_stats) + 128; ++i)
        CHECK(buffer[i] == 0xa5);
    tarn_stats stats;
    memset(&stats, 0, sizeof stats);
    memcpy(&stats, buffer, size < sizeof stats ? size : sizeof stats);
    CHECK(stats.version == TARN_STATS_VERSION);
    CHECK(size < offsetof(tarn_stats, class_stats) ||
          offsetof(tarn_stats, class_stats) + stats.classes * sizeof(tarn_class_stats) <= size);
    for (size_t i = sizeof(tarn_stats); i < size; ++i)
        CHECK(buffer[i] == 0); /* a field of the future */
    free(buffer);
}

static void structs_of_other_versions_are_not_overrun(void) {
    check_size(8);
    check_size(offsetof(tarn_stats, live_bytes) + 3);
    check_size(offsetof(tarn_stats, class_stats));
    check_size(offsetof(tarn_stats, class_stats) + sizeof(tarn_class_stats) - 1);
    check_size(offsetof(tarn_stats, class_stats) + 2 * sizeof(tarn_class_stats));
    check_size(sizeof(tarn_stats) - 1);
    check_size(sizeof(tarn_stats));
    check_size(sizeof(tarn_stats) + 100);

    tarn_stats totals;
    CHECK(tarn_stats_get(&totals, offsetof(tarn_stats, class_stats)) == 0);
    CHECK(totals.classes == 0 && totals.allocations > 0 && totals.small_allocations > 0);
}

static void get_refuses_bad_arguments(void) {
    tarn_stats stats;
    memset(&stats, 0x5a, sizeof stats);
    CHECK(tarn_stats_get(NULL, sizeof stats) == -1);
    CHECK(tarn_stats_get(NULL, 0) == -1);
    for (size_t size = 0; size < 8; ++size)
        CHECK(tarn_stats_get(&stats, size) == -1);
    for (size_t i = 0; i < sizeof stats; ++i)
        CHECK(((unsigned char*)&stats)[i] == 0x5a);
}

struct collected {
    size_t length, pieces;
    char text[kReportMost];
};

static void collect(void* context, const char* text, size_t length) {
    struct collected* to = context;
    CHECK(length > 0 && length <= 512);
    CHECK(to->length + length < sizeof to->text);
    memcpy(to->text + to->length, text, length);
    to->length += length;
    to->text[to->length] = 0;
    ++to->pieces;
}

static struct collected report;

static const char* printed(enum tarn_stats_format format) {
    report.length = report.pieces = 0;
    CHECK(tarn_stats_print(collect, &report, format) == 0);
    CHECK(report.pieces > 0);
    return report.text;
}

static int ends_in(const char* text, const char* end) {
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void reports_are_printed_in_every_format(void) {
    const char* text = printed(TARN_STATS_TEXT);
    CHECK(strncmp(text, "tarn: statistics of statistics_c_te", 35) == 0 && ends_in(text, "\n"));
    for (const char* line = text; *line; line = strchr(line, '\n') + 1)
        CHECK(strncmp(line, "tarn: ", 6) == 0);
    text = printed(TARN_STATS_CLASSES);
    CHECK(strstr(text, "  slab bytes\n") != NULL && strstr(text, "\ntarn: classes ") == NULL);
    const char* json = printed(TARN_STATS_JSON);
    CHECK(strncmp(json, "{\"version\":6,", 13) == 0 && ends_in(json, "]}\n"));
    CHECK(strstr(json, tarn_version()) != NULL);
    const char* metrics = printed(TARN_STATS_PROMETHEUS);
    CHECK(strncmp(metrics, "# TYPE tarn_build info\n", 23) == 0 && ends_in(metrics, "\n# EOF\n"));
}

enum { kChurners = 3, kReadings = 3000 };
static volatile int churning = 1;

static void* churn(void* unused) {
    (void)unused;
    void* objects[64] = {NULL};
    for (unsigned i = 0; churning; ++i) {
        void** object = &objects[i * 7 % 64];
        free(*object);
        *object = malloc(i % 512 == 0 ? (size_t)kLarge : i * 37 % 2000 + 1);
        CHECK(*object != NULL);
    }
    for (int i = 0; i < 64; ++i)
        free(objects[i]);
    return NULL;
}

/* Frees of a running thread follow from other counters, and may be read a few too low. */
static void counters_do_not_fall(const tarn_stats* before, const tarn_stats* after) {
    CHECK(after->allocations >= before->allocations && after->fresh >= before->fresh);
    CHECK(after->large_allocations >= before->large_allocations && after->large_frees >= before->large_frees);
    CHECK(after->threads_ended >= before->threads_ended && after->returned >= before->returned);
    CHECK(after->large_peak_bytes >= before->large_peak_bytes);
    CHECK(after->peak_live_bytes >= before->peak_live_bytes &&
          after->small_peak_bytes >= before->small_peak_bytes);
    CHECK(after->peak_live_bytes >= after->live_bytes && after->small_peak_bytes >= after->small_live_bytes);
    for (uint32_t i = 0; i < after->classes; ++i) {
        const tarn_class_stats *b = &before->class_stats[i], *a = &after->class_stats[i];
        CHECK(a->allocations >= b->allocations && a->fresh >= b->fresh);
    }
}

/* Of the report in Prometheus' format. */
static unsigned long long shown_frees(void) {
    const char* line = strstr(printed(TARN_STATS_PROMETHEUS), "\ntarn_frees_total ");
    CHECK(line != NULL);
    return strtoull(line + strlen("\ntarn_frees_total "), NULL, 10);
}

static void readings_are_sound_while_others_run(void) {
    static tarn_stats readings[2];
    pthread_t threads[kChurners];
    readings[1] = stats_now();
    for (int i = 0; i < kChurners; ++i)
        CHECK(pthread_create(&threads[i], NULL, churn, NULL) == 0);
    unsigned long long frees = 0;
    for (int i = 0; i < kReadings; ++i) {
        const unsigned long long last = frees;
        frees = shown_frees();
        CHECK(frees >= last);
        readings[i % 2] = stats_now();
        check_equations(&readings[i % 2]);
        counters_do_not_fall(&readings[(i + 1) % 2], &readings[i % 2]);
    }
    churning = 0;
    for (int i = 0; i < kChurners; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    const tarn_stats after = stats_now();
    check_equations(&after);
    counters_do_not_fall(&readings[(kReadings - 1) % 2], &after);
}

static void allocating_sink(void* context, const char* text, size_t length) {
    char* copy = allocate(length);
    memcpy(copy, text, length);
    free(copy);
    ++*(int*)context;
}

static void a_sink_may_allocate(void) {
    int pieces = 0;
    CHECK(tarn_stats_print(allocating_sink, &pieces, TARN_STATS_PROMETHEUS) == 0 && pieces > 1);
}

static int no_piece;

static void unexpected(void* context, const char* text, size_t length) {
    (void)context, (void)text, (void)length;
    no_piece = 1;
}

static void print_refuses_bad_arguments(void) {
    CHECK(tarn_stats_print(NULL, NULL, TARN_STATS_TEXT) == -1);
    for (int format = -2; format < 8; ++format)
        if (format < TARN_STATS_TEXT || format > TARN_STATS_CLASSES)
            CHECK(tarn_stats_print(unexpected, NULL, (enum tarn_stats_format)format) == -1);
    CHECK(!no_piece);
}

static void a_report_is_written_to_a_descriptor(void) {
    char name[] = "/tmp/tarn_c_api_XXXXXX";
    const int fd = mkstemp(name);
    CHECK(fd >= 0 && unlink(name) == 0);
    CHECK(tarn_stats_write(fd, (enum tarn_stats_format)0) == -1);
    CHECK(tarn_stats_write(fd, (enum tarn_stats_format)5) == -1);
    CHECK(lseek(fd, 0, SEEK_END) == 0); /* nothing was written */
    for (int format = TARN_STATS_TEXT; format <= TARN_STATS_PROMETHEUS; ++format)
        CHECK(tarn_stats_write(fd, (enum tarn_stats_format)format) == 0);
    const off_t length = lseek(fd, 0, SEEK_END);
    CHECK(length > 0 && length < kReportMost);
    CHECK(pread(fd, report.text, (size_t)length, 0) == length);
    report.text[length] = 0;
    CHECK(strncmp(report.text, "tarn: statistics", 16) == 0 && ends_in(report.text, "# EOF\n"));
    CHECK(strstr(report.text, "\n{\"version\":6,") != NULL);
    CHECK(close(fd) == 0);
}

static void write_refuses_bad_descriptors(void) {
    CHECK(tarn_stats_write(-1, TARN_STATS_TEXT) == -1);
    const int full = open("/dev/full", O_WRONLY);
    CHECK(full >= 0);
    CHECK(tarn_stats_write(full, TARN_STATS_TEXT) == -1);
    CHECK(close(full) == 0);
}

static void errno_is_untouched(void) {
    tarn_stats stats;
    errno = 4711;
    (void)tarn_stats_get(&stats, sizeof stats);
    (void)tarn_stats_get(NULL, 0);
    (void)tarn_stats_write(-1, TARN_STATS_TEXT);
    (void)tarn_stats_print(collect, &report, (enum tarn_stats_format)99);
    (void)tarn_trim();
    (void)tarn_version();
    CHECK(errno == 4711);
}

static void trim_gives_memory_back(void) {
    enum { kMany = 20000, kSize = 1000 };
    static void* objects[kMany];
    for (int i = 0; i < kMany; ++i)
        objects[i] = memset(allocate(kSize), 1, kSize);
    const tarn_stats full = stats_now();
    for (int i = 0; i < kMany; ++i)
        free(objects[i]);
    const tarn_stats before = stats_now();
    const size_t given = tarn_trim();
    const tarn_stats after = stats_now();
    check_equations(&after);
    CHECK(after.returned == before.returned + given || given > after.returned - before.returned);
    CHECK(after.dirty <= before.dirty);
    CHECK(after.returned > full.returned); /* by the frees already, or by the trim */
    CHECK(after.resident < full.resident - (uint64_t)kMany * kSize / 2);
    CHECK(tarn_trim() <= given); /* nothing new to give */
}

static void version_is_three_numbers(void) {
    unsigned major, minor, patch;
    char rest;
    CHECK(tarn_version() != NULL);
    CHECK(sscanf(tarn_version(), "%u.%u.%u%c", &major, &minor, &patch, &rest) == 3);
    CHECK(tarn_version() == tarn_version());
}

int main(void) {
    small_objects_are_counted_exactly();
    large_blocks_are_counted_exactly();
    frees_of_another_thread_are_counted();
    structs_of_other_versions_are_not_overrun();
    get_refuses_bad_arguments();
    reports_are_printed_in_every_format();
    readings_are_sound_while_others_run();
    a_sink_may_allocate();
    print_refuses_bad_arguments();
    a_report_is_written_to_a_descriptor();
    write_refuses_bad_descriptors();
    errno_is_untouched();
    trim_gives_memory_back();
    version_is_three_numbers();
    return 0;
}
