// SPDX-License-Identifier: MIT
// Has 10,000 objects of 712 bytes at once, and 5 MiB in a block, by every way to get and give one; check/waste.py knows.
#include <cstdlib>
#include <thread>
#include <vector>

int main() {
    constexpr size_t kObjects = 10000, kSize = 712;
    std::vector<void*> objects;
    std::thread([&] {
        for (size_t i = 0; i < kObjects; ++i) {
            void* object = nullptr;
            switch (i % 6) {
                case 0:
                    object = malloc(kSize);
                    break;
                case 1:
                    object = calloc(1, kSize);
                    break;
                case 2:
                    object = realloc(malloc(2000), kSize);
                    break;
                case 3:
                    object = aligned_alloc(16, kSize);
                    break;
                case 4:
                    object = ::operator new(kSize);
                    break;
                case 5:
                    if (posix_memalign(&object, 16, kSize) != 0) return;
            }
            objects.push_back(object);
        }
    }).join();
    void* const block = malloc(5 << 20);
    for (size_t i = 0; i < objects.size(); ++i)
        i % 6 == 4 ? ::operator delete(objects[i]) : free(objects[i]);
    free(block);
    return objects.size() == kObjects ? 0 : 1;
}
