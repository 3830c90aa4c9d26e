// Keys that say how long, how often and how many at once: their values, and what contradicts them.
#include <functional>
#include <limits>

#include "tests/rules/specs.h"

using namespace forestay::rules;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using Change = std::function<void(RuleSpec&)>;

std::string by_ack_with(const Change& change) {
    return fields_of(by_ack(), change);
}
std::string by_type_with(const Change& change) {
    return fields_of(by_type(), change);
}
std::string by_pointer_with(const Change& change) {
    return fields_of(by_pointer(), change);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(compile_bounds)

BOOST_AUTO_TEST_CASE(a_timeout_is_neither_an_instant_nor_for_ever) {
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.timeout = milliseconds(0); }) == "timeout");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.timeout = milliseconds(9); }) == "timeout");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.timeout = milliseconds(10); }) == "");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.timeout = std::chrono::hours(24); }) == "");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.timeout = std::chrono::hours(24) + milliseconds(1); }) ==
               "timeout");
}

BOOST_AUTO_TEST_CASE(patience_without_progress_is_shorter_than_all_of_it) {
    const auto idle = [](milliseconds first, milliseconds next) {
        return [=](RuleSpec& s) {
            s.progress.event = {"progress"};
            s.idle_first = first;
            s.idle_next = next;
        };
    };
    BOOST_TEST(by_pointer_with(idle(seconds(15), seconds(5))) == "");
    BOOST_TEST(by_pointer_with(idle(seconds(15), milliseconds(0))) == "");
    BOOST_TEST(by_pointer_with(idle(milliseconds(0), seconds(5))) == "");
    BOOST_TEST(by_pointer_with(idle(seconds(45), seconds(5))) == "idle_timeout.first");
    BOOST_TEST(by_pointer_with(idle(seconds(15), seconds(50))) == "idle_timeout.next");
    BOOST_TEST(by_pointer_with(idle(seconds(50), seconds(50))) == "idle_timeout.first");
    BOOST_TEST(by_pointer_with(idle(milliseconds(9), seconds(5))) == "idle_timeout.first");
    const Rule rule = made(by_pointer(), idle(seconds(15), seconds(5)));
    BOOST_TEST((rule.idle_first == seconds(15) && rule.idle_next == seconds(5)));
}

BOOST_AUTO_TEST_CASE(the_next_sign_of_progress_needs_a_first) {
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.idle_next = seconds(1); }) == "idle_timeout.next");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.idle_first = seconds(1); }) == "");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.idle_first = s.idle_next = seconds(1); }) == "");
}

BOOST_AUTO_TEST_CASE(only_what_is_repeatable_is_sent_again) {
    const auto retried = [](RuleSpec& s) {
        s.repeatable = true;
        s.retry.on = {"upstream_lost"};
    };
    BOOST_TEST(by_ack_with(retried) == "");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.retry.on = {"upstream_lost"}; }) == "retry");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { retried(s), s.retry.attempts = 6; }) == "retry.attempts");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { retried(s), s.retry.attempts = 0; }) == "retry.attempts");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { retried(s), s.retry.on = {"error"}; }) == "retry.on");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { retried(s), s.retry.on = {"timeout"}; }) == "retry.on");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { retried(s), s.retry.backoff = milliseconds(30001); }) ==
               "retry.backoff");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.on_upstream_lost = "resend"; }) == "on_upstream_lost");
    BOOST_TEST(!made(by_ack(), [](RuleSpec& s) { s.repeatable = true; }).gated());
    const Rule rule = made(by_ack(), [](RuleSpec& s) {
        s.repeatable = true;
        s.retry.on = {"upstream_lost", "timeout"};
        s.retry.attempts = 5;
        s.retry.backoff = milliseconds(7);
        s.idle_first = seconds(1);
        s.on_upstream_lost = "answer";
    });
    BOOST_TEST(rule.retry.attempts == 5U);
    BOOST_TEST((rule.retry.upstream_lost && rule.retry.timeout && rule.gated()));
    BOOST_TEST((rule.retry.backoff == milliseconds(7)));
    BOOST_TEST((rule.on_upstream_lost == OnUpstreamLost::answer));
}

BOOST_AUTO_TEST_CASE(the_same_question_is_known_by_something) {
    const auto repeat = [](const std::string& id, const std::string& by) {
        return [=](RuleSpec& s) {
            s.id = id;
            s.repeat.window = seconds(600);
            s.repeat.by = by;
        };
    };
    BOOST_TEST(by_pointer_with(repeat("/id", "id")) == "");
    BOOST_TEST(by_pointer_with(repeat("/id", "content")) == "");
    BOOST_TEST(by_pointer_with(repeat("/id", "name")) == "repeat.by");
    BOOST_TEST(by_pointer_with(repeat("order", "content")) == "repeat.by");
    BOOST_TEST(by_pointer_with(repeat("order", "id")) == "repeat.by");
    BOOST_TEST(by_ack_with(repeat("ack", "content")) == "");
    BOOST_TEST(by_ack_with(repeat("ack", "id")) == "repeat.by");
    BOOST_TEST(by_pointer_with([](RuleSpec& s) { s.repeat.window = milliseconds(1); }) == "repeat.window");
    const Rule rule = made(by_ack(), repeat("ack", "content"));
    BOOST_TEST((rule.repeat.window == seconds(600) && rule.repeat.by == RepeatBy::content));
    BOOST_TEST((made(by_ack(), [](RuleSpec&) {}).repeat.window == milliseconds(0)));
}

BOOST_AUTO_TEST_CASE(a_line_is_in_front_of_something) {
    const auto queue = [](RuleSpec& s) {
        s.concurrency = 4;
        s.queue.given = true;
    };
    BOOST_TEST(by_ack_with(queue) == "");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.concurrency = 4; }) == "");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.queue.given = true; }) == "queue");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.concurrency = 100'001; }) == "concurrency");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { queue(s), s.queue.max = 100'001; }) == "queue.max");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { queue(s), s.queue.max = 0; }) == "");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { queue(s), s.queue.timeout = milliseconds(9); }) ==
               "queue.timeout");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { queue(s), s.queue.status_every = milliseconds(99); }) ==
               "queue.status_every");
    const Rule rule = made(by_ack(), [&](RuleSpec& s) {
        queue(s);
        s.queue.max = 7;
        s.queue.timeout = seconds(3);
        s.queue.status.event = "place";
        s.queue.status.data = R"(["{{place}}","{{waiting}}"])";
        s.queue.status_every = milliseconds(250);
    });
    BOOST_TEST((rule.concurrency == 4U && rule.queue.max == 7U && rule.gated()));
    BOOST_TEST((rule.queue.timeout == seconds(3) && rule.queue.status_every == milliseconds(250)));
    BOOST_TEST(rule.queue.status.value().event == "place");
}

BOOST_AUTO_TEST_CASE(a_place_is_told_by_an_event_or_a_message) {
    const auto status = [](FallbackSpec words) {
        return [=](RuleSpec& s) {
            s.concurrency = 1;
            s.queue.given = true;
            s.queue.status = words;
        };
    };
    BOOST_TEST(by_ack_with(status({"place", {}, {}, ""})) == "");
    BOOST_TEST(by_ack_with(status({"", "[]", {}, ""})) == "queue.status.ack");
    BOOST_TEST(by_ack_with(status({"", {}, "{}", ""})) == "queue.status.message");
    BOOST_TEST(by_ack_with(status({"", {}, {}, "{}"})) == "queue.status");
    BOOST_TEST(by_ack_with(status({"place", {}, {}, R"("{{code}}")"})) == "queue.status.data");
    BOOST_TEST(by_ack_with([](RuleSpec& s) { s.fallback.ack = R"(["{{place}}"])"; }) == "fallback.ack");
    BOOST_TEST(fields_of(by_type(), status({"", {}, R"({"place":"{{place}}"})", ""})) == "");
    BOOST_TEST(fields_of(by_type(), status({"place", {}, {}, ""})) == "queue.status.event");
    BOOST_TEST(made(by_ack(), status({"p", {}, {}, R"({"q":"{{/q}}","n":"{{place}}"})"})).quotes_request());
}

BOOST_AUTO_TEST_CASE(a_breaker_opens_for_a_reason) {
    const auto breaker = [](unsigned failures, double share) {
        return [=](RuleSpec& s) {
            s.breaker.given = true;
            s.breaker.failures = failures;
            s.breaker.share = share;
        };
    };
    BOOST_TEST(by_ack_with(breaker(5, 0)) == "");
    BOOST_TEST(by_ack_with(breaker(0, 0.5)) == "");
    BOOST_TEST(by_ack_with(breaker(5, 1)) == "");
    BOOST_TEST(by_ack_with(breaker(0, 0)) == "breaker");
    BOOST_TEST(by_ack_with(breaker(100'001, 0)) == "breaker.failures");
    BOOST_TEST(by_ack_with(breaker(0, 1.1)) == "breaker.failure_share");
    BOOST_TEST(by_ack_with(breaker(1, -0.1)) == "breaker.failure_share");
    BOOST_TEST(by_ack_with(breaker(1, std::numeric_limits<double>::quiet_NaN())) == "breaker.failure_share");
    const auto five = breaker(5, 0);
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { five(s), s.breaker.minimum = 0; }) == "breaker.minimum");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { five(s), s.breaker.window = seconds(0); }) == "breaker.window");
    BOOST_TEST(by_ack_with([&](RuleSpec& s) { five(s), s.breaker.open = seconds(0); }) == "breaker.open");
    const Rule rule =
        made(by_ack(), [](RuleSpec& s) { s.breaker = {true, 3, 0.25, 9, seconds(8), seconds(7)}; });
    BOOST_TEST((rule.breaker.failures == 3U && rule.breaker.share == 0.25 && rule.breaker.minimum == 9U));
    BOOST_TEST((rule.breaker.window == seconds(8) && rule.breaker.open == seconds(7) && rule.gated()));
}

BOOST_AUTO_TEST_CASE(a_rate_lets_at_least_one_through) {
    const auto rate = [](double per_second, double burst) {
        return [=](RuleSpec& s) { s.rate = {per_second, burst}; };
    };
    BOOST_TEST(by_ack_with(rate(1e6, 1e6)) == "");
    BOOST_TEST(by_ack_with(rate(1e6 + 1, 1)) == "rate");
    BOOST_TEST(by_ack_with(rate(-1, 1)) == "rate");
    BOOST_TEST(by_ack_with(rate(1, std::numeric_limits<double>::infinity())) == "rate");
    const Rule rule = made(by_ack(), rate(0.5, 0));
    BOOST_TEST((rule.rate.per_second == 0.5 && rule.rate.burst == 1 && rule.gated()));
}

BOOST_AUTO_TEST_CASE(a_rule_that_only_checks_has_nothing_else) {
    const auto checks = [](RuleSpec& s) {
        const auto match = s.match;
        s = {};
        s.name = "shape";
        s.match = match;
        s.schema = R"({"type":"object"})";
        if (s.match.type.empty()) s.fallback.event = "refused";
    };
    const Rule rule = made(by_ack(), checks);
    BOOST_TEST((!rule.tracks && rule.schema && !rule.gated() && rule.id_source != IdSource::ack));
    BOOST_TEST(made(by_type(), checks).match.json);
    BOOST_TEST(by_type_with([&](RuleSpec& s) { checks(s), s.fallback.message = "{}"; }) == "timeout");
    const auto forgotten = [](RuleSpec& s) { s.schema = "{}", s.timeout = milliseconds(0); };
    BOOST_TEST(by_ack_with(forgotten) == "fallback.ack");
    BOOST_TEST(by_pointer_with(forgotten) == "timeout");
    const std::vector<Change> others{[](RuleSpec& s) { s.id = "/id"; },
                                     [](RuleSpec& s) { s.answer.event = {"a"}; },
                                     [](RuleSpec& s) { s.progress.event = {"a"}; },
                                     [](RuleSpec& s) { s.abort.event = "a"; },
                                     [](RuleSpec& s) { s.idle_next = seconds(1); },
                                     [](RuleSpec& s) { s.late_answer = "deliver"; },
                                     [](RuleSpec& s) { s.late_rename = "late"; },
                                     [](RuleSpec& s) { s.on_upstream_lost = "answer"; },
                                     [](RuleSpec& s) { s.repeatable = true; },
                                     [](RuleSpec& s) { s.retry.on = {"timeout"}; },
                                     [](RuleSpec& s) { s.repeat.window = seconds(1); },
                                     [](RuleSpec& s) { s.concurrency = 1; },
                                     [](RuleSpec& s) { s.queue.given = true; },
                                     [](RuleSpec& s) { s.breaker.given = true; },
                                     [](RuleSpec& s) {
                                         s.rate = {1, 1};
                                     }};
    for (std::size_t i = 0; i < others.size(); ++i)
        BOOST_TEST(by_ack_with([&](RuleSpec& s) { checks(s), others[i](s); }) == "timeout", i);
}

BOOST_AUTO_TEST_CASE(an_event_that_breaks_a_schema_is_never_dropped_without_a_word) {
    const auto shape = [](const Change& change) {
        return by_ack_with([&](RuleSpec& s) {
            s.timeout = milliseconds(0);
            s.schema = "{}";
            s.fallback = {};
            change(s);
        });
    };
    BOOST_TEST(shape([](RuleSpec&) {}) == "fallback");
    BOOST_TEST(shape([](RuleSpec& s) { s.fallback.event = "no", s.fallback.data = R"(["{{detail}}"])"; }) ==
               "");
    BOOST_TEST(shape([](RuleSpec& s) { s.fallback.ack = "[0]"; }) == "fallback.ack");
    BOOST_TEST(shape([](RuleSpec& s) { s.fallback.ack = "[0]", s.match.ack = true; }) == "");
}

BOOST_AUTO_TEST_SUITE_END()
