// SPDX-License-Identifier: MIT
// The two steps over all files.
#include <memory>

#include "faults.h"
#include "project.h"
#include "tarn/arena_pool.hpp"
#include "with_tarn/passes.h"
#include "workers.h"

namespace with_tarn {
namespace {

struct DestroyInterner {
    void operator()(tarn_interner* table) const { tarn_interner_destroy(table); }
};
using Names = std::unique_ptr<tarn_interner, DestroyInterner>;

// Keywords are numbered as language::Kind numbers them.
Names make_names(size_t files) {
    std::array<const char*, language::kKeywords.size()> keywords;
    for (size_t i = 0; i < keywords.size(); ++i)
        keywords[i] = language::kKeywords[i].data();
    tarn_interner_options options = TARN_INTERNER_OPTIONS_INIT;
    options.keyword_count = keywords.size();
    options.keywords = keywords.data();
    options.expected = 16 * files;
    Names made(tarn_interner_create(&options, sizeof options));
    if (!made) throw std::bad_alloc();
    return made;
}

// Memory of trees waits here for the next translation, as in the plain translator it waits with malloc.
tarn::ArenaPool& arenas() {
    static tarn::ArenaPool pool({.idle_bytes = size_t{64} << 20, .first_chunk = 16 << 10});
    return pool;
}

}  // namespace

translator::Faults translate(const std::vector<translator::Source>& sources, unsigned threads,
                             translator::Sink& sink) {
    std::vector<File*> files(sources.size());
    std::vector<std::string> faults(sources.size());  // empty where there is none
    std::vector<Worker> workers;
    workers.reserve(threads);
    for (unsigned thread = 0; thread < threads; ++thread)
        workers.emplace_back(arenas().acquire());
    const Names names = make_names(sources.size());
    Project project;
    const auto guarded = [&](size_t index, auto step) {
        if (!faults[index].empty()) return;
        try {
            step(index);
        } catch (const translator::Fault& fault) {
            faults[index] = fault.text(index, sources[index].text());
        }
    };
    translator::share(sources.size(), threads, [&](unsigned thread, size_t index) {
        guarded(index, [&](size_t i) { files[i] = parse(sources[i].text(), names.get(), workers[thread]); });
    });
    for (size_t index = 0; index < sources.size(); ++index)
        guarded(index, [&](size_t i) { enter(project, *files[i]); });
    translator::share(sources.size(), threads, [&](unsigned thread, size_t index) {
        guarded(index, [&](size_t i) {
            Worker& worker = workers[thread];
            const tarn::ArenaScope names_in_c(worker.arena);
            resolve(*files[i], project, worker);
            sink.file(i, emit(*files[i], worker.output));
        });
    });
    std::erase(faults, std::string());
    return faults;
}

}  // namespace with_tarn
