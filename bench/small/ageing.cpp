// SPDX-License-Identifier: MIT
// A heap that ages: each phase has four sizes of its own, as programs have a few structures, and some objects
// of every phase stay until the end, in short runs, since objects that are made together tend to live
// together. Prints the fragmentation then: memory resident, less what was resident at the start, divided by
// the bytes asked for that are alive. Own; phases, and fragmentation by what outlives them, are discussed by
// P. Wilson et al., "Dynamic Storage Allocation: A Survey and Critical Review", IWMM 1995.
#include <vector>

#include "support.h"

namespace {

constexpr size_t kPhases = 8;
constexpr size_t kUsual[kPhases] = {32, 256, 64, 1024, 128, 512, 48, 768};  // bytes
constexpr size_t kRun = 64;                                                 // survivors side by side

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t phase_bytes = arguments.scaled("--live", 32 << 20);  // asked for, at the end of a phase
    const size_t survivors = arguments.number("--survivors", 12);     // one in so many stays
    const size_t replaced = arguments.number("--replaced", 25);  // percent of the objects of a phase, in it
    arguments.end();

    bench::Random random(1);
    std::vector<std::vector<bench::Block>> kept(kPhases);
    std::vector<bench::Block> objects(phase_bytes / kUsual[0]);
    for (size_t phase = 0; phase < kPhases; ++phase)
        kept[phase].resize(phase_bytes / kUsual[phase] / survivors);
    const double start = bench::resident_mib();
    size_t done = 0, live = 0;
    for (size_t phase = 0; phase < kPhases; ++phase) {
        const size_t usual = kUsual[phase], number = phase_bytes / usual;
        const auto size = [&] { return usual / 2 * random.between(1, 4); };
        for (size_t i = 0; i < number; ++i)
            objects[i].allocate(size(), random);
        for (size_t i = 0; i < number * replaced / 100; ++i) {
            bench::Block& block = objects[random.below(number)];
            block.release();
            block.allocate(size(), random);
        }
        done += number + number * replaced / 100;
        size_t from = 0;
        for (size_t i = 0; i < kept[phase].size(); ++i) {
            if (i % kRun == 0) from = random.below(number);
            bench::Block& block = objects[(from + i % kRun) % number];
            if (!block.at) continue;  // it stays already
            kept[phase][i] = block;
            live += block.size;
            block.at = nullptr;
        }
        for (size_t i = 0; i < number; ++i)
            objects[i].release();
    }
    const double resident = bench::resident_mib() - start, live_mib = static_cast<double>(live) / (1 << 20);
    for (std::vector<bench::Block>& phase : kept)
        for (bench::Block& block : phase)
            block.release();
    printf("live %.2f MiB\nfragmentation %.3f ratio\n", live_mib, resident / live_mib);
    bench::work(done, "objects");
}
