// SPDX-License-Identifier: MIT
// The range that CowString::split returns. Included by cow_string.hpp.
#pragma once
#include <iterator>
#include <type_traits>

#include "tarn/cow_string.hpp"

namespace tarn {

// Piece: CowString or std::string_view. Shares the text.
template <class Piece>
class CowSplit {
  public:
    class iterator {
      public:
        using value_type = Piece;
        using reference = Piece;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using iterator_concept = std::forward_iterator_tag;
        using iterator_category = std::input_iterator_tag;

        iterator() = default;
        Piece operator*() const {
            if constexpr (std::is_same_v<Piece, CowString>)
                return split_->text_.substr(first_, end_ - first_);
            else
                return split_->text_.view().substr(first_, end_ - first_);
        }
        iterator& operator++() {
            const bool last = !separated_;
            first_ = last ? CowString::npos : end_ + split_->separator_.size();
            if (!last) find_end();
            return *this;
        }
        iterator operator++(int) {
            iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const iterator& a, const iterator& b) { return a.first_ == b.first_; }
        friend bool operator==(const iterator& a, std::default_sentinel_t) {
            return a.first_ == CowString::npos;
        }

      private:
        friend class CowSplit;
        explicit iterator(const CowSplit* split) : split_(split), first_(0) { find_end(); }
        void find_end() {
            const std::string_view text = split_->text_.view(), separator = split_->separator_;
            const std::size_t found = separator.empty()       ? CowString::npos
                                      : separator.size() == 1 ? text.find(separator[0], first_)
                                                              : text.find(separator, first_);
            separated_ = found != CowString::npos;
            end_ = separated_ ? found : text.size();
        }

        const CowSplit* split_ = nullptr;
        std::size_t first_ = CowString::npos;
        std::size_t end_ = 0;
        bool separated_ = false;
    };

    CowSplit(CowString text, std::string_view separator) : text_(std::move(text)), separator_(separator) {}
    iterator begin() const { return iterator(this); }
    std::default_sentinel_t end() const { return {}; }

  private:
    CowString text_;
    std::string_view separator_;
};

inline CowSplit<CowString> CowString::split(std::string_view separator) const {
    return {*this, separator};
}
inline CowSplit<std::string_view> CowString::split_views(std::string_view separator) const {
    return {*this, separator};
}

}  // namespace tarn
