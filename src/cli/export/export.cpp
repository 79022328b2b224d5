// SPDX-License-Identifier: MIT
#include "cli/export/export.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "cli/common/outcome.h"
#include "cli/export/exposition.h"
#include "cli/export/hosts.h"
#include "cli/export/server.h"
#include "reader/input.h"

namespace tarn::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kPage =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>tarn export</title></head>\n"
    "<body><h1>tarn export</h1>\n<p>{} records of processes. <a href=\"/metrics\">/metrics</a> is for "
    "Prometheus; <a href=\"/-/healthy\">/-/healthy</a> says that this process is.</p></body></html>\n";

// What is asked for, of numbers that are a second old at most: many who ask cost no more than one.
class Site {
  public:
    explicit Site(const ExportOptions& options)
        : crowd_(
              options.folder.empty() ? reader::default_folders() : std::vector<std::string>{options.folder},
              {}, reader::Removed::kForgotten),
          exporter_(options.classes ? Exporter::Classes::kShown : Exporter::Classes::kLeftOut) {}

    void allow(const Hosts& hosts) { hosts_ = hosts; }

    Answer answer_to(const Asked& asked) {
        if (!hosts_.allow(asked.host))
            return answer(403,
                          "asked by a name that is not this machine's; tarn export --host NAME allows it\n");
        if (asked.path == "/metrics") return metrics(asked);
        if (asked.path == "/-/healthy") return answer(200, "tarn export is healthy.\n");
        if (asked.path != "/") return answer(404, "there are /metrics, / and /-/healthy\n");
        look();
        Answer page = answer(200, fmt::format(fmt::runtime(kPage), exporter_.processes()));
        page.type = "text/html; charset=utf-8";
        return page;
    }

  private:
    Answer metrics(const Asked& asked) {
        look();
        bool open = asked.accept.find("application/openmetrics-text") != std::string::npos;
        std::shared_ptr<const std::string>& text = open ? open_metrics_ : prometheus_;
        if (!text)
            text = std::make_shared<const std::string>(
                exporter_.text(open ? Exposition::kOpenMetrics : Exposition::kPrometheus));
        return {200,
                open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                     : "text/plain; version=0.0.4; charset=utf-8",
                text};
    }

    void look() {
        Clock::time_point now = Clock::now();
        if (now < fresh_until_) return;
        crowd_.look(0);
        exporter_.update(crowd_);
        prometheus_ = open_metrics_ = nullptr;
        fresh_until_ = now + std::chrono::seconds(1);
    }

    Hosts hosts_;
    reader::Crowd crowd_;
    Exporter exporter_;
    Clock::time_point fresh_until_ = {};
    std::shared_ptr<const std::string> prometheus_, open_metrics_;
};

// Signals that end it, as something to wait for with others. They stay blocked: it ends by them.
Socket end_signals() {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigprocmask(SIG_BLOCK, &wanted, nullptr);
    int number = signalfd(-1, &wanted, SFD_CLOEXEC);
    if (number < 0) throw std::runtime_error(std::string("signals: ") + std::strerror(errno));
    return Socket(number);
}

}  // namespace

int export_metrics(const ExportOptions& options) {
    if (!options.folder.empty() && access(options.folder.c_str(), R_OK | X_OK) != 0)
        return failed(kFailed, options.folder + ": " + std::strerror(errno));
    Site site(options);
    Server server(options.address, options.port, [&](const Asked& asked) { return site.answer_to(asked); });
    if (server.on_loopback() || !options.hosts.empty()) {
        std::vector<std::string> names = options.hosts;
        names.push_back(options.address);
        site.allow(Hosts(names));
    }
    Socket ended = end_signals();
    Status status = write_to("", fmt::format("tarn: {}/metrics\n", server.url()));
    if (status != kDone) return status;
    server.serve(ended.number());
    return kDone;
}

}  // namespace tarn::cli
