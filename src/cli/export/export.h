// SPDX-License-Identifier: MIT
// `tarn export`: the numbers of all processes that record, for Prometheus.
#pragma once
#include <cstdint>
#include <string>

namespace tarn::cli {

struct ExportOptions {
    std::string address = "127.0.0.1";
    uint16_t port = 9464;  // 0: any that is free
    std::string folder;    // of records, in place of the default ones
    bool classes = false;  // numbers of size classes, too
};

int export_metrics(const ExportOptions& options);

}  // namespace tarn::cli
