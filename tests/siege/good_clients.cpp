// Those whom the siege must not touch. One process, one thread; it waits in the kernel, so that it leaves its
// core to others.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "tests/bench/peer.h"
#include "tests/siege/roles.h"
#include "tests/siege/sockets.h"

namespace forestay::siege {
namespace {

using namespace std::chrono_literals;
using bench::ClientPeer;
using bench::Clock;
using Latencies = std::vector<double>;  // milliseconds

constexpr std::uint32_t here = 0x7f000001;
constexpr auto patience = 10s;  // for an answer, or to join

double milliseconds(Clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

double percentile(const Latencies& sorted, double share) {
    return sorted.empty() ? 0
                          : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

// The p99 of each `window` answers as they came, and the median of those: what else the machine does for some
// seconds does not count. A rest that is less than half a window is left out.
double usual_p99(const Latencies& as_they_came, std::size_t window) {
    Latencies found;
    for (std::size_t from = 0; as_they_came.size() - from >= window / 2 && from < as_they_came.size();) {
        const std::size_t to = std::min(from + window, as_they_came.size());
        Latencies part(as_they_came.begin() + static_cast<std::ptrdiff_t>(from),
                       as_they_came.begin() + static_cast<std::ptrdiff_t>(to));
        std::sort(part.begin(), part.end());
        found.push_back(percentile(part, 0.99));
        from = to;
    }
    std::sort(found.begin(), found.end());
    return percentile(found, 0.5);
}

class GoodClients {
  public:
    explicit GoodClients(std::uint16_t port)
        : port_(port), epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll")) {}

    void join(std::size_t count);
    // Asks until a byte comes on standard input; false: it has ended.
    bool phase(double rate, double newcomers);
    void write_result(std::size_t window);
    void drain();

  private:
    struct Newcomer {
        std::unique_ptr<ClientPeer> peer;
        Clock::time_point intended;
        bool asked = false;
        bool answered = false;
    };

    ClientPeer& connect(std::unique_ptr<ClientPeer>& peer, const ClientPeer::Answered& answered);
    void add_newcomer(Clock::time_point intended);
    void look_after_newcomers();
    bool turn(Clock::duration wait);

    std::uint16_t port_;
    int epoll_;
    std::vector<std::unique_ptr<ClientPeer>> residents_;
    std::unordered_map<bench::Peer*, Newcomer> newcomers_;
    Latencies answers_, joins_;
    std::size_t asked_ = 0;
    std::size_t lost_ = 0;         // residents cut off, or without an answer; for good
    std::size_t turned_away_ = 0;  // newcomers
    const ClientPeer::Answered resident_answered_ = [this](ClientPeer&, Clock::time_point intended) {
        answers_.push_back(milliseconds(Clock::now() - intended));
    };
    const ClientPeer::Answered newcomer_answered_ = [this](ClientPeer& peer, Clock::time_point intended) {
        joins_.push_back(milliseconds(Clock::now() - intended));
        newcomers_.at(&peer).answered = true;
    };
};

ClientPeer& GoodClients::connect(std::unique_ptr<ClientPeer>& peer, const ClientPeer::Answered& answered) {
    const int fd = checked(connect_from(here, port_), "connect");
    peer = std::make_unique<ClientPeer>(epoll_, fd, answered);
    return *peer;
}

void GoodClients::join(std::size_t count) {
    while (residents_.size() < count) connect(residents_.emplace_back(), resident_answered_);
    const Clock::time_point end = Clock::now() + patience;
    while (
        !std::all_of(residents_.begin(), residents_.end(), [](const auto& each) { return each->ready(); })) {
        static_cast<void>(turn(10ms));
        if (Clock::now() > end || lost_ > 0) throw std::runtime_error("the good clients cannot join");
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = this;
    checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, STDIN_FILENO, &event), "epoll_ctl");
}

void GoodClients::add_newcomer(Clock::time_point intended) {
    Newcomer one;
    one.intended = intended;
    bench::Peer* const key = &connect(one.peer, newcomer_answered_);
    newcomers_.emplace(key, std::move(one));
}

void GoodClients::look_after_newcomers() {
    const Clock::time_point now = Clock::now();
    for (auto it = newcomers_.begin(); it != newcomers_.end();) {
        Newcomer& one = it->second;
        if (!one.asked && one.peer->ready()) {
            one.asked = one.peer->ask(one.intended);
            one.peer->flush();
        }
        const bool over = one.answered || now - one.intended > patience;
        turned_away_ += over && !one.answered ? 1 : 0;
        it = over ? newcomers_.erase(it) : std::next(it);
    }
}

// True: standard input has something.
bool GoodClients::turn(Clock::duration wait) {
    std::array<epoll_event, 64> events;
    const auto nanoseconds = std::max<Clock::duration>(wait, 0ns).count();
    const timespec until{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
    const int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &until, nullptr);
    bool told = false;
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == this) {
            told = true;
            continue;
        }
        auto* const peer = static_cast<bench::Peer*>(event.data.ptr);
        if (peer->on_events(event.events)) continue;
        if (newcomers_.erase(peer) > 0) {
            ++turned_away_;
        } else {
            lost_ += std::erase_if(residents_, [&](const auto& each) { return each.get() == peer; });
        }
    }
    return told;
}

bool GoodClients::phase(double rate, double newcomers) {
    const auto every = [](double per_second) {
        return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / per_second));
    };
    Clock::time_point next = Clock::now();
    Clock::time_point next_newcomer = next;
    for (std::size_t whose = 0;;) {
        for (const Clock::time_point now = Clock::now(); next <= now && !residents_.empty();
             next += every(rate)) {
            ClientPeer& client = *residents_[whose++ % residents_.size()];
            ++asked_;
            if (!client.ask(next)) ++lost_;
            client.flush();
        }
        for (; next_newcomer <= Clock::now(); next_newcomer += every(newcomers)) add_newcomer(next_newcomer);
        if (turn(std::min(next, next_newcomer) - Clock::now())) {
            char byte = 0;
            return ::read(STDIN_FILENO, &byte, 1) == 1;
        }
        look_after_newcomers();
    }
}

// What was asked in this phase is answered, or lost.
void GoodClients::drain() {
    const auto waits = [](const auto& each) { return each->outstanding() > 0; };
    const Clock::time_point end = Clock::now() + patience;
    while ((!newcomers_.empty() || std::any_of(residents_.begin(), residents_.end(), waits)) &&
           Clock::now() < end) {
        static_cast<void>(turn(1ms));
        look_after_newcomers();
    }
    for (const auto& each : residents_) lost_ += each->outstanding();
}

void GoodClients::write_result(std::size_t window) {
    const double usual = usual_p99(answers_, window);
    std::sort(answers_.begin(), answers_.end());
    std::sort(joins_.begin(), joins_.end());
    std::printf(
        R"({"asked":%zu,"answered":%zu,"p50":%.3f,"p99":%.3f,"usual_p99":%.3f,"p999":%.3f,"max":%.3f,"lost":%zu,)"
        R"("joined":%zu,"join_p99":%.3f,"turned_away":%zu})"
        "\n",
        asked_, answers_.size(), percentile(answers_, 0.5), percentile(answers_, 0.99), usual,
        percentile(answers_, 0.999), percentile(answers_, 1), lost_, joins_.size(), percentile(joins_, 0.99),
        turned_away_);
    std::fflush(stdout);
    answers_.clear();
    joins_.clear();
    asked_ = lost_ = turned_away_ = 0;
}

}  // namespace

void run_good_clients(std::uint16_t port, std::size_t clients, double rate, double newcomers) {
    GoodClients good(port);
    good.join(clients);
    std::puts("ready");
    std::fflush(stdout);
    for (bool more = true; more;) {
        more = good.phase(rate, newcomers);
        good.drain();
        good.write_result(static_cast<std::size_t>(rate));
    }
}

}  // namespace forestay::siege
