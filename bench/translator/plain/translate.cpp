// SPDX-License-Identifier: MIT
// The plain translator's two steps over all files.
#include "faults.h"
#include "plain/passes.h"
#include "project.h"
#include "workers.h"

namespace plain {

translator::Faults translate(const std::vector<translator::Source>& sources, unsigned threads,
                             translator::Sink& sink) {
    std::vector<std::unique_ptr<File>> files(sources.size());
    std::vector<std::string> faults(sources.size());  // empty where there is none
    Project project;
    const auto guarded = [&](size_t index, auto step) {
        if (!faults[index].empty()) return;
        try {
            step(index);
        } catch (const translator::Fault& fault) {
            faults[index] = fault.text(index, sources[index].text());
        }
    };
    translator::share(sources.size(), threads, [&](unsigned, size_t index) {
        guarded(index, [&](size_t i) { files[i] = parse(tokenise(sources[i].text())); });
    });
    for (size_t index = 0; index < sources.size(); ++index)
        guarded(index, [&](size_t i) { enter(project, *files[i]); });
    translator::share(sources.size(), threads, [&](unsigned, size_t index) {
        guarded(index, [&](size_t i) {
            resolve(*files[i], project);
            sink.file(i, emit(*files[i]));
        });
    });
    std::erase(faults, std::string());
    return faults;
}

}  // namespace plain
