// SPDX-License-Identifier: MIT
#include "cli/export/server.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "reader/fate.h"

namespace tarn::cli {
namespace {

constexpr size_t kConnectionsMost = 64, kHeadMost = 8192;
constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kRequestNs = 5 * kSecond, kAnswerNs = 10 * kSecond, kLeaveNs = 2 * kSecond;

bool would_wait(ssize_t done) {
    return done < 0 && (errno == EAGAIN || errno == EINTR);
}

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses addresses_of(const std::string& address, uint16_t port) {
    addrinfo hints = {}, *found = nullptr;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    int error = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0) throw std::runtime_error(address + ": " + gai_strerror(error));
    return Addresses(found, &freeaddrinfo);
}

int listen_at(const std::string& address, uint16_t port) {
    Addresses where = addresses_of(address, port);
    int socket_number = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
    if (socket_number >= 0) setsockopt(socket_number, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (socket_number >= 0 && bind(socket_number, where->ai_addr, where->ai_addrlen) == 0 &&
        listen(socket_number, 128) == 0)
        return socket_number;
    int error = errno;
    if (socket_number >= 0) close(socket_number);
    throw std::runtime_error(fmt::format("{} port {}: {}{}", address, port, std::strerror(error),
                                         error == EADDRINUSE ? "; --port 0 takes one that is free" : ""));
}

sockaddr_storage bound_to(int socket_number) {
    sockaddr_storage bound = {};
    socklen_t size = sizeof bound;
    getsockname(socket_number, reinterpret_cast<sockaddr*>(&bound), &size);
    return bound;
}

uint16_t port_of(int socket_number) {
    sockaddr_storage bound = bound_to(socket_number);
    in_port_t port = bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                                 : reinterpret_cast<sockaddr_in&>(bound).sin_port;
    return ntohs(port);
}

short wanted(const Connection& connection) {
    return connection.state == Connection::State::kWriting ? POLLOUT : POLLIN;
}

}  // namespace

Socket::~Socket() {
    if (number_ >= 0) close(number_);
}

Server::Server(const std::string& address, uint16_t port, Handler handler)
    : listener_(listen_at(address, port)), handler_(std::move(handler)) {
    bool brackets = address.find(':') != std::string::npos;
    url_ = fmt::format("http://{}{}{}:{}", brackets ? "[" : "", address, brackets ? "]" : "",
                       port_of(listener_.number()));
}

bool Server::on_loopback() const {
    sockaddr_storage bound = bound_to(listener_.number());
    constexpr uint8_t kNet = IN_LOOPBACKNET;  // the first byte of such an address
    if (bound.ss_family == AF_INET)
        return ntohl(reinterpret_cast<sockaddr_in&>(bound).sin_addr.s_addr) >> 24 == kNet;
    const in6_addr& six = reinterpret_cast<sockaddr_in6&>(bound).sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == kNet);
}

void Server::serve(int until) {
    while (true) {
        std::vector<pollfd> files = {{until, POLLIN, 0}, {listener_.number(), POLLIN, 0}};
        uint64_t now = reader::now_ns(), due = UINT64_MAX;
        for (const Connection& one : connections_) {
            files.push_back({one.socket.number(), wanted(one), 0});
            due = std::min(due, one.deadline_ns);
        }
        int milliseconds = connections_.empty() ? -1
                           : due > now          ? static_cast<int>((due - now) / 1'000'000) + 1
                                                : 0;
        poll(files.data(), files.size(), milliseconds);
        if (files[0].revents != 0) return;
        now = reader::now_ns();
        size_t place = 2;
        for (auto one = connections_.begin(); one != connections_.end(); ++place) {
            bool stays = files[place].revents == 0 || go_on(&*one);
            one = stays && one->deadline_ns > now ? std::next(one) : connections_.erase(one);
        }
        if (files[1].revents != 0) take_new();
    }
}

// The oldest makes room; one that asks for nothing before one that waits for its answer.
void Server::take_new() {
    for (size_t i = 0; i < kConnectionsMost; ++i) {
        int number = accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (number < 0) {
            // Nothing is to be had by asking again at once.
            bool lacking = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            if (lacking && !connections_.empty()) connections_.pop_front();
            if (lacking) poll(nullptr, 0, 50);
            return;
        }
        if (connections_.size() >= kConnectionsMost) {
            auto idle = std::find_if(connections_.begin(), connections_.end(), [](const Connection& one) {
                return one.state != Connection::State::kWriting;
            });
            connections_.erase(idle != connections_.end() ? idle : connections_.begin());
        }
        connections_.emplace_back(number, reader::now_ns() + kRequestNs);
        if (!go_on(&connections_.back())) connections_.pop_back();
    }
}

bool Server::go_on(Connection* connection) {
    switch (connection->state) {
        case Connection::State::kReading:
            return read_request(connection);
        case Connection::State::kWriting:
            return write_answer(connection);
        case Connection::State::kLeaving:
            break;
    }
    char thrown_away[16384];
    ssize_t got = recv(connection->socket.number(), thrown_away, sizeof thrown_away, 0);
    return got > 0 || would_wait(got);
}

bool Server::read_request(Connection* connection) {
    char piece[4096];
    size_t room = std::min(sizeof piece, kHeadMost - connection->in.size());
    ssize_t got = recv(connection->socket.number(), piece, room, 0);
    if (would_wait(got)) return true;
    if (got <= 0) return false;
    connection->in.append(piece, static_cast<size_t>(got));
    size_t end = head_end(connection->in);
    if (end != std::string::npos) {
        std::optional<Asked> asked = parse_head(std::string_view(connection->in).substr(0, end));
        bool wanted_whole = asked && asked->method == "GET", is_head = asked && asked->method == "HEAD";
        begin_answer(connection,
                     !asked                    ? answer(400, "not a request of HTTP/1.1\n")
                     : wanted_whole || is_head ? handler_(*asked)
                                               : answer(405, "GET and HEAD are answered\n"),
                     !is_head);
    } else if (connection->in.size() >= kHeadMost) {
        begin_answer(connection, answer(431, "the request is too long\n"), true);
    } else {
        return true;
    }
    return write_answer(connection);
}

void Server::begin_answer(Connection* connection, const Answer& answer, bool with_body) {
    connection->in.clear();
    connection->head = answer_head(answer);
    connection->body = with_body ? answer.body : std::make_shared<const std::string>();
    connection->state = Connection::State::kWriting;
    connection->deadline_ns = reader::now_ns() + kAnswerNs;
}

bool Server::write_answer(Connection* connection) {
    const std::string &head = connection->head, &body = *connection->body;
    while (connection->sent < head.size() + body.size()) {
        bool of_head = connection->sent < head.size();
        std::string_view rest = of_head ? std::string_view(head).substr(connection->sent)
                                        : std::string_view(body).substr(connection->sent - head.size());
        ssize_t done = send(connection->socket.number(), rest.data(), rest.size(),
                            MSG_NOSIGNAL | (of_head && !body.empty() ? MSG_MORE : 0));
        if (would_wait(done)) return true;
        if (done < 0) return false;
        connection->sent += static_cast<size_t>(done);
    }
    // To close while a client still sends would take the answer from it.
    shutdown(connection->socket.number(), SHUT_WR);
    connection->state = Connection::State::kLeaving;
    connection->deadline_ns = reader::now_ns() + kLeaveNs;
    return true;
}

}  // namespace tarn::cli
