// SPDX-License-Identifier: MIT
// SteadyList: an intrusive list whose links forward are right at every moment, so that a report in a signal handler,
// or the child of a fork, finds it as it was before a change or after it. Changed with a lock held.
#pragma once

namespace tarn {

template <class Node>
class SteadyList;

// What a node derives from.
template <class Node>
class Listed {
  public:
    Node* next() const { return next_; }

  private:
    friend class SteadyList<Node>;
    Node* next_ = nullptr;
    Node** link_ = nullptr;  // what points here
};

template <class Node>
class SteadyList {
  public:
    Node* first() const { return first_; }

    void add(Node& node) {
        links(node).next_ = first_;
        links(node).link_ = &first_;
        if (first_) links(*first_).link_ = &links(node).next_;
        __atomic_store_n(&first_, &node, __ATOMIC_RELEASE);
    }
    void remove(Node& node) {
        Node* const next = links(node).next_;
        __atomic_store_n(links(node).link_, next, __ATOMIC_RELEASE);
        if (next) links(*next).link_ = links(node).link_;
    }
    // In the child of a fork, when somebody held the lock who is gone: the links back.
    void mend() {
        for (Node** link = &first_; *link; link = &links(**link).next_)
            links(**link).link_ = link;
    }

  private:
    static Listed<Node>& links(Node& node) { return node; }
    Node* first_ = nullptr;
};

}  // namespace tarn
