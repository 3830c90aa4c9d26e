// The app of the siege: answers like the bench's, and talks without end to whoever asked for it.
#include <sys/epoll.h>

#include <array>
#include <memory>
#include <string>
#include <unordered_map>

#include "tests/bench/peer.h"
#include "tests/siege/roles.h"
#include "tests/siege/sockets.h"

namespace forestay::siege {
namespace {

using namespace std::chrono_literals;
using bench::Clock;

constexpr auto talk_interval = 100ms;          // of each connection
constexpr std::size_t talk_bytes = 4 << 10;    // what it says then
constexpr std::size_t talk_unsent = 64 << 10;  // it waits for a front that does not take more

class AppPeer final : public bench::UpstreamPeer {
  public:
    using UpstreamPeer::UpstreamPeer;
    void talk() {
        static const std::string event = R"(42["news",")" + std::string(talk_bytes, 'n') + "\"]";
        if (!talks_ || unsent() > talk_unsent) return;
        append_frame(event, false);
        flush();
    }

  private:
    bool on_head(std::string_view head) override {
        if (head.starts_with("POST ")) return true;  // an upload: swallowed
        wanted_ = head.find("talk=1") != std::string_view::npos;
        return UpstreamPeer::on_head(head);
    }
    bool on_message(std::string_view start, std::size_t size) override {
        talks_ = talks_ || (wanted_ && start.starts_with("40"));
        static_cast<void>(UpstreamPeer::on_message(start, size));
        return true;  // what an attacker says is no reason to leave
    }
    bool wanted_ = false;
    bool talks_ = false;  // once it is joined
};

}  // namespace

void run_app(std::uint16_t port) {
    const int epoll = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    const int listener = listen_at(port);
    epoll_event event{};
    event.events = EPOLLIN;
    checked(::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
    std::unordered_map<bench::Peer*, std::unique_ptr<AppPeer>> peers;
    Clock::time_point next = Clock::now();
    for (;;) {
        std::array<epoll_event, 64> events;
        const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 1);
        for (int i = 0; i < count; ++i) {
            const epoll_event& one = events[static_cast<std::size_t>(i)];
            auto* const peer = static_cast<bench::Peer*>(one.data.ptr);
            if (peer != nullptr) {
                if (!peer->on_events(one.events)) peers.erase(peer);
                continue;
            }
            for (int fd = accept_one(listener); fd >= 0; fd = accept_one(listener)) {
                auto fresh = std::make_unique<AppPeer>(epoll, fd);
                peers.emplace(fresh.get(), std::move(fresh));
            }
        }
        // A share of them at a time, so that who asks something is not kept waiting by those who listen to
        // news.
        constexpr std::size_t shares = 100;
        static std::size_t share = 0;
        for (const Clock::time_point now = Clock::now(); next <= now; next += talk_interval / shares) {
            share = (share + 1) % shares;
            for (std::size_t bucket = share; bucket < peers.bucket_count(); bucket += shares) {
                for (auto it = peers.begin(bucket); it != peers.end(bucket); ++it) it->second->talk();
            }
        }
    }
}

}  // namespace forestay::siege
