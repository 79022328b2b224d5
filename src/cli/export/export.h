// SPDX-License-Identifier: MIT
// `tarn export`: the numbers of all processes that record, for Prometheus.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tarn::cli {

struct ExportOptions {
    std::string address = "127.0.0.1";
    uint16_t port = 9464;            // 0: any that is free
    std::vector<std::string> hosts;  // names by which it may be asked, besides this machine's own
    std::string folder;              // of records, in place of the default ones
    bool classes = false;            // numbers of size classes, too
};

int export_metrics(const ExportOptions& options);

}  // namespace tarn::cli
