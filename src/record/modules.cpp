// SPDX-License-Identifier: MIT
#include "record/modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>

#include "os/lock.h"
#include "os/os.h"
#include "record/record.h"
#include "record/writing.h"

// Without locks, from any thread: glibc 2.35.
extern "C" [[gnu::weak]] int _dl_find_object(void*, struct dl_find_object*) noexcept;

namespace tarn::record {

namespace {

// Of who adds to them. Taken after the linker's own, and waited for by who holds no lock of tarn's: a holder waits for
// nothing.
constinit Lock lock;
constexpr uint64_t kWait = 10'000'000;  // ns

tarn_record_module& module(uint64_t number) {
    return state.modules.entry<tarn_record_module>(number);
}

struct Object {
    uintptr_t bias;
    const char* name;
    const ElfW(Phdr) * headers;
    size_t count;
};

uint64_t known_modules() {
    return __atomic_load_n(&section(TARN_RECORD_MODULES)->count, __ATOMIC_ACQUIRE);
}

bool is_gone(const tarn_record_module& entry) {
    return __atomic_load_n(&entry.unloaded_ns, __ATOMIC_RELAXED) != 0;
}

// The note with the build id (ld --build-id): 16 to 20 bytes, as a rule.
void read_build_id(const Object& object, tarn_record_module& entry) {
    for (size_t i = 0; i < object.count; ++i) {
        const ElfW(Phdr)& header = object.headers[i];
        if (header.p_type != PT_NOTE) continue;
        const char* at = reinterpret_cast<const char*>(object.bias + header.p_vaddr);
        const char* const end = at + header.p_memsz;
        while (static_cast<size_t>(end - at) >= sizeof(ElfW(Nhdr))) {
            const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
            const char* const name = at + sizeof *note;
            const char* const id = name + (note->n_namesz + 3) / 4 * 4;
            const char* const next = id + (note->n_descsz + 3) / 4 * 4;
            if (next > end || next <= at) break;
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(name, "GNU", 4) == 0 &&
                note->n_descsz <= sizeof entry.build_id) {
                memcpy(entry.build_id, id, note->n_descsz);
                entry.build_id_size = note->n_descsz;
                return;
            }
            at = next;
        }
    }
}

// The vDSO has no file, and the executable no name of its own.
const char* name_of(const char* name) {
    return strncmp(name, "linux-vdso", 10) == 0 || strncmp(name, "linux-gate", 10) == 0 ? "[vdso]" : name;
}

bool same(const tarn_record_module& entry, uintptr_t begin, uintptr_t end, const char* name) {
    return entry.begin == begin && entry.end == end && !is_gone(entry) &&
           strncmp(entry.path, name, sizeof entry.path - 1) == 0;
}

// Something else lies there now.
void bury(uintptr_t begin, uintptr_t end, uint64_t now) {
    const uint64_t count = known_modules();
    for (uint64_t i = 0; i < count; ++i)
        if (module(i).begin < end && begin < module(i).end && !is_gone(module(i)))
            __atomic_store_n(&module(i).unloaded_ns, now, __ATOMIC_RELAXED);
}

bool is_known(uintptr_t begin, uintptr_t end, const char* name) {
    const uint64_t count = known_modules();
    for (uint64_t i = 0; i < count; ++i)
        if (same(module(i), begin, end, name)) return true;
    return false;
}

// With the lock held.
void add(const Object& object, const ElfW(Phdr) & segment, const char* name) {
    const uintptr_t begin = object.bias + segment.p_vaddr;
    const uintptr_t end = begin + segment.p_memsz;
    if (is_known(begin, end, name)) return;
    tarn_record_section& modules = *section(TARN_RECORD_MODULES);
    const uint64_t number = modules.count, now = os::nanoseconds();
    bury(begin, end, now);
    if (number == modules.capacity || !state.modules.reserve((number + 1) * sizeof(tarn_record_module))) {
        modules.dropped += 1;
        return;
    }
    tarn_record_module& entry = module(number);
    entry = {};
    entry.begin = begin;
    entry.end = end;
    entry.file_offset = segment.p_offset;
    entry.load_bias = object.bias;
    entry.loaded_ns = now;
    read_build_id(object, entry);
    for (size_t i = 0; name[i] && i + 1 < sizeof entry.path; ++i)
        entry.path[i] = name[i];
    __atomic_store_n(&modules.count, number + 1, __ATOMIC_RELEASE);
}

void add_all(const Object& object) {
    const char* const name = name_of(object.name);
    for (size_t i = 0; i < object.count; ++i)
        if (object.headers[i].p_type == PT_LOAD && (object.headers[i].p_flags & PF_X))
            add(object, object.headers[i], name);
}

int visit(dl_phdr_info* info, size_t, void*) {
    add_all({info->dlpi_addr, info->dlpi_name ? info->dlpi_name : "", info->dlpi_phdr, info->dlpi_phnum});
    return 0;
}

// What the linker knows of the address; false: nothing, or it cannot be asked.
bool find(uintptr_t address, dl_find_object& found) {
    return _dl_find_object && _dl_find_object(reinterpret_cast<void*>(address), &found) == 0;
}

bool is_there(const tarn_record_module& entry) {
    if (!_dl_find_object || strcmp(entry.path, "[vdso]") == 0) return true;
    dl_find_object found;
    return find(entry.begin, found) && found.dlfo_link_map->l_addr == entry.load_bias;
}

int visit_all(dl_phdr_info* info, size_t size, void* first) {
    bool& is_first = *static_cast<bool*>(first);
    if (is_first) {  // with the linker's lock held, under which nothing comes or goes
        is_first = false;
        const uint64_t count = known_modules(), now = os::nanoseconds();
        for (uint64_t i = 0; i < count; ++i)
            if (!is_gone(module(i)) && !is_there(module(i)))
                __atomic_store_n(&module(i).unloaded_ns, now, __ATOMIC_RELAXED);
    }
    return visit(info, size, nullptr);
}

}  // namespace

void look_for_modules() {
    if (!writes_here() || lock.is_mine() || !lock.lock_within(kWait)) return;
    lock.unlock();
    const Writing here;
    bool first = true;
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t size, void* context) {
            if (lock.is_mine() || !lock.lock_within(kWait)) return 1;
            const int result = visit_all(info, size, context);
            lock.unlock();
            return result;
        },
        &first);
}

bool know_module(uintptr_t address) {
    dl_find_object found;
    if (!find(address, found)) return true;  // nobody's: a program that writes its own code
    const link_map& map = *found.dlfo_link_map;
    const uint64_t count = known_modules();
    for (uint64_t i = count; i-- > 0;) {
        const tarn_record_module& entry = module(i);
        if (address < entry.begin || address >= entry.end || is_gone(entry)) continue;
        if (entry.load_bias == map.l_addr &&
            strncmp(entry.path, name_of(map.l_name), sizeof entry.path - 1) == 0)
            return true;
    }
    if (lock.is_mine() || !lock.try_lock()) return false;
    const Writing here;
    const auto* header = static_cast<const ElfW(Ehdr)*>(found.dlfo_map_start);
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_phentsize == sizeof(ElfW(Phdr)))
        add_all({map.l_addr, map.l_name ? map.l_name : "",
                 reinterpret_cast<const ElfW(Phdr)*>(static_cast<const char*>(found.dlfo_map_start) +
                                                     header->e_phoff),
                 header->e_phnum});
    lock.unlock();
    return true;
}

void copy_modules(const ParentModules& parent) {
    tarn_record_section& modules = *section(TARN_RECORD_MODULES);
    for (uint64_t i = 0; i < parent.count; ++i) {
        if (!state.modules.reserve((i + 1) * sizeof(tarn_record_module))) return;
        tarn_record_module& entry = module(i);
        entry = parent.entries[i];
        if (entry.unloaded_ns > parent.forked_ns) entry.unloaded_ns = 0;
        __atomic_store_n(&modules.count, i + 1, __ATOMIC_RELEASE);
    }
}

void modules_after_fork_child() {
    lock.reset();
}

}  // namespace tarn::record
