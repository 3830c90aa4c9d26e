#include "proxy/telemetry/log.h"

#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdio>

#include "proxy/telemetry/repeat_limit.h"

namespace {

using namespace forestay;
using namespace std::literals;
using telemetry::Colours;

const telemetry::WallTime noon{1'795'176'000'123ms};  // 2026-11-20T12:00:00.123Z

net::JournalEntry entry(std::string value) {
    return {net::Level::info, "session_open", {{"event_name", std::move(value)}}, false};
}

// What a log with these options writes to a file.
template <class Use>
std::string written(const telemetry::LogOptions& options, Use use) {
    std::FILE* file = std::tmpfile();
    BOOST_REQUIRE(file != nullptr);
    {
        telemetry::Log log(options, ::fileno(file));
        use(log);
    }
    std::string text(100'000, '\0');
    std::rewind(file);
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    return text;
}

// The field of a JSON line as a JSON parser reads it.
std::string json_field(const std::string& line, std::string_view field) {
    simdjson::dom::parser parser;
    return std::string(parser.parse(line)[field].get_string().value());
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_text_line_is_aligned_and_quotes_only_what_needs_it) {
    const net::JournalEntry one{
        net::Level::warning, "http", {{"status", "404"}, {"path", "/a b"}, {"peer", "127.0.0.1:80"}}, true};
    BOOST_TEST(
        telemetry::text_line(one, noon, Colours::off) ==
        "2026-11-20T12:00:00.123Z warning http             status=404 path=\"/a b\" peer=127.0.0.1:80");
    const net::JournalEntry bare{net::Level::info, "drained", {}, false};
    BOOST_TEST(telemetry::text_line(bare, noon, Colours::off) == "2026-11-20T12:00:00.123Z info    drained");
}

BOOST_AUTO_TEST_CASE(what_a_session_reports_reads_well_in_both_formats) {
    const net::JournalEntry back{
        net::Level::info,
        "upstream_back",
        {{"session", "3f2a9c01"}, {"waited_messages", "17"}, {"duration_ms", "2350"}},
        false};
    BOOST_TEST(telemetry::text_line(back, noon, Colours::off) ==
               "2026-11-20T12:00:00.123Z info    upstream_back    session=3f2a9c01 waited_messages=17 "
               "duration_ms=2350");
    BOOST_TEST(telemetry::json_line(back, noon) ==
               R"({"time":"2026-11-20T12:00:00.123Z","level":"info","event":"upstream_back",)"
               R"("session":"3f2a9c01","waited_messages":17,"duration_ms":2350})");
}

BOOST_AUTO_TEST_CASE(colours_only_frame_the_words) {
    const net::JournalEntry one{net::Level::error, "x", {{"a", "b"}}, false};
    BOOST_TEST(telemetry::text_line(one, noon, Colours::on) ==
               "2026-11-20T12:00:00.123Z \x1b[31merror  \x1b[0m x                \x1b[36ma\x1b[0m=b");
}

BOOST_AUTO_TEST_CASE(a_json_line_has_time_level_event_and_fields_amounts_as_numbers) {
    const net::JournalEntry one{net::Level::info,
                                "session_close",
                                {{"side", "client"},
                                 {"duration_ms", "1250"},
                                 {"to_client_bytes", "007"},
                                 {"open_seconds", "1.5"},
                                 {"name", "12"}},
                                true};
    BOOST_TEST(telemetry::json_line(one, noon) ==
               R"({"time":"2026-11-20T12:00:00.123Z","level":"info","event":"session_close","side":"client",)"
               R"("duration_ms":1250,"to_client_bytes":"007","open_seconds":1.5,"name":"12"})");
}

// Row L03 of the hostile inputs: an event name with a newline, ESC and quotes.
BOOST_AUTO_TEST_CASE(l03_a_hostile_event_name_stays_one_line_of_printable_ascii) {
    const std::string hostile =
        "ask\n2026-01-01 error forged=\"yes\"\r\x1b[2J\x7f\\\t\xc2\x9b"
        "31m\xe2\x80\xa8\xff\xc0\xaf\0end"s;
    for (const std::string& line : {telemetry::text_line(entry(hostile), noon, Colours::off),
                                    telemetry::json_line(entry(hostile), noon)}) {
        BOOST_TEST(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c < 0x7F; }));
        BOOST_TEST(
            line.find("ask\\n2026-01-01 error forged=\\\"yes\\\"\\r\\u001b[2J\\u007f\\\\\\t\\u009b31m\\u2028"
                      "\\ufffd\\ufffd\\ufffd\\u0000end\"") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_json_parser_reads_back_what_was_logged) {
    const std::string value =
        "gr\xc3\xb6\xc3\x9f"
        "e \xf0\x9f\x98\x80 \"\\/\b\f\n\r\t\x01 end";
    BOOST_TEST(json_field(telemetry::json_line(entry(value), noon), "event_name") == value);
}

BOOST_AUTO_TEST_CASE(a_text_value_cannot_pretend_to_be_another_field) {
    BOOST_TEST(telemetry::text_line(entry("a=b"), noon, Colours::off).ends_with("event_name=\"a=b\""));
    BOOST_TEST(telemetry::text_line(entry(""), noon, Colours::off).ends_with("event_name=\"\""));
}

BOOST_AUTO_TEST_CASE(a_long_value_is_cut) {
    const std::string line = telemetry::json_line(entry(std::string(100'000, 'x')), noon);
    BOOST_TEST(json_field(line, "event_name") == std::string(telemetry::value_bytes_max, 'x') + "...");
}

BOOST_AUTO_TEST_CASE(a_cut_through_a_character_is_no_error) {
    std::string value(telemetry::value_bytes_max - 1, 'x');
    value += "\xc3\xb6";
    BOOST_TEST(json_field(telemetry::json_line(entry(value), noon), "event_name") ==
               std::string(telemetry::value_bytes_max - 1, 'x') + "\xef\xbf\xbd...");
}

BOOST_AUTO_TEST_CASE(level_and_access_are_switched_apart) {
    const auto use = [](telemetry::Log& log) {
        log.write({net::Level::info, "quiet", {}, false});
        log.write({net::Level::warning, "loud", {}, false});
        log.write({net::Level::info, "access_line", {}, true});
    };
    telemetry::LogOptions options;
    options.level = net::Level::warning;
    const std::string with_access = written(options, use);
    BOOST_TEST(with_access.find("quiet") == std::string::npos);
    BOOST_TEST(with_access.find("loud\n") != std::string::npos);
    BOOST_TEST(with_access.find("access_line\n") != std::string::npos);
    options.access = false;
    BOOST_TEST(written(options, use).find("access_line") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(lines_come_in_order_and_are_written_out_at_the_end) {
    telemetry::LogOptions options;
    options.format = telemetry::LogFormat::json;
    const std::string text = written(options, [](telemetry::Log& log) {
        const net::Journal journal = log.journal();
        for (int i = 0; i < 500; ++i)
            journal({net::Level::info, "http", {{"count", std::to_string(i)}}, true});
        BOOST_TEST(log.lines_lost() == 0U);
    });
    BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 500);
    BOOST_TEST(text.find("\"count\":498}\n") < text.find("\"count\":499}\n"));
    BOOST_TEST(text.ends_with("\"count\":499}\n"));
}

BOOST_AUTO_TEST_CASE(a_flood_of_one_warning_is_summed_up) {
    telemetry::LogOptions options;
    options.repeats_per_second = 0;  // none is written, all are counted
    const std::string text = written(options, [](telemetry::Log& log) {
        for (int i = 0; i < 300; ++i) log.write({net::Level::warning, "upstream_down", {}, false});
    });
    // One summary, or several when the machine is slow: together they tell of all.
    std::uint64_t told = 0;
    for (std::size_t at = 0; (at = text.find("what=upstream_down count=", at)) != std::string::npos; ++at) {
        told += std::stoull(text.substr(at + std::string_view("what=upstream_down count=").size()));
    }
    BOOST_TEST(told == 300U);
    BOOST_TEST(text.find("warning upstream_down") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_first_few_of_each_second_are_written_and_the_rest_counted) {
    telemetry::RepeatLimit limit(2);
    const telemetry::RepeatLimit::TimePoint t0{100s};
    BOOST_TEST(limit.admit("a", t0));
    BOOST_TEST(limit.admit("a", t0 + 1ms));
    BOOST_TEST(!limit.admit("a", t0 + 2ms));
    BOOST_TEST(limit.admit("b", t0 + 3ms));  // another event has its own count
    BOOST_TEST(!limit.admit("a", t0 + 999ms));
    BOOST_TEST(limit.take_summaries(t0 + 999ms).empty());
    const auto summaries = limit.take_summaries(t0 + 1s);
    BOOST_REQUIRE(summaries.size() == 1U);
    BOOST_TEST(summaries[0].first == "a");
    BOOST_TEST(summaries[0].second == 2U);
    BOOST_TEST(limit.take_summaries(t0 + 2s).empty());
    BOOST_TEST(limit.admit("a", t0 + 1s));
}
