// SPDX-License-Identifier: MIT
// Named: while memory is taken for something that the program has given a name, which is then a frame in the stacks of
// samples, the innermost one (tarn/record.h, scopes). One look at the name where there is none.
#pragma once
#include "seam/recorder.h"

namespace tarn {

class [[nodiscard]] Named {
  public:
    explicit Named(const char* name) {
        if (!name) [[likely]]
            return;
        record_ = recorder();
        if (record_) scope_ = record_->begin_scope(name);
    }
    ~Named() {
        if (record_) [[unlikely]]
            record_->end_scope(scope_);
    }
    Named(const Named&) = delete;
    Named& operator=(const Named&) = delete;

  private:
    const Recorder* record_ = nullptr;
    tarn_scope scope_ = {};
};

}  // namespace tarn
