// The load of the bench: many users and the app behind the proxies, in one thread. Measures one proxy after
// the other, in turn, and prints one line of JSON per measurement. run.py starts the proxies and makes a
// table of it.
//
//   bench_load LISTEN_PORT REPEATS NAME:CONNECTIONS:OUTSTANDING:RATE:SECONDS... -- PROXY:PORT:PID...
//   bench_load LISTEN_PORT idle CONNECTIONS -- PROXY:PORT:PID...
//
// RATE is requests per second of all users together, sent in bursts of OUTSTANDING per user at times fixed in
// advance: what the proxy delays does not delay the next request, and latency counts from the time at which
// the request was to be sent (no coordinated omission). RATE 0: each answer brings the next request, as fast
// as they come.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/proxy_process.h"
#include "tests/bench/world.h"

namespace forestay::bench {
namespace {

using namespace std::chrono_literals;

struct Scenario {
    std::string name;
    std::size_t connections = 0;
    std::size_t outstanding = 1;
    double rate = 0;  // requests per second
    std::chrono::duration<double> length{};
};

std::uint64_t own_cpu_nanoseconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto ns = [](const timeval& t) {
        return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U +
               static_cast<std::uint64_t>(t.tv_usec) * 1000U;
    };
    return ns(usage.ru_utime) + ns(usage.ru_stime);
}

// Microseconds; `sorted` is.
double percentile(const std::vector<std::uint32_t>& sorted, double share) {
    if (sorted.empty()) return 0;
    const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
    return static_cast<double>(sorted[at]) / 1000;
}

class Run {
  public:
    Run(World& world, const Proxy& proxy, const Scenario& scenario)
        : world_(world), proxy_(proxy), scenario_(scenario) {}
    void measure(unsigned repeat);

  private:
    void on_answer(ClientPeer& client, Clock::time_point intended);
    void drive_until(Clock::time_point end);
    void drain();

    World& world_;
    const Proxy& proxy_;
    const Scenario& scenario_;
    std::vector<ClientPeer*> clients_;
    Clock::time_point next_;   // when the next burst is to be sent
    std::size_t turn_of_ = 0;  // and by whom
    Clock::time_point counted_from_ = Clock::time_point::max();
    std::uint64_t answers_ = 0;
    std::uint64_t not_sent_ = 0;
    bool stopping_ = false;
    std::vector<std::uint32_t> latencies_;  // nanoseconds
};

void Run::on_answer(ClientPeer& client, Clock::time_point intended) {
    ++answers_;
    if (scenario_.rate == 0) {
        if (!stopping_) client.ask({});
        return;
    }
    if (intended < counted_from_) return;
    const std::chrono::nanoseconds latency = Clock::now() - intended;
    latencies_.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(latency.count(), UINT32_MAX)));
}

void Run::drive_until(Clock::time_point end) {
    if (scenario_.rate == 0) {
        while (Clock::now() < end) world_.turn(Wait::block);
        return;
    }
    const std::chrono::duration<double> gap(static_cast<double>(scenario_.outstanding) / scenario_.rate);
    for (Clock::time_point now = Clock::now(); now < end; now = Clock::now()) {
        for (; next_ <= now; next_ += std::chrono::duration_cast<Clock::duration>(gap)) {
            ClientPeer& client = *clients_[turn_of_++ % clients_.size()];
            for (std::size_t i = 0; i < scenario_.outstanding; ++i) not_sent_ += client.ask(next_) ? 0 : 1;
            client.flush();
        }
        world_.turn(Wait::spin);
    }
}

void Run::drain() {
    stopping_ = true;
    const Clock::time_point end = Clock::now() + 5s;
    const auto waits = [](const ClientPeer* client) { return client->outstanding() > 0; };
    while (std::any_of(clients_.begin(), clients_.end(), waits)) {
        world_.turn(Wait::block);
        if (Clock::now() > end) throw std::runtime_error(proxy_.name + ": requests without an answer");
    }
}

void Run::measure(unsigned repeat) {
    const ClientPeer::Answered answered = [this](ClientPeer& c, Clock::time_point t) { on_answer(c, t); };
    clients_ = world_.join(proxy_, scenario_.connections, answered);
    latencies_.reserve(static_cast<std::size_t>(scenario_.rate * scenario_.length.count()) + 1000);
    next_ = Clock::now();
    if (scenario_.rate == 0) {
        for (ClientPeer* client : clients_) {
            for (std::size_t i = 0; i < scenario_.outstanding; ++i) client->ask({});
            client->flush();
        }
    }
    drive_until(Clock::now() + 500ms);  // warm-up

    const std::uint64_t answers = answers_, cpu = cpu_nanoseconds(proxy_.pid),
                        own_cpu = own_cpu_nanoseconds();
    const Clock::time_point start = counted_from_ = Clock::now();
    drive_until(start + std::chrono::duration_cast<Clock::duration>(scenario_.length));
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    // A request and its answer are two forwarded messages.
    const double messages = 2 * static_cast<double>(answers_ - answers);
    const double cpu_us = static_cast<double>(cpu_nanoseconds(proxy_.pid) - cpu) / 1000;
    const double own_share = static_cast<double>(own_cpu_nanoseconds() - own_cpu) / 1e9 / seconds;

    drain();
    world_.leave();
    std::sort(latencies_.begin(), latencies_.end());
    std::printf(
        R"({"scenario":"%s","proxy":"%s","repeat":%u,"messages_per_second":%.0f,"cpu_us_per_message":%.4f,)"
        R"("cpu_share":%.3f,"load_cpu_share":%.3f,"p50_us":%.1f,"p99_us":%.1f,"p999_us":%.1f,"not_sent":%llu})"
        "\n",
        scenario_.name.c_str(), proxy_.name.c_str(), repeat, messages / seconds, cpu_us / messages,
        cpu_us / 1e6 / seconds, own_share, percentile(latencies_, 0.5), percentile(latencies_, 0.99),
        percentile(latencies_, 0.999), static_cast<unsigned long long>(not_sent_));
    std::fflush(stdout);
}

void measure_idle(World& world, const Proxy& proxy, std::size_t connections) {
    const ClientPeer::Answered nobody_asks = [](ClientPeer&, Clock::time_point) {};
    const auto settle = [&] {
        for (const auto end = Clock::now() + 1s; Clock::now() < end;) world.turn(Wait::block);
    };
    // What the first connections ever make it allocate is not counted.
    world.join(proxy, 64, nobody_asks);
    settle();
    world.leave();
    const std::uint64_t before = anonymous_bytes(proxy.pid);
    world.join(proxy, connections, nobody_asks);
    settle();
    const std::uint64_t after = anonymous_bytes(proxy.pid);
    world.leave();
    std::printf(
        R"({"scenario":"idle","proxy":"%s","connections":%zu,"bytes_per_session":%.0f})"
        "\n",
        proxy.name.c_str(), connections,
        (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(connections));
    std::fflush(stdout);
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == ':') {
            parts.emplace_back();
        } else {
            parts.back().push_back(c);
        }
    }
    return parts;
}

void run(const std::vector<std::string>& args) {
    const auto dashes = std::find(args.begin(), args.end(), "--");
    if (dashes - args.begin() < 3) throw std::runtime_error("see the head of load.cpp for the arguments");
    std::vector<Proxy> proxies;
    for (auto it = dashes + 1; it != args.end(); ++it) {
        const auto parts = split(*it);
        proxies.push_back(
            {parts.at(0), static_cast<std::uint16_t>(std::stoul(parts.at(1))), std::stoi(parts.at(2))});
    }
    World world(static_cast<std::uint16_t>(std::stoul(args[0])));
    if (args[1] == "idle") {
        for (const Proxy& proxy : proxies) measure_idle(world, proxy, std::stoul(args[2]));
        return;
    }
    for (auto it = args.begin() + 2; it != dashes; ++it) {
        const auto parts = split(*it);
        const Scenario scenario{parts.at(0), std::stoul(parts.at(1)), std::stoul(parts.at(2)),
                                std::stod(parts.at(3)),
                                std::chrono::duration<double>(std::stod(parts.at(4)))};
        // Interleaved, and in reverse every other time, so that what else the machine does is shared fairly.
        for (unsigned repeat = 0; repeat < std::stoul(args[1]); ++repeat) {
            for (const Proxy& proxy : proxies) Run(world, proxy, scenario).measure(repeat);
            std::reverse(proxies.begin(), proxies.end());
        }
    }
}

}  // namespace
}  // namespace forestay::bench

int main(int argc, char** argv) {
    try {
        forestay::bench::run({argv + 1, argv + argc});
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_load: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
