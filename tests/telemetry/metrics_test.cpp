#include "proxy/telemetry/metrics.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <ctime>

#include "tests/telemetry/busy_stats.h"

namespace {

using namespace forestay;

const std::string rule_names[] = {"think_tank"};
const std::string upstream_names[] = {"127.0.0.1:5000", "127.0.0.1:5001"};

std::string render(std::span<const net::Stats* const> loops) {
    return telemetry::render_metrics(
        {loops, rule_names, upstream_names, {"0.1.0", "g++ 12"}, 0, std::nullopt, 0, {}, std::nullopt});
}

std::string render(const net::Stats& stats) {
    const net::Stats* loops[] = {&stats};
    return render(loops);
}

// The lines that begin with `start`, as they are.
std::string lines(const std::string& text, const std::string& start) {
    std::string found;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin) + 1;
        if (text.compare(begin, start.size(), start) == 0) found += text.substr(begin, end - begin);
        begin = end;
    }
    return found;
}

}  // namespace

BOOST_AUTO_TEST_CASE(requests_are_told_apart_by_rule_and_by_who_answered) {
    const std::string text = render(telemetry::busy_stats());
    BOOST_TEST(lines(text, "forestay_requests_") == R"(forestay_requests_started_total{rule="think_tank"} 7
forestay_requests_outstanding{rule="think_tank"} 2
forestay_requests_queued{rule="think_tank"} 1
forestay_requests_answered_total{rule="think_tank",by="upstream"} 3
forestay_requests_answered_total{rule="think_tank",by="fallback"} 1
forestay_requests_aborted_total{rule="think_tank"} 1
forestay_requests_abandoned_total{rule="think_tank"} 1
)");
    BOOST_TEST(lines(text, "forestay_late_answers_total") ==
               "forestay_late_answers_total{rule=\"think_tank\"} 1\n");
}

BOOST_AUTO_TEST_CASE(what_became_of_requests_is_counted_by_rule) {
    const std::string text = render(telemetry::busy_stats());
    const auto count = [&](const std::string& name) { return lines(text, name + "{"); };
    BOOST_TEST(count("forestay_request_progress_total") ==
               "forestay_request_progress_total{rule=\"think_tank\"} 30\n");
    BOOST_TEST(count("forestay_resent_requests_total") ==
               "forestay_resent_requests_total{rule=\"think_tank\"} 3\n");
    BOOST_TEST(count("forestay_joined_requests_total") ==
               "forestay_joined_requests_total{rule=\"think_tank\"} 4\n");
    BOOST_TEST(count("forestay_repeated_answers_total") ==
               "forestay_repeated_answers_total{rule=\"think_tank\"} 2\n");
    BOOST_TEST(count("forestay_invalid_messages_total") ==
               "forestay_invalid_messages_total{rule=\"think_tank\"} 5\n");
    const std::string fallbacks = count("forestay_request_fallbacks_total");
    BOOST_TEST(std::count(fallbacks.begin(), fallbacks.end(), '\n') == 12);
    BOOST_TEST(
        lines(fallbacks, "forestay_request_fallbacks_total{rule=\"think_tank\",code=\"timeout_idle\"}") ==
        "forestay_request_fallbacks_total{rule=\"think_tank\",code=\"timeout_idle\"} 1\n");
}

BOOST_AUTO_TEST_CASE(the_gate_is_told_by_rule) {
    const std::string text = render(telemetry::busy_stats());
    BOOST_TEST(lines(text, "forestay_gate_") == R"(forestay_gate_running{rule="think_tank"} 4
forestay_gate_waiting{rule="think_tank"} 17
forestay_gate_refusals_total{rule="think_tank",code="overload_queue_full"} 3
forestay_gate_refusals_total{rule="think_tank",code="overload_queue_timeout"} 5
forestay_gate_refusals_total{rule="think_tank",code="overload_rate"} 6
forestay_gate_refusals_total{rule="think_tank",code="breaker_open"} 7
)");
    BOOST_TEST(lines(text, "forestay_breaker_") ==
               R"(forestay_breaker_state{rule="think_tank",state="closed"} 0
forestay_breaker_state{rule="think_tank",state="open"} 0
forestay_breaker_state{rule="think_tank",state="half_open"} 1
forestay_breaker_opened_total{rule="think_tank"} 2
)");
    BOOST_TEST(lines(text, "forestay_retries_") == R"(forestay_retries_total{rule="think_tank"} 8
forestay_retries_refused_total{rule="think_tank"} 1
)");
}

BOOST_AUTO_TEST_CASE(histograms_are_cumulative_and_end_at_infinity) {
    const std::string text = render(telemetry::busy_stats());
    BOOST_TEST(lines(text, "forestay_request_duration_seconds") ==
               R"(forestay_request_duration_seconds_count{rule="think_tank"} 4
forestay_request_duration_seconds_sum{rule="think_tank"} 745.04
forestay_request_duration_seconds_bucket{rule="think_tank",le="0.005"} 0
forestay_request_duration_seconds_bucket{rule="think_tank",le="0.01"} 0
forestay_request_duration_seconds_bucket{rule="think_tank",le="0.025"} 2
forestay_request_duration_seconds_bucket{rule="think_tank",le="0.05"} 2
forestay_request_duration_seconds_bucket{rule="think_tank",le="0.1"} 2
forestay_request_duration_seconds_bucket{rule="think_tank",le="0.25"} 2
forestay_request_duration_seconds_bucket{rule="think_tank",le="0.5"} 2
forestay_request_duration_seconds_bucket{rule="think_tank",le="1"} 2
forestay_request_duration_seconds_bucket{rule="think_tank",le="2.5"} 2
forestay_request_duration_seconds_bucket{rule="think_tank",le="5"} 2
forestay_request_duration_seconds_bucket{rule="think_tank",le="10"} 2
forestay_request_duration_seconds_bucket{rule="think_tank",le="30"} 2
forestay_request_duration_seconds_bucket{rule="think_tank",le="60"} 3
forestay_request_duration_seconds_bucket{rule="think_tank",le="120"} 3
forestay_request_duration_seconds_bucket{rule="think_tank",le="600"} 3
forestay_request_duration_seconds_bucket{rule="think_tank",le="+Inf"} 4
)");
}

BOOST_AUTO_TEST_CASE(sessions_are_counted_by_the_state_of_each_leg) {
    const std::string text = render(telemetry::busy_stats());
    BOOST_TEST(lines(text, "forestay_client_legs") == R"(forestay_client_legs{state="polling"} 0
forestay_client_legs{state="probing"} 0
forestay_client_legs{state="websocket"} 4
forestay_client_legs{state="away"} 0
)");
    BOOST_TEST(lines(text, "forestay_upstream_legs") == R"(forestay_upstream_legs{state="idle"} 0
forestay_upstream_legs{state="connecting"} 0
forestay_upstream_legs{state="attached"} 3
forestay_upstream_legs{state="stalled"} 1
forestay_upstream_legs{state="lost"} 0
forestay_upstream_legs{state="reattaching"} 0
)");
}

BOOST_AUTO_TEST_CASE(what_it_took_to_keep_sessions_is_told) {
    const std::string text = render(telemetry::busy_stats());
    BOOST_TEST(lines(text, "forestay_session_reports_total{kind=\"upstream_lost\"}") ==
               "forestay_session_reports_total{kind=\"upstream_lost\"} 0\n");
    BOOST_TEST(lines(text, "forestay_session_reports_total{kind=\"upstream_back\"}") ==
               "forestay_session_reports_total{kind=\"upstream_back\"} 5\n");
    BOOST_TEST(lines(text, "forestay_shield_hits_total{shield=\"nan\"}") ==
               "forestay_shield_hits_total{shield=\"nan\"} 1\n");
    BOOST_TEST(lines(text, "forestay_shield_hits_total{shield=\"smuggling\"}") ==
               "forestay_shield_hits_total{shield=\"smuggling\"} 0\n");
    BOOST_TEST(lines(text, "forestay_replayed_messages_total") == "forestay_replayed_messages_total 21\n");
    BOOST_TEST(lines(text, "forestay_upstream_outage_seconds_sum") ==
               "forestay_upstream_outage_seconds_sum 1.5\n");
    BOOST_TEST(lines(text, "forestay_upstream_outage_seconds_bucket{le=\"1\"}") ==
               "forestay_upstream_outage_seconds_bucket{le=\"1\"} 0\n");
    BOOST_TEST(lines(text, "forestay_client_absence_seconds_sum") ==
               "forestay_client_absence_seconds_sum 7\n");
}

BOOST_AUTO_TEST_CASE(refusals_have_the_names_of_their_reasons) {
    const std::string text = render(telemetry::busy_stats());
    BOOST_TEST(lines(text, "forestay_origin_refused_total") ==
               R"(forestay_origin_refused_total{reason="mismatch"} 6
forestay_origin_refused_total{reason="null"} 0
forestay_origin_refused_total{reason="missing"} 0
forestay_origin_refused_total{reason="malformed"} 0
)");
    BOOST_TEST(lines(text, "forestay_auth_refused_total{reason=\"expired\"}") ==
               "forestay_auth_refused_total{reason=\"expired\"} 8\n");
    BOOST_TEST(lines(text, "forestay_auth_cache_lookups_total") ==
               "forestay_auth_cache_lookups_total{result=\"hit\"} 40\n"
               "forestay_auth_cache_lookups_total{result=\"miss\"} 2\n");
    BOOST_TEST(lines(text, "forestay_head_refusals_total") ==
               "forestay_head_refusals_total{reason=\"bad_host\"} 2\n");
    BOOST_TEST(lines(text, "forestay_handshake_failures_total{reason=\"upstream_refused\"}") ==
               "forestay_handshake_failures_total{reason=\"upstream_refused\"} 1\n");
}

BOOST_AUTO_TEST_CASE(every_label_value_is_there_before_anything_happened) {
    const std::string idle = render(net::Stats{});
    const std::string busy = render(telemetry::busy_stats());
    const auto series = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
    // Only the reasons of refused heads are added when they come.
    BOOST_TEST(series(idle) + 1 == series(busy));
    BOOST_TEST(lines(idle, "forestay_sessions_closed_total{side=\"client\",reason=\"ping_timeout\"}") ==
               "forestay_sessions_closed_total{side=\"client\",reason=\"ping_timeout\"} 0\n");
    BOOST_TEST(lines(idle, "forestay_requests_started_total") ==
               "forestay_requests_started_total{rule=\"think_tank\"} 0\n");
}

BOOST_AUTO_TEST_CASE(loops_are_summed) {
    const net::Stats one = telemetry::busy_stats(), other = telemetry::busy_stats();
    const net::Stats* loops[] = {&one, &other};
    const std::string text = render(loops);
    BOOST_TEST(lines(text, "forestay_sessions_started_total") == "forestay_sessions_started_total 10\n");
    BOOST_TEST(lines(text, "forestay_upstream_up") ==
               "forestay_upstream_up{upstream=\"127.0.0.1:5000\"} 1\n"
               "forestay_upstream_up{upstream=\"127.0.0.1:5001\"} 0\n");
    BOOST_TEST(lines(text, "forestay_upstream_sessions") ==
               "forestay_upstream_sessions{upstream=\"127.0.0.1:5000\"} 8\n"
               "forestay_upstream_sessions{upstream=\"127.0.0.1:5001\"} 2\n");
    BOOST_TEST(lines(text, "forestay_upstream_connect_failures_total{upstream=\"127.0.0.1:5001\"}") ==
               "forestay_upstream_connect_failures_total{upstream=\"127.0.0.1:5001\"} 4\n");
    BOOST_TEST(lines(text, "forestay_client_connections_handed_over_total") ==
               "forestay_client_connections_handed_over_total 12\n");
    BOOST_TEST(lines(text, "forestay_requests_started_total") ==
               "forestay_requests_started_total{rule=\"think_tank\"} 14\n");
    BOOST_TEST(lines(text, "forestay_request_duration_seconds_count") ==
               "forestay_request_duration_seconds_count{rule=\"think_tank\"} 8\n");
}

BOOST_AUTO_TEST_CASE(a_program_name_with_parentheses_does_not_shift_the_fields_of_proc_stat) {
    const auto stats = telemetry::parse_proc_stat(
        "42 (a) b) (c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 1000 8192000 25 184467",
        {100, 4096, 1e9});
    BOOST_REQUIRE(stats.has_value());
    BOOST_TEST(stats->cpu_seconds == 3.0);
    BOOST_TEST(stats->threads == 3U);
    BOOST_TEST(stats->start_time_seconds == 1e9 + 10);
    BOOST_TEST(stats->virtual_bytes == 8192000U);
    BOOST_TEST(stats->resident_bytes == 25U * 4096);
    BOOST_TEST(!telemetry::parse_proc_stat("42 (cut) S 1 2", {}).has_value());
}

BOOST_AUTO_TEST_CASE(this_process_has_memory_and_descriptors) {
    const auto stats = telemetry::read_process_stats();
    BOOST_REQUIRE(stats.has_value());
    BOOST_TEST(stats->resident_bytes > 100'000U);
    BOOST_TEST(stats->open_fds >= 3U);
    BOOST_TEST(stats->max_fds >= stats->open_fds);
    // Not so long ago, and not in the future.
    const auto now = static_cast<double>(std::time(nullptr));
    BOOST_TEST(stats->start_time_seconds < now + 2);
    BOOST_TEST(stats->start_time_seconds > now - 86400);
}

BOOST_AUTO_TEST_CASE(tls_is_told_where_a_listener_has_it) {
    net::Stats stats;
    ++stats.tls_handshakes[0][static_cast<std::size_t>(net::TlsResult::plain_http)];
    const net::Stats* loops[] = {&stats};
    telemetry::MetricsInput input;
    input.loops = loops;
    BOOST_TEST(lines(telemetry::render_metrics(input), "forestay_tls_certificate") == "");
    input.tls = telemetry::TlsState{1'800'000'123, 2, 1};
    const std::string text = telemetry::render_metrics(input);
    BOOST_TEST(lines(text, "forestay_tls_handshakes_total{side=\"client\",result=\"plain_http\"}") ==
               "forestay_tls_handshakes_total{side=\"client\",result=\"plain_http\"} 1\n");
    BOOST_TEST(lines(text, "forestay_tls_certificate") ==
               "forestay_tls_certificate_expiry_timestamp_seconds 1800000123\n");
    BOOST_TEST(lines(text, "forestay_tls_reloads_total") ==
               "forestay_tls_reloads_total{result=\"ok\"} 2\n"
               "forestay_tls_reloads_total{result=\"failed\"} 1\n");
}
