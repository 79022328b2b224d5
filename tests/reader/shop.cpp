// SPDX-License-Identifier: MIT
// A program that fills memory from three places, says "ready", and waits to be killed: usage: shop [end]; with `end` it
// frees all of it and ends.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace shop {

constexpr size_t kNames = 100'000, kCarts = 40'000, kPages = 100, kPageBytes = 64'000;

struct Cart {
    char items[200];
};

struct Shop {
    std::vector<std::string> names;
    std::map<size_t, std::unique_ptr<Cart>> carts;
    std::vector<char*> pages;

    void load_names() {
        names.reserve(kNames);
        for (size_t i = 0; i < kNames; ++i)
            names.emplace_back(300, 'n');  // line: names
    }
    void open_carts() {
        for (size_t i = 0; i < kCarts; ++i)
            carts.emplace(i, nullptr).first->second.reset(new Cart{});  // line: carts
    }
    void print_pages() {
        for (size_t i = 0; i < kPages; ++i) {
            pages.push_back(static_cast<char*>(std::calloc(1, kPageBytes)));  // line: pages
            pages.back()[i] = 1;
        }
    }
    ~Shop() {
        for (char* page : pages)
            std::free(page);
    }
};

}  // namespace shop

int main(int count, char**) {
    shop::Shop shop;
    shop.load_names();
    shop.open_carts();
    shop.print_pages();
    if (count == 2) return 0;
    std::puts("ready");
    std::fflush(stdout);
    for (;;)
        pause();
}
