// SPDX-License-Identifier: MIT
// A service that forgets something: usage: leak [SECONDS]. It serves a thousand requests a second for as long, or five
// thousand at once; docs/guide/memory.md looks for what it forgets.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace service {

struct Session {
    std::string user;
    char settings[2000];
};

// What was asked for lately: bounded, as it should be.
class Cache {
  public:
    const std::string& page(unsigned number) {
        std::string& kept = pages_[number % pages_.size()];
        if (kept.empty()) kept = std::string(20'000, 'p');
        return kept;
    }

  private:
    std::vector<std::string> pages_ = std::vector<std::string>(1'000);
};

// Each user who comes gets a session, and nobody ends it.
class Sessions {
  public:
    Session& of(const std::string& user) {
        std::unique_ptr<Session>& session = open_[user];
        if (!session) session = std::make_unique<Session>();
        session->user = user;
        return *session;
    }
    size_t open() const { return open_.size(); }

  private:
    std::unordered_map<std::string, std::unique_ptr<Session>> open_;
};

size_t answer(Cache& cache, Sessions& sessions, unsigned request) {
    Session& session = sessions.of("user number " + std::to_string(request));
    const std::string text = cache.page(request * 7) + session.user;  // freed when it was sent
    return text.size();
}

}  // namespace service

int main(int count, char** words) {
    const unsigned seconds = count > 1 ? static_cast<unsigned>(std::atoi(words[1])) : 0;
    service::Cache cache;
    service::Sessions sessions;
    size_t sent = 0;
    unsigned request = 0;
    for (; request < (seconds ? seconds * 1000 : 5000); ++request) {
        sent += service::answer(cache, sessions, request);
        if (seconds && request % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::printf("%u requests, %zu bytes sent, %zu sessions open\n", request, sent, sessions.open());
}
