// SPDX-License-Identifier: MIT
// Server: one thread, one poll, and a bound for all that a client may take: bytes of a request, time, connections. A
// client that is slow, or says nothing, waits alone: when there are too many of them, the oldest goes.
#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <string>

#include "cli/export/http.h"

namespace tarn::cli {

// A file descriptor, closed with its owner.
class Socket {
  public:
    explicit Socket(int number = -1) : number_(number) {}
    ~Socket();
    Socket(Socket&& other) noexcept : number_(other.number_) { other.number_ = -1; }
    Socket& operator=(Socket&&) = delete;
    int number() const { return number_; }

  private:
    int number_;
};

struct Connection {
    enum class State { kReading, kWriting, kLeaving };  // leaving: what is still coming is thrown away
    explicit Connection(int socket_number, uint64_t until_ns)
        : socket(socket_number), deadline_ns(until_ns) {}
    Socket socket;
    State state = State::kReading;
    uint64_t deadline_ns;
    std::string in, head;
    std::shared_ptr<const std::string> body;
    size_t sent = 0;  // of head and body
};

class Server {
  public:
    using Handler = std::function<Answer(const Asked&)>;
    // Throws std::runtime_error in one line when it cannot listen there.
    Server(const std::string& address, uint16_t port, Handler handler);

    const std::string& url() const { return url_; }
    bool on_loopback() const;  // nobody else reaches it
    // Until there is something to read at `until`.
    void serve(int until);

  private:
    void take_new();
    bool go_on(Connection* connection);  // false: it is over
    bool read_request(Connection* connection);
    bool write_answer(Connection* connection);
    void begin_answer(Connection* connection, const Answer& answer, bool with_body);

    Socket listener_;
    Handler handler_;
    std::string url_;
    std::list<Connection> connections_;  // the oldest first
};

}  // namespace tarn::cli
