// SPDX-License-Identifier: MIT
// CowString against a model, std::string: random steps on strings that share, slice and change one another.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <random>
#include <string>
#include <vector>

#include "tarn/cow_string.hpp"

namespace {

using tarn::CowString;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    if (from.empty()) return text;
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}
std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t\n\v\f\r");
    return first == std::string::npos ? ""
                                      : text.substr(first, text.find_last_not_of(" \t\n\v\f\r") - first + 1);
}
std::string mapped(std::string text, char first, int distance) {
    for (char& c : text)
        if (c >= first && c < first + 26) c = static_cast<char>(c + distance);
    return text;
}

// Strings that share, slice and change one another, each beside its model.
class Steps {
  public:
    explicit Steps(unsigned seed) : random_(seed), strings_(12), models_(12) {}
    void run(int count) {
        for (int i = 0; i < count; ++i) {
            step();
            for (std::size_t s = 0; s < strings_.size(); ++s)
                ASSERT_EQ(strings_[s].view(), models_[s]) << "step " << i << ", string " << s;
        }
    }

  private:
    std::size_t below(std::size_t limit) { return random_() % limit; }
    std::string text() {
        static constexpr std::string_view kLetters = "aabAB, \t\n\xc3\xa9zZ@[`{";
        std::string result(below(4) ? below(30) : below(3000), 0);
        for (char& c : result)
            c = kLetters[below(kLetters.size() + 1)];  // its NUL, too
        return result;
    }

    void step() {
        const std::size_t a = below(strings_.size()), b = below(strings_.size());
        CowString& to = strings_[a];
        const CowString& from = strings_[b];
        std::string& model = models_[a];
        const std::string& source = models_[b];
        if (below(2))
            make(to, from, model, source);
        else
            change(to, from, model, source);
        if (model.size() > 20000) to = CowString(), model.clear();
    }
    // From another string (or from itself).
    void make(CowString& to, const CowString& from, std::string& model, const std::string& source) {
        const std::size_t at = below(source.size() + 1), length = below(source.size() + 1);
        const std::string what = text().substr(0, 2), with = text().substr(0, 2);
        switch (below(9)) {
            case 0:
                to = from;
                model = source;
                break;
            case 1:
            case 2:
                to = from.substr(at, length);
                model = std::string(source.substr(at, length));
                break;
            case 3:
                to = from.trim();
                model = trimmed(source);
                break;
            case 4:
                to = from.lower();
                model = mapped(source, 'A', 32);
                break;
            case 5:
                to = from.upper();
                model = mapped(source, 'a', -32);
                break;
            case 6:
                to = from.replace(what, with);
                model = replaced(source, what, with);
                break;
            case 7:
                to = from.own();
                model = source;
                break;
            default:
                to = to + from;
                model += std::string(source);
        }
    }
    void change(CowString& to, const CowString& from, std::string& model, const std::string& source) {
        switch (below(9)) {
            case 0: {
                model = text();
                to = CowString(model);
                break;
            }
            case 1: {
                borrowed_.push_back(text());
                model = borrowed_.back();
                to = CowString::borrow(borrowed_.back());
                break;
            }
            case 2:
                to.append(from);
                model.append(std::string(source));
                break;
            case 3: {
                const std::size_t at = below(model.size() + 1);
                to.append(to.view().substr(at));  // of itself
                model.append(std::string(model.substr(at)));
                break;
            }
            case 4:
                to.push_back('x');
                model.push_back('x');
                break;
            case 5:
                for (char& c : to.edit())
                    c = static_cast<char>(c ^ 1);
                for (char& c : model)
                    c = static_cast<char>(c ^ 1);
                break;
            case 6:
                ASSERT_EQ(std::memcmp(to.c_str(), model.c_str(), model.size() + 1), 0);
                break;
            case 7:
                to.reserve(below(100));
                break;
            default:
                to = std::move(to).trim().upper().replace("A", "bb");
                model = replaced(mapped(trimmed(model), 'a', -32), "A", "bb");
        }
    }

    std::mt19937 random_;
    std::vector<CowString> strings_;
    std::vector<std::string> models_;
    std::list<std::string> borrowed_;
};

TEST(CowStringModel, RandomStepsAreAsOnStdString) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Steps(seed).run(1500);
    }
}

}  // namespace
