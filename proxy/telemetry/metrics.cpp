#include "proxy/telemetry/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <initializer_list>
#include <limits>
#include <map>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

#include "proxy/auth/errc.h"
#include "proxy/auth/origin.h"

namespace forestay::telemetry {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using session::Histogram;
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

constexpr std::array<std::string_view, 6> status_class_names{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

// The families, in the order in which they are written. HELP is not escaped by the serializer: plain ASCII,
// one line.
class Families {
  public:
    MetricFamily& counter(std::string_view name, std::string_view help) {
        return add(name, help, MetricType::Counter);
    }
    MetricFamily& gauge(std::string_view name, std::string_view help) {
        return add(name, help, MetricType::Gauge);
    }
    MetricFamily& histogram(std::string_view name, std::string_view help) {
        return add(name, help, MetricType::Histogram);
    }
    // Families of one sample without labels.
    void counter(std::string_view name, std::string_view help, double value);
    void gauge(std::string_view name, std::string_view help, double value);

    std::string text() const {
        std::ostringstream out;
        prometheus::TextSerializer{}.Serialize(out, families_);
        return std::move(out).str();
    }

  private:
    MetricFamily& add(std::string_view name, std::string_view help, MetricType type) {
        return families_.emplace_back(MetricFamily{std::string(name), std::string(help), type, {}});
    }
    std::vector<MetricFamily> families_;
};

ClientMetric& sample(MetricFamily& family, Labels labels) {
    ClientMetric& metric = family.metric.emplace_back();
    for (const auto& [name, value] : labels) metric.label.push_back({std::string(name), std::string(value)});
    return metric;
}

void put(MetricFamily& family, Labels labels, double value) {
    ClientMetric& metric = sample(family, labels);
    (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
}

void put(MetricFamily& family, Labels labels, const Histogram& value) {
    auto& out = sample(family, labels).histogram;
    for (std::size_t i = 0; i < value.buckets.size(); ++i) {
        out.sample_count += value.buckets[i];
        const double bound = i < session::duration_bounds.size() ? session::duration_bounds[i]
                                                                 : std::numeric_limits<double>::infinity();
        out.bucket.push_back({out.sample_count, bound});
    }
    out.sample_sum = value.sum;
}

void Families::counter(std::string_view name, std::string_view help, double value) {
    put(counter(name, help), {}, value);
}
void Families::gauge(std::string_view name, std::string_view help, double value) {
    put(gauge(name, help), {}, value);
}

// Sums over the loops, and what is common to all families.
class Exposition {
  public:
    explicit Exposition(const MetricsInput& input) : input_(input) {}
    std::string render();

  private:
    // The sum of what `get` finds in each loop's Stats.
    template <class Get>
    double sum(Get get) const {
        std::uint64_t total = 0;
        for (const net::Stats* loop : input_.loops) total += get(*loop);
        return static_cast<double>(total);
    }
    template <class Get>
    Histogram sum_histogram(Get get) const {
        Histogram total;
        for (const net::Stats* loop : input_.loops) {
            const Histogram& one = get(*loop);
            for (std::size_t i = 0; i < one.buckets.size(); ++i) total.buckets[i] += one.buckets[i];
            total.sum += one.sum;
        }
        return total;
    }
    // One sample per name; `get(stats, index)`.
    template <class Names, class Get>
    void by_name(MetricFamily& family, std::string_view label, const Names& names, Get get) const {
        for (std::size_t i = 0; i < names.size(); ++i) {
            put(family, {{label, names[i]}}, sum([&](const net::Stats& s) { return get(s, i); }));
        }
    }

    void sessions();
    void resumption();
    void traffic();
    void requests();
    void gates();
    void refusals();
    void upstream();
    void http();
    void tls();
    void process();

    const MetricsInput& input_;
    Families out_;
};

void Exposition::sessions() {
    out_.counter("forestay_sessions_started_total", "Sessions started.",
                 sum([](const auto& s) { return s.sessions.sessions; }));
    by_name(out_.gauge("forestay_client_legs", "Sessions by the state of their client leg."), "state",
            session::client_state_names, [](const auto& s, auto i) { return s.sessions.client_legs[i]; });
    by_name(out_.gauge("forestay_upstream_legs", "Sessions by the state of their upstream leg."), "state",
            session::upstream_state_names, [](const auto& s, auto i) { return s.sessions.upstream_legs[i]; });
    auto& closes =
        out_.counter("forestay_sessions_closed_total", "Sessions ended, by who ended them and why.");
    for (std::size_t side = 0; side < session::close_side_names.size(); ++side) {
        for (std::size_t reason = 0; reason < session::close_reason_names.size(); ++reason) {
            put(closes,
                {{"side", session::close_side_names[side]}, {"reason", session::close_reason_names[reason]}},
                sum([&](const auto& s) { return s.sessions.closes[side][reason]; }));
        }
    }
}

void Exposition::resumption() {
    by_name(out_.counter("forestay_session_reports_total",
                         "Legs of sessions that were lost and came back, and what that cost, by kind."),
            "kind", session::report_names, [](const auto& s, auto i) { return s.sessions.reports[i]; });
    out_.counter("forestay_replayed_messages_total", "Messages replayed to clients that came back.",
                 sum([](const auto& s) { return s.sessions.replayed; }));
    put(out_.histogram("forestay_upstream_outage_seconds",
                       "How long the upstream leg of a session was lost, of those that came back."),
        {}, sum_histogram([](const net::Stats& s) -> const Histogram& { return s.sessions.outage; }));
    put(out_.histogram("forestay_client_absence_seconds",
                       "How long the client of a session was away, of those that came back."),
        {}, sum_histogram([](const net::Stats& s) -> const Histogram& { return s.sessions.absence; }));
}

void Exposition::traffic() {
    by_name(out_.gauge("forestay_client_connections", "Open client connections by what they carry."),
            "transport", net::client_transport_names,
            [](const auto& s, auto i) { return s.client_connections[i]; });
    out_.counter("forestay_client_connections_accepted_total", "Client connections accepted.",
                 sum([](const auto& s) { return s.connections_accepted; }));
    out_.counter("forestay_client_connections_refused_total",
                 "Client connections refused because limits.max_connections was reached.",
                 sum([](const auto& s) { return s.connections_refused; }));
    out_.counter("forestay_client_connections_handed_over_total",
                 "Client connections given to the loop of the session that they asked for.",
                 sum([](const auto& s) { return s.handovers; }));
    using session::Traffic;
    constexpr std::array<std::pair<std::string_view, Traffic session::Stats::*>, 4> directions{
        {{"from_client", &session::Stats::from_client},
         {"to_client", &session::Stats::to_client},
         {"from_upstream", &session::Stats::from_upstream},
         {"to_upstream", &session::Stats::to_upstream}}};
    auto& messages = out_.counter("forestay_messages_total", "Messages of sessions, by direction.");
    for (const auto& [name, member] : directions) {
        put(messages, {{"direction", name}},
            sum([member = member](const auto& s) { return (s.sessions.*member).messages; }));
    }
    auto& bytes =
        out_.counter("forestay_message_bytes_total", "Payload bytes of those messages, by direction.");
    for (const auto& [name, member] : directions) {
        put(bytes, {{"direction", name}},
            sum([member = member](const auto& s) { return (s.sessions.*member).bytes; }));
    }
    by_name(out_.counter("forestay_drops_total", "Things dropped or set right, by what they were."), "reason",
            session::drop_names, [](const auto& s, auto i) { return s.sessions.drops[i]; });
    by_name(out_.counter("forestay_shield_hits_total",
                         "Things kept away or set right that known versions stumble over, by shield."),
            "shield", session::shield_names, [](const auto& s, auto i) { return s.sessions.shields[i]; });
}

void Exposition::requests() {
    // A loop that has seen no session yet may hold no entry for a rule.
    const auto count = [&](std::size_t rule, std::uint64_t session::RuleStats::*member) {
        return sum([&](const net::Stats& s) {
            return rule < s.sessions.rules.size() ? s.sessions.rules[rule].*member : 0;
        });
    };
    const auto family = [&](MetricFamily& out, std::uint64_t session::RuleStats::*member) {
        for (std::size_t i = 0; i < input_.rules.size(); ++i) {
            put(out, {{"rule", input_.rules[i]}}, count(i, member));
        }
    };
    using session::RuleStats;
    family(out_.counter("forestay_requests_started_total", "Requests tracked, by rule."),
           &RuleStats::started);
    family(out_.gauge("forestay_requests_outstanding", "Requests that wait for their answer, by rule."),
           &RuleStats::outstanding);
    family(out_.gauge("forestay_requests_queued", "Of these, requests that wait for their turn, by rule."),
           &RuleStats::queued);
    auto& answered =
        out_.counter("forestay_requests_answered_total", "Requests answered, by rule and by whom.");
    for (std::size_t i = 0; i < input_.rules.size(); ++i) {
        put(answered, {{"rule", input_.rules[i]}, {"by", "upstream"}},
            count(i, &RuleStats::answered_by_upstream));
        put(answered, {{"rule", input_.rules[i]}, {"by", "fallback"}},
            count(i, &RuleStats::answered_by_fallback));
    }
    auto& fallbacks =
        out_.counter("forestay_request_fallbacks_total", "Fallbacks given, by rule and by their code.");
    for (std::size_t i = 0; i < input_.rules.size(); ++i) {
        for (std::size_t code = 0; code < rules::code_names.size(); ++code) {
            put(fallbacks, {{"rule", input_.rules[i]}, {"code", rules::code_names[code]}},
                sum([&](const net::Stats& s) {
                    return i < s.sessions.rules.size() ? s.sessions.rules[i].fallbacks[code] : 0;
                }));
        }
    }
    constexpr std::array<std::tuple<std::string_view, std::string_view, std::uint64_t RuleStats::*>, 8>
        counters{
            {{"forestay_requests_aborted_total",
              "Of the fallbacks, those given after parts of the answer, by rule.", &RuleStats::aborted},
             {"forestay_requests_abandoned_total",
              "Requests whose session ended before their answer, by rule.", &RuleStats::abandoned},
             {"forestay_late_answers_total", "Answers that came after the fallback, by rule.",
              &RuleStats::late},
             {"forestay_request_progress_total",
              "Signs of progress of requests, parts of answers included, by rule.", &RuleStats::progress},
             {"forestay_resent_requests_total", "Requests sent again to the app, by rule.",
              &RuleStats::resent},
             {"forestay_joined_requests_total",
              "Repeated requests that were joined to the outstanding one, by rule.", &RuleStats::joined},
             {"forestay_repeated_answers_total", "Answers given again to repeated requests, by rule.",
              &RuleStats::repeated},
             {"forestay_invalid_messages_total", "Messages that broke the schema of a rule, by rule.",
              &RuleStats::invalid}}};
    for (const auto& [name, help, member] : counters) family(out_.counter(name, help), member);
    auto& durations = out_.histogram("forestay_request_duration_seconds",
                                     "From a request's receipt to its answer, whoever gave it, by rule.");
    for (std::size_t i = 0; i < input_.rules.size(); ++i) {
        static const Histogram nothing;
        put(durations, {{"rule", input_.rules[i]}},
            sum_histogram([&](const net::Stats& s) -> const Histogram& {
                return i < s.sessions.rules.size() ? s.sessions.rules[i].duration : nothing;
            }));
    }
}

// A process has one gate, which is with the first loop's numbers; before the first gathering it is nowhere.
void Exposition::gates() {
    using rules::GateStats;
    const auto by_rule = [&](MetricFamily& out, auto get) {
        by_name(out, "rule", input_.rules, [&](const net::Stats& s, std::size_t i) {
            return i < s.gates.size() ? std::uint64_t{get(s.gates[i])} : 0;
        });
    };
    by_rule(out_.gauge("forestay_gate_running", "Requests that were told to go and are not done, by rule."),
            [](const GateStats& g) { return g.running; });
    by_rule(out_.gauge("forestay_gate_waiting", "Requests in line, by rule."),
            [](const GateStats& g) { return g.waiting; });
    const auto by_rule_and = [&](MetricFamily& out, std::string_view label, std::string_view value,
                                 auto get) {
        const std::size_t before = out.metric.size();
        by_rule(out, get);
        for (std::size_t i = before; i < out.metric.size(); ++i)
            out.metric[i].label.push_back({std::string(label), std::string(value)});
    };
    auto& refused =
        out_.counter("forestay_gate_refusals_total", "Requests that the gate refused, by rule and by code.");
    using rules::Code;
    constexpr std::array<std::pair<Code, std::uint64_t GateStats::*>, 4> reasons{
        {{Code::overload_queue_full, &GateStats::refused_queue_full},
         {Code::overload_queue_timeout, &GateStats::refused_queue_timeout},
         {Code::overload_rate, &GateStats::refused_rate},
         {Code::breaker_open, &GateStats::refused_breaker}}};
    for (const auto& [code, member] : reasons) {
        by_rule_and(refused, "code", name(code), [member = member](const GateStats& g) { return g.*member; });
    }
    auto& state = out_.gauge("forestay_breaker_state", "1 for the state that the rule's breaker is in.");
    using rules::Breakers;
    constexpr std::array<std::pair<Breakers, std::string_view>, 3> states{
        {{Breakers::closed, "closed"}, {Breakers::open, "open"}, {Breakers::half_open, "half_open"}}};
    for (const auto& [is, name] : states) {
        by_rule_and(state, "state", name, [is = is](const GateStats& g) { return g.breaker == is; });
    }
    by_rule(out_.counter("forestay_breaker_opened_total", "How often the breaker has opened, by rule."),
            [](const GateStats& g) { return g.opened; });
    by_rule(out_.counter("forestay_retries_total", "Retries that the gate allowed, by rule."),
            [](const GateStats& g) { return g.retries; });
    by_rule(out_.counter("forestay_retries_refused_total",
                         "Retries refused because too many were under way, by rule."),
            [](const GateStats& g) { return g.retries_refused; });
}

void Exposition::refusals() {
    auto& origins =
        out_.counter("forestay_origin_refused_total", "Requests refused for their origin, by reason.");
    using auth::OriginVerdict;
    for (auto verdict :
         {OriginVerdict::mismatch, OriginVerdict::null, OriginVerdict::missing, OriginVerdict::malformed}) {
        put(origins, {{"reason", name(verdict)}},
            sum([&](const auto& s) { return s.origin_refusals.at(static_cast<std::size_t>(verdict)); }));
    }
    auto& credentials = out_.counter("forestay_auth_refused_total", "Credentials refused, by reason.");
    for (int e = static_cast<int>(auth::errc::no_credential); e <= static_cast<int>(auth::errc_last); ++e) {
        put(credentials, {{"reason", name(static_cast<auth::errc>(e))}},
            sum([&](const auto& s) { return s.auth_refusals.at(static_cast<std::size_t>(e)); }));
    }
    by_name(out_.counter("forestay_auth_lockouts_total",
                         "How often somebody was locked out for bad credentials, by what was."),
            "of", net::lockout_names, [](const auto& s, auto i) { return s.auth_lockouts[i]; });
    auto& cache = out_.counter("forestay_auth_cache_lookups_total",
                               "Credentials that are dear to verify, by whether they had been lately.");
    put(cache, {{"result", "hit"}}, sum([](const auto& s) { return s.auth_cache.hits; }));
    put(cache, {{"result", "miss"}}, sum([](const auto& s) { return s.auth_cache.misses; }));
    by_name(out_.counter("forestay_forward_auth_total",
                         "Requests to the forward-auth server, by what came of them."),
            "result", net::forward_auth_result_names,
            [](const auto& s, auto i) { return s.forward_auth[i]; });
    put(out_.histogram("forestay_forward_auth_duration_seconds", "How long they took."), {},
        sum_histogram([](const net::Stats& s) -> const Histogram& { return s.forward_auth_duration; }));
    by_name(out_.counter("forestay_handshake_failures_total", "Websocket handshakes that failed, by reason."),
            "reason", net::handshake_failure_names,
            [](const auto& s, auto i) { return s.handshake_failures[i]; });
    auto& heads = out_.counter("forestay_head_refusals_total", "HTTP request heads refused, by reason.");
    std::map<std::string_view, std::uint64_t> reasons;
    for (const net::Stats* loop : input_.loops) {
        for (const auto& [reason, count] : loop->head_refusals) reasons[reason] += count;
    }
    for (const auto& [reason, count] : reasons) put(heads, {{"reason", reason}}, static_cast<double>(count));
    auto& limits = out_.counter("forestay_limit_hits_total",
                                "How often a bound on clients was hit: refused, slowed down, or forgotten.");
    by_name(limits, "limit", net::limit_hit_names, [](const auto& s, auto i) { return s.limit_hits[i]; });
    by_name(limits, "limit", session::limit_names,
            [](const auto& s, auto i) { return s.sessions.limits[i]; });
    out_.gauge("forestay_clients_max",
               "Most clients at once: limits.max_connections, or what the open file limit is enough for.",
               static_cast<double>(input_.clients_max));
    out_.gauge("forestay_memory_limit_bytes", "What limits.memory allows; 0: there is no limit.",
               static_cast<double>(input_.memory.limit_bytes));
    out_.gauge("forestay_memory_used_bytes", "What is used of it.",
               static_cast<double>(input_.memory.used_bytes));
    out_.gauge("forestay_memory_pressure",
               "1 when new clients are refused for lack of memory, 2 when the heaviest sessions end, too.",
               static_cast<double>(input_.memory.pressure));
    by_name(
        out_.counter("forestay_jwks_fetches_total", "Attempts to fetch JWT keys from jwks_url, by result."),
        "result", net::jwks_result_names, [](const auto& s, auto i) { return s.jwks.fetches[i]; });
    by_name(out_.counter("forestay_jwks_reloads_total", "Changes of a jwks_file that were seen, by result."),
            "result", net::jwks_reload_names, [](const auto& s, auto i) { return s.jwks.reloads[i]; });
    out_.gauge(
        "forestay_jwks_age_seconds",
        "How long ago the keys of a jwks_url were fetched or said to be unchanged; of several the oldest.",
        sum([](const auto& s) { return s.jwks.age_seconds; }));
    out_.gauge("forestay_jwks_keys", "JWT keys in use from jwks_url and jwks_file.",
               sum([](const auto& s) { return s.jwks.keys; }));
    out_.counter("forestay_sid_mismatches_total", "Session ids used by another principal or origin.",
                 sum([](const auto& s) { return s.sid_mismatches; }));
    out_.counter("forestay_dropped_header_fields_total",
                 "Request header fields removed because of an underscore or a dot in their name.",
                 sum([](const auto& s) { return s.dropped_header_fields; }));
}

void Exposition::upstream() {
    // A loop that has not started yet may hold no entry for an upstream.
    const auto family = [&](MetricFamily& out, auto member) {
        by_name(out, "upstream", input_.upstreams, [&](const net::Stats& s, std::size_t i) {
            return i < s.upstreams.size() ? std::uint64_t{s.upstreams[i].*member} : 0;
        });
    };
    family(out_.gauge("forestay_upstream_sessions", "Sessions that belong to it, by upstream."),
           &net::UpstreamStats::sessions);
    family(out_.counter("forestay_upstream_connects_total", "Attempts to connect to it, by upstream."),
           &net::UpstreamStats::connects);
    family(out_.counter("forestay_upstream_connect_failures_total",
                        "Attempts to connect to it that failed, by upstream."),
           &net::UpstreamStats::failures);
    auto& up =
        out_.gauge("forestay_upstream_up", "1 when the last attempt to reach it succeeded, by upstream.");
    family(up, &net::UpstreamStats::up);
    for (ClientMetric& one : up.metric) one.gauge.value = one.gauge.value > 0 ? 1 : 0;  // any loop's will do
}

void Exposition::http() {
    by_name(out_.counter("forestay_http_requests_total", "HTTP requests by the class of their status."),
            "status", status_class_names, [](const auto& s, auto i) { return s.http_requests[i]; });
    put(out_.histogram("forestay_http_request_duration_seconds",
                       "From a request's head to the end of its answer; never the lifetime of a websocket."),
        {}, sum_histogram([](const net::Stats& s) -> const Histogram& { return s.http_duration; }));
    out_.counter("forestay_http_request_bytes_total", "Body bytes of HTTP requests.",
                 sum([](const auto& s) { return s.http_request_bytes; }));
    out_.counter("forestay_http_response_bytes_total", "Body bytes of HTTP responses.",
                 sum([](const auto& s) { return s.http_response_bytes; }));
    out_.counter("forestay_spooled_uploads_total", "Chunked uploads that were spooled to a temporary file.",
                 sum([](const auto& s) { return s.spooled_uploads; }));
    out_.counter("forestay_spooled_bytes_total", "Bytes of those uploads.",
                 sum([](const auto& s) { return s.spooled_bytes; }));
}

void Exposition::tls() {
    auto& handshakes =
        out_.counter("forestay_tls_handshakes_total", "TLS handshakes, by side and how they ended.");
    constexpr std::array<std::string_view, 2> sides{"client", "upstream"};
    for (std::size_t side = 0; side < sides.size(); ++side) {
        for (std::size_t i = 0; i < net::tls_result_names.size(); ++i) {
            put(handshakes, {{"side", sides[side]}, {"result", net::tls_result_names[i]}},
                sum([&](const auto& s) { return s.tls_handshakes[side][i]; }));
        }
    }
    if (!input_.tls) return;
    out_.gauge("forestay_tls_certificate_expiry_timestamp_seconds",
               "When the first of the listeners' certificates expires, in seconds since the epoch.",
               input_.tls->certificate_expiry);
    auto& reloads = out_.counter("forestay_tls_reloads_total",
                                 "How often the listeners' certificates were read again, by result.");
    put(reloads, {{"result", "ok"}}, static_cast<double>(input_.tls->reloads));
    put(reloads, {{"result", "failed"}}, static_cast<double>(input_.tls->reloads_failed));
}

void Exposition::process() {
    put(out_.histogram("forestay_loop_lag_seconds", "How late a loop's own timer tick was."), {},
        sum_histogram([](const net::Stats& s) -> const Histogram& { return s.loop_lag; }));
    out_.counter("forestay_log_lines_lost_total",
                 "Log lines lost because the disk or the terminal was too slow.",
                 static_cast<double>(input_.log_lines_lost));
    put(out_.gauge("forestay_build_info", "Always 1; the labels say what is running."),
        {{"version", input_.build.version}, {"compiler", input_.build.compiler}}, 1);
    if (!input_.process) return;
    const ProcessStats& p = *input_.process;
    out_.counter("process_cpu_seconds_total", "User and system CPU time spent.", p.cpu_seconds);
    out_.gauge("process_resident_memory_bytes", "Resident memory.", static_cast<double>(p.resident_bytes));
    out_.gauge("process_virtual_memory_bytes", "Virtual memory.", static_cast<double>(p.virtual_bytes));
    out_.gauge("process_open_fds", "Open file descriptors.", static_cast<double>(p.open_fds));
    out_.gauge("process_max_fds", "Most file descriptors that may be open.", static_cast<double>(p.max_fds));
    out_.gauge("process_threads", "Threads of the process.", static_cast<double>(p.threads));
    out_.gauge("process_start_time_seconds", "When the process started, in seconds since the epoch.",
               p.start_time_seconds);
}

std::string Exposition::render() {
    sessions();
    resumption();
    traffic();
    requests();
    gates();
    refusals();
    upstream();
    http();
    tls();
    process();
    return out_.text();
}

}  // namespace

std::string compiler_name() {
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "g++ " __VERSION__;
#endif
}

std::string render_metrics(const MetricsInput& input) {
    return Exposition(input).render();
}

}  // namespace forestay::telemetry
