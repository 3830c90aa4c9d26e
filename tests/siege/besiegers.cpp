// Runs one of the attacks: one thread, as many sockets as it takes.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/siege/attacks.h"
#include "tests/siege/roles.h"
#include "tests/siege/sockets.h"

namespace forestay::siege {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::uint32_t first_address = 0x7f000101;  // 127.0.1.1
constexpr std::size_t drip_shares = 100;
std::array<char, 64 << 10> read_buffer;

struct Connection {
    int fd = -1;
    std::size_t place = 0;  // in Besiegers::connections_
    const std::string* sending = nullptr;
    std::string own;  // `then`, with its sid
    std::size_t sent = 0;
    unsigned status = 0;  // of the answer; 0: none yet
    unsigned code = 0;    // of the close frame
};

class Besiegers {
  public:
    Besiegers(std::uint16_t port, Attack attack);
    void run();

  private:
    void connect();
    void end(Connection& connection);
    void send(Connection& connection);
    void read(Connection& connection);
    void answered(Connection& connection, std::string_view bytes);
    void drip(std::size_t share);
    bool turn();  // true: standard input has ended
    void write_result() const;

    const std::uint16_t port_;
    const Attack attack_;
    const int epoll_;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::vector<std::unique_ptr<Connection>> over_;  // in this turn
    std::size_t opened_ = 0, not_opened_ = 0, ended_ = 0, answered_ = 0;
    std::uint64_t bytes_sent_ = 0;
    std::map<unsigned, std::size_t> statuses_, codes_;
};

Besiegers::Besiegers(std::uint16_t port, Attack attack)
    : port_(port),
      attack_(std::move(attack)),
      epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    epoll_event event{};
    event.events = EPOLLIN;
    checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, STDIN_FILENO, &event), "epoll_ctl");
}

void Besiegers::connect() {
    const auto source =
        static_cast<std::uint32_t>(first_address + (opened_ + not_opened_) % attack_.addresses);
    const int fd = connect_from(source, port_, attack_.receive_buffer);
    if (fd < 0) {
        ++not_opened_;
        return;
    }
    ++opened_;
    auto fresh = std::make_unique<Connection>();
    fresh->fd = fd;
    fresh->place = connections_.size();
    fresh->sending = &attack_.opening;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = fresh.get();
    checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    connections_.push_back(std::move(fresh));
}

void Besiegers::end(Connection& connection) {
    ::close(connection.fd);
    connection.fd = -1;
    const std::size_t place = connection.place;
    over_.push_back(std::move(connections_[place]));
    if (place + 1 < connections_.size()) {
        connections_[place] = std::move(connections_.back());
        connections_[place]->place = place;
    }
    connections_.pop_back();
}

void Besiegers::send(Connection& connection) {
    while (connection.sending != nullptr) {
        const std::string& all = *connection.sending;
        const ssize_t sent =
            ::send(connection.fd, all.data() + connection.sent, all.size() - connection.sent, MSG_NOSIGNAL);
        if (sent < 0) return;  // later; or reading will tell
        bytes_sent_ += static_cast<std::uint64_t>(sent);
        connection.sent += static_cast<std::size_t>(sent);
        if (connection.sent < all.size()) continue;
        connection.sent = 0;
        if (attack_.endless && connection.status != 0) return;  // again in the next turn
        connection.sending = nullptr;
    }
}

void Besiegers::read(Connection& connection) {
    while (attack_.reads || connection.status == 0) {
        const ssize_t got = ::recv(connection.fd, read_buffer.data(), read_buffer.size(), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            ++ended_;
            return end(connection);
        }
        const std::string_view bytes(read_buffer.data(), static_cast<std::size_t>(got));
        if (connection.status == 0) {
            answered(connection, bytes);
            if (attack_.once) return end(connection);
        }
        // A close frame is the last that comes, and comes whole but for the rarest case.
        const std::size_t at = bytes.rfind('\x88');
        if (at == std::string_view::npos || bytes.size() < at + 4 || connection.code != 0) continue;
        if (bytes.size() != at + 2 + static_cast<unsigned char>(bytes[at + 1])) continue;
        connection.code = static_cast<unsigned>(static_cast<unsigned char>(bytes[at + 2]) << 8U |
                                                static_cast<unsigned char>(bytes[at + 3]));
        ++codes_[connection.code];
    }
}

void Besiegers::answered(Connection& connection, std::string_view bytes) {
    constexpr std::string_view version = "HTTP/1.1 ";
    if (!bytes.starts_with(version) || bytes.size() < version.size() + 3) return;
    connection.status = static_cast<unsigned>(std::stoul(std::string(bytes.substr(version.size(), 3))));
    ++statuses_[connection.status];
    ++answered_;
    if (attack_.then.empty() || connection.status >= 400) return;
    const std::size_t hole = attack_.then.find("@sid@");
    connection.sending = &attack_.then;
    if (hole != std::string::npos) {
        constexpr std::string_view before = "\"sid\":\"";
        const std::size_t sid = bytes.find(before);
        if (sid == std::string_view::npos) return;
        const std::size_t from = sid + before.size();
        connection.own = attack_.then;
        connection.own.replace(hole, 5, bytes.substr(from, bytes.find('"', from) - from));
        connection.sending = &connection.own;
    }
    send(connection);
}

// Those at one of a hundred places in the round.
void Besiegers::drip(std::size_t share) {
    for (std::size_t i = share; i < connections_.size(); i += drip_shares) {
        const Connection& connection = *connections_[i];
        if (connection.sending == nullptr && (attack_.then.empty() || connection.status != 0))
            static_cast<void>(::send(connection.fd, attack_.drip.data(), 1, MSG_NOSIGNAL));
    }
}

bool Besiegers::turn() {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) return true;
        Connection& connection = *static_cast<Connection*>(event.data.ptr);
        if (connection.fd >= 0 && (event.events & EPOLLOUT) != 0) send(connection);
        if (connection.fd >= 0) read(connection);
        if (connection.fd >= 0 && (event.events & (EPOLLHUP | EPOLLERR)) != 0) {
            ++ended_;
            end(connection);
        }
    }
    over_.clear();
    return false;
}

void Besiegers::run() {
    const auto gap = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(1 / attack_.connects_per_second));
    const auto round = std::chrono::duration<double>(attack_.drip_every / static_cast<double>(drip_shares));
    const auto start = Clock::now();
    Clock::time_point next = start;
    Clock::time_point next_drip = start;
    std::size_t share = 0;
    bool stands = false;
    while (!turn()) {
        const Clock::time_point now = Clock::now();
        // At most 200 at a time, and what was not to be had is not caught up with for longer than a second.
        next = std::max(next, now - 1s);
        for (int i = 0; i < 200 && next <= now && connections_.size() < attack_.connections; ++i, next += gap)
            connect();
        if (connections_.size() >= attack_.connections) next = std::max(next, now);
        if (attack_.endless) {
            for (const auto& each : connections_) send(*each);
        }
        for (; !attack_.drip.empty() && next_drip <= now;
             next_drip += std::chrono::duration_cast<Clock::duration>(round))
            drip(share++ % drip_shares);
        const bool standing = attack_.drip.empty() && attack_.reads
                                  ? now - start > 1s
                                  : opened_ >= attack_.connections &&
                                        (attack_.then.empty() || answered_ >= attack_.connections);
        if (!stands && standing) {
            stands = true;
            std::puts("ready");
            std::fflush(stdout);
        }
    }
    write_result();
}

void Besiegers::write_result() const {
    const auto list = [](const std::map<unsigned, std::size_t>& counts) {
        std::string out;
        for (const auto& [what, count] : counts)
            out += (out.empty() ? "\"" : ",\"") + std::to_string(what) + "\":" + std::to_string(count);
        return "{" + out + "}";
    };
    std::printf(
        R"({"opened":%zu,"not_opened":%zu,"ended":%zu,"open":%zu,"bytes":%llu,"statuses":%s,"codes":%s})"
        "\n",
        opened_, not_opened_, ended_, connections_.size(), static_cast<unsigned long long>(bytes_sent_),
        list(statuses_).c_str(), list(codes_).c_str());
}

}  // namespace

void run_attack(std::uint16_t port, std::string_view name, double scale) {
    for (Attack attack : attacks()) {
        if (attack.name != name) continue;
        attack.connections = std::max<std::size_t>(
            1, static_cast<std::size_t>(static_cast<double>(attack.connections) * scale));
        attack.connects_per_second = std::max(1.0, attack.connects_per_second * scale);
        return Besiegers(port, std::move(attack)).run();
    }
    throw std::runtime_error("no such attack: " + std::string(name));
}

}  // namespace forestay::siege
