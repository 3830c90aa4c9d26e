#include "proxy/telemetry/stats_json.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/wire/json/scan.h"

namespace forestay::telemetry {
namespace {

using std::string_view;

// Objects inside of objects, written as they are opened and closed.
class Writer {
  public:
    void open(string_view name) {
        key(name);
        out_ += '{';
        first_ = true;
    }
    void close() {
        out_ += '}';
        first_ = false;
    }
    void number(string_view name, std::uint64_t value) {
        key(name);
        out_ += std::to_string(value);
    }
    void truth(string_view name, bool value) {
        key(name);
        out_ += value ? "true" : "false";
    }
    void text(string_view name, string_view value) {
        key(name);
        quote(value);
    }
    [[nodiscard]] std::string take() { return "{" + out_ + "}\n"; }

  private:
    void key(string_view name) {
        if (!first_) out_ += ',';
        first_ = false;
        quote(name);
        out_ += ':';
    }
    void quote(string_view text) {
        out_ += '"';
        wire::json::append_escaped(out_, text);
        out_ += '"';
    }

    std::string out_;
    bool first_ = true;
};

class Page {
  public:
    explicit Page(const MetricsInput& input) : input_(input) {}

    std::string render(double uptime_seconds) {
        out_.text("version", input_.build.version);
        out_.number("uptime_seconds", static_cast<std::uint64_t>(uptime_seconds));
        sessions();
        connections();
        requests();
        limits();
        upstreams();
        return out_.take();
    }

  private:
    template <class Get>
    std::uint64_t sum(Get get) const {
        std::uint64_t total = 0;
        for (const net::Stats* loop : input_.loops) total += get(*loop);
        return total;
    }
    template <class Names, class Get>
    void by_name(string_view name, const Names& names, Get get) {
        out_.open(name);
        for (std::size_t i = 0; i < names.size(); ++i)
            out_.number(names[i], sum([&](const net::Stats& s) { return get(s, i); }));
        out_.close();
    }

    void sessions() {
        out_.open("sessions");
        out_.number("open", sum([](const net::Stats& s) {
                        std::uint64_t open = 0;
                        for (const std::uint64_t legs : s.sessions.client_legs) open += legs;
                        return open;
                    }));
        out_.number("started", sum([](const net::Stats& s) { return s.sessions.sessions; }));
        by_name("clients", session::client_state_names,
                [](const net::Stats& s, std::size_t i) { return s.sessions.client_legs[i]; });
        by_name("upstreams", session::upstream_state_names,
                [](const net::Stats& s, std::size_t i) { return s.sessions.upstream_legs[i]; });
        out_.close();
    }

    void connections() {
        out_.open("connections");
        by_name("open", net::client_transport_names,
                [](const net::Stats& s, std::size_t i) { return s.client_connections[i]; });
        out_.number("accepted", sum([](const net::Stats& s) { return s.connections_accepted; }));
        out_.number("refused", sum([](const net::Stats& s) { return s.connections_refused; }));
        out_.close();
    }

    void requests() {
        using session::RuleStats;
        constexpr std::array<std::pair<string_view, std::uint64_t RuleStats::*>, 8> numbers{
            {{"started", &RuleStats::started},
             {"outstanding", &RuleStats::outstanding},
             {"queued", &RuleStats::queued},
             {"answered_by_upstream", &RuleStats::answered_by_upstream},
             {"answered_by_fallback", &RuleStats::answered_by_fallback},
             {"abandoned", &RuleStats::abandoned},
             {"late", &RuleStats::late},
             {"invalid", &RuleStats::invalid}}};
        out_.open("requests");
        for (std::size_t rule = 0; rule < input_.rules.size(); ++rule) {
            // A loop that has seen no session yet may hold no entry for a rule.
            const auto count = [&](auto get) {
                return sum([&](const net::Stats& s) {
                    return rule < s.sessions.rules.size() ? get(s.sessions.rules[rule]) : std::uint64_t{0};
                });
            };
            out_.open(input_.rules[rule]);
            for (const auto& [name, member] : numbers)
                out_.number(name, count([member = member](const RuleStats& r) { return r.*member; }));
            out_.open("fallbacks");
            for (std::size_t code = 0; code < rules::code_names.size(); ++code) {
                const std::uint64_t given =
                    count([&](const RuleStats& r) { return std::uint64_t{r.fallbacks[code]}; });
                if (given > 0) out_.number(rules::code_names[code], given);
            }
            out_.close();
            gate(rule);
            out_.close();
        }
        out_.close();
    }

    // A process has one gate, with the numbers of its first loop; before the first gathering it is nowhere.
    void gate(std::size_t rule) {
        constexpr std::array<string_view, 3> breakers{"closed", "open", "half_open"};
        for (const net::Stats* loop : input_.loops) {
            if (rule >= loop->gates.size()) continue;
            const rules::GateStats& stats = loop->gates[rule];
            out_.open("gate");
            out_.number("running", stats.running);
            out_.number("waiting", stats.waiting);
            out_.text("breaker", breakers[static_cast<std::size_t>(stats.breaker)]);
            out_.close();
            return;
        }
    }

    void limits() {
        out_.open("limits_hit");
        for (std::size_t i = 0; i < net::limit_hit_names.size(); ++i)
            out_.number(net::limit_hit_names[i], sum([i](const net::Stats& s) { return s.limit_hits[i]; }));
        for (std::size_t i = 0; i < session::limit_names.size(); ++i)
            out_.number(session::limit_names[i],
                        sum([i](const net::Stats& s) { return s.sessions.limits[i]; }));
        out_.close();
    }

    void upstreams() {
        out_.open("upstreams");
        for (std::size_t i = 0; i < input_.upstreams.size(); ++i) {
            const auto of = [&](auto get) {
                return sum([&](const net::Stats& s) {
                    return i < s.upstreams.size() ? get(s.upstreams[i]) : std::uint64_t{0};
                });
            };
            out_.open(input_.upstreams[i]);
            out_.truth("up", of([](const net::UpstreamStats& u) { return std::uint64_t{u.up}; }) > 0);
            out_.number("sessions", of([](const net::UpstreamStats& u) { return u.sessions; }));
            out_.number("connects", of([](const net::UpstreamStats& u) { return u.connects; }));
            out_.number("failures", of([](const net::UpstreamStats& u) { return u.failures; }));
            out_.close();
        }
        out_.close();
    }

    const MetricsInput& input_;
    Writer out_;
};

}  // namespace

std::string render_stats(const MetricsInput& input, double uptime_seconds) {
    return Page(input).render(uptime_seconds);
}

}  // namespace forestay::telemetry
