// SPDX-License-Identifier: MIT
#include "pages/windows.h"

#include "base/expect.h"
#include "base/options.h"
#include "os/os.h"

namespace tarn {

namespace {

constexpr PackedUnits<uint16_t> kUnknown{kWindowUnits + Units{1}};
constexpr size_t kWindowAttempts = 96;

void* address(const Window& window, size_t unit) {
    return window.begin() + unit * kUnitSize;
}

// Never huge, unless everything is to be: an empty slab could not go back on its own.
void advise(void* at, size_t bytes) {
    if (options.huge_pages == HugePageUse::kAlways)
        os::advise_huge_pages(at, bytes);
    else if (!os::mapped_never_huge())
        os::forbid_huge_pages(at, bytes);
}

Mapped map_at(void* at, size_t bytes) {
    switch (os::map_at(at, bytes)) {
        case os::Placed::kYes:
            advise(at, bytes);
            return Mapped::kYes;
        case os::Placed::kOccupied:
            return Mapped::kOccupied;
        case os::Placed::kRefused:
            return Mapped::kRefused;
    }
    return Mapped::kRefused;
}

bool hole_before(const Window& window, size_t first) {
    return first > kUsableBegin && window.units().state(first - 1) == UnitState::kHole;
}
bool hole_behind(const Window& window, size_t end) {
    return end == kUsableEnd || window.units().state(end) == UnitState::kHole;
}

}  // namespace

bool empty_pages(void* at, size_t bytes) {
    if (!os::map_anew_at(at, bytes)) return false;
    advise(at, bytes);
    return true;
}

size_t Window::find(UnitKind kind, Units length) {
    PackedUnits<uint16_t>& none_of = none[static_cast<int>(kind)];
    if (count(kind) < length || length >= none_of) return UnitMap::kNone;
    const size_t found = units().find(kind, length);
    if (found == UnitMap::kNone) none_of = length;
    return found;
}

bool Window::is_inside_mapping(size_t first, Units length) const {
    return !hole_before(*this, first) && !hole_behind(*this, first + length.count());
}

UnitCounts Window::set(size_t first, Units length, UnitState state) {
    expect(begin(), "units that a window does not have", [&] {
        return first >= kUsableBegin && length <= kUsableUnits && first + length.count() <= kUsableEnd;
    });
    const UnitCounts were = units().set(first, length, state);
    clean -= were.clean;
    dirty -= were.dirty;
    holes -= were.holes;
    if (state == UnitState::kClean) clean += length;
    if (state == UnitState::kDirty) dirty += length;
    if (state == UnitState::kHole) holes += length;
    expect(begin(), "more units counted than a window has",
           [&] { return clean + dirty + holes <= kUsableUnits; });
    if (state != UnitState::kTaken)
        for (PackedUnits<uint16_t>& none_of : none)
            none_of = kUnknown;
    return were;
}

void Window::count_again() {
    clean = units().count(UnitState::kClean, kUsableBegin, kUsableUnits);
    dirty = units().count(UnitState::kDirty, kUsableBegin, kUsableUnits);
    holes = units().count(UnitState::kHole, kUsableBegin, kUsableUnits);
    for (PackedUnits<uint16_t>& none_of : none)
        none_of = kUnknown;
}

Window* Windows::of_unit(size_t unit) {
    const size_t number = unit / kWindowUnits.count();
    Window* from = begin();
    for (size_t left = count_; left > 0;) {
        const size_t half = left / 2;
        if (from[half].number < number)
            from += half + 1, left -= half + 1;
        else
            left = half;
    }
    return from != end() && from->number == number ? from : nullptr;
}

namespace {

// One by one. (The compiler would make memmove of it, which is bound at its first call, with more stack than there may be.)
void copy(Window& to, const Window& from) {
    to = from;
    asm volatile("" : : : "memory");
}

}  // namespace

Window* Windows::insert(size_t number) {
    Window* at = end();
    for (; at != begin() && at[-1].number > number; --at)
        copy(*at, at[-1]);
    *at = {static_cast<uint32_t>(number), {}, {}, {}, {kUnknown, kUnknown, kUnknown}};
    ++count_;
    expect(at->begin(), "a window twice", [&] {
        return (at == begin() || at[-1].number < number) && (at + 1 == end() || at[1].number > number);
    });
    return at;
}

Mapped Windows::map_whole(size_t number, Units units) {
    void* const at = reinterpret_cast<void*>(number << kWindowShift);
    const Mapped result = map_at(at, (kHeaderUnits + units).bytes());
    if (result != Mapped::kYes || cover_window(number)) return result;
    os::unmap_exactly(at, (kHeaderUnits + units).bytes());
    return Mapped::kRefused;
}

// The place to try: behind the last window, then further and further on, then from the first on, then where
// the table has to grow.
size_t Windows::next_number(size_t attempt) const {
    const size_t behind = count_ ? windows_[count_ - 1].number + size_t{1} : first_window();
    if (attempt < 8) return behind + attempt;
    if (attempt < 16) return behind + (size_t{1} << (attempt - 5));
    if (attempt < 80) return first_window() + (attempt - 16) * ((window_limit() - first_window()) / 64 + 1);
    return window_limit() + attempt - 80;
}

Window* Windows::add(Units units) {
    if (count_ == kWindowsMost || window_limit() == 0) return nullptr;
    for (size_t attempt = 0; attempt < kWindowAttempts; ++attempt) {
        const size_t number = next_number(attempt);
        if (attempt < 80 && number >= window_limit()) continue;
        if (of_unit(number * kWindowUnits.count())) continue;
        const Mapped mapped = map_whole(number, units);
        if (mapped == Mapped::kRefused) return nullptr;
        if (mapped == Mapped::kOccupied) continue;
        Window& window = *insert(number);
        window.set(kUsableBegin, units, UnitState::kClean);
        window.set(kUsableBegin + units.count(), kUsableUnits - units, UnitState::kHole);
        mapped_ += kHeaderUnits + units;
        ++mappings_;
        return &window;
    }
    return nullptr;
}

// The records of a window are read only by who holds an object of it.
bool Windows::remove(Window& window) {
    expect(window.begin(), "a window removed with units", [&] { return window.all_holes(); });
    const Window removed = window;
    for (Window* at = &window; at + 1 != end(); ++at)
        copy(*at, at[1]);
    --count_;
    // Off the list first: the child of a fork reads the headers of those that are on it.
    if (!os::unmap_exactly(removed.begin(), kHeaderUnits.bytes())) {
        *insert(removed.number) = removed;
        return false;
    }
    mapped_ -= kHeaderUnits;
    --mappings_;
    uncover_from(count_ ? windows_[count_ - 1].number + size_t{1} : 0);
    return true;
}

Mapped Windows::map(Window& window, size_t first, Units length) {
    expect(window.begin(), "units mapped that are no holes",
           [&] { return window.units().count(UnitState::kHole, first, length) == length; });
    const Mapped result = map_at(address(window, first), length.bytes());
    if (result != Mapped::kYes) return result;
    const bool before = hole_before(window, first), behind = hole_behind(window, first + length.count());
    if (before && behind) ++mappings_;
    if (!before && !behind) --mappings_;
    window.set(first, length, UnitState::kClean);
    mapped_ += length;
    return result;
}

void Windows::unmapped(Window& window, size_t first, Units length) {
    // In the child of a handler's fork they may be free by now.
    expect(window.begin(), "units unmapped that are holes",
           [&] { return window.units().count(UnitState::kHole, first, length) == Units{}; });
    const bool before = hole_before(window, first), behind = hole_behind(window, first + length.count());
    if (before && behind) --mappings_;
    if (!before && !behind) ++mappings_;
    window.set(first, length, UnitState::kHole);
    mapped_ -= length;
}

// An insertion that was not finished leaves a window twice, or one that never was.
void Windows::repair() {
    size_t kept = 0;
    for (Window& window : *this)
        if (window.number >= first_window() && (kept == 0 || window.number > windows_[kept - 1].number))
            windows_[kept++] = window;
    count_ = kept;
    mapped_ = {};
    mappings_ = 0;
    for (Window& window : *this) {
        window.count_again();
        mapped_ += kWindowUnits - window.holes;
        ++mappings_;
        for (size_t unit = kUsableBegin + 1; unit < kUsableEnd; ++unit)
            mappings_ += hole_before(window, unit) && window.units().state(unit) != UnitState::kHole;
    }
}

}  // namespace tarn
