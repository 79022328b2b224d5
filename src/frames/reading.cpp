// SPDX-License-Identifier: MIT
#include "frames/reading.h"

#include <dlfcn.h>
#include <link.h>

namespace tarn::frames {

Code code_of(const char* symbol) {
    void* const at = dlsym(RTLD_DEFAULT, symbol);
    Dl_info info;
    const ElfW(Sym)* entry = nullptr;
    if (!at ||
        !dladdr1(at, &info, reinterpret_cast<void**>(const_cast<ElfW(Sym)**>(&entry)), RTLD_DL_SYMENT) ||
        !entry)
        return {nullptr, 0};
    return {at, entry->st_size};
}

}  // namespace tarn::frames
