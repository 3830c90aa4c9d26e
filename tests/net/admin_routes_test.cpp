#include "proxy/net/admin_routes.h"

#include <boost/test/unit_test.hpp>

namespace {

using namespace forestay::net;
using namespace std::chrono_literals;

const AdminRoutes::TimePoint t0{100s};
// SHA-256 of "correct horse battery staple".
constexpr std::string_view token_sha256 = "c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a";

AdminRoutes open_routes() {
    return AdminRoutes({"", [](const AdminRoutes::Rendered& done) { done("forestay_up 1\n"); },
                        [] { return std::string_view(); }});
}

AdminAnswer ask(AdminRoutes& routes, const AdminRequest& request, bool host_matters = true,
                AdminRoutes::TimePoint now = t0) {
    AdminAnswer answer;
    routes.answer(request, "127.0.0.1", host_matters, now,
                  [&](AdminAnswer given) { answer = std::move(given); });
    return answer;
}

AdminAnswer get(AdminRoutes routes, std::string_view target, std::string_view host = "127.0.0.1:9901") {
    return ask(routes, {"GET", target, {host}, {}});
}

AdminAnswer get_with(std::vector<std::string_view> authorizations, std::string_view target,
                     std::string_view host = "127.0.0.1") {
    AdminRoutes routes(
        {std::string(token_sha256), [](const AdminRoutes::Rendered& done) { done("m\n"); }, {}});
    return ask(routes, {"GET", target, {host}, std::move(authorizations)});
}

}  // namespace

BOOST_AUTO_TEST_CASE(admin_pages_are_where_they_are_expected) {
    BOOST_TEST(get(open_routes(), "/live").status == 200U);
    BOOST_TEST(get(open_routes(), "/ready").body == "{\"ready\":true}\n");
    BOOST_TEST(get(open_routes(), "/metrics").body == "forestay_up 1\n");
    BOOST_TEST(get(open_routes(), "/metrics?x=1").content_type == "text/plain; version=0.0.4; charset=utf-8");
    BOOST_TEST(get(open_routes(), "/").body.starts_with("forestay\n"));
    for (const auto* target : {"/metrics/", "/Metrics", "//", "*", "/live/../metrics", "/api/sessions"}) {
        BOOST_TEST(get(open_routes(), target).status == 404U);
    }
}

BOOST_AUTO_TEST_CASE(admin_says_why_it_is_not_ready) {
    AdminRoutes routes({"", {}, [] { return std::string_view("upstream_down"); }});
    const AdminAnswer answer = ask(routes, {"GET", "/ready", {"localhost"}, {}});
    BOOST_TEST(answer.status == 503U);
    BOOST_TEST(answer.body == "{\"ready\":false,\"reason\":\"upstream_down\"}\n");
    BOOST_TEST(get(std::move(routes), "/metrics").status == 404U);
}

// Row A05 of the hostile inputs: nothing here has side effects.
BOOST_AUTO_TEST_CASE(admin_takes_no_other_method_than_get) {
    AdminRoutes routes = open_routes();
    for (const auto* method : {"POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get"}) {
        BOOST_TEST(ask(routes, {method, "/metrics", {"localhost"}, {}}).status == 405U);
    }
}

// Row A04 of the hostile inputs: a page of evil.test whose name now points to 127.0.0.1.
BOOST_AUTO_TEST_CASE(admin_does_not_answer_to_a_stranger_s_name) {
    for (const auto* host : {"evil.test", "evil.test:9901", "localhost.evil.test", "127.0.0.1.evil.test",
                             "forestay", "", "127.0.0.1@evil.test", "[::1", "localhost:"}) {
        BOOST_TEST(get(open_routes(), "/metrics", host).status == 421U, host);
    }
    for (const auto* host :
         {"127.0.0.1", "10.1.2.3:80", "localhost", "LocalHost:9901", "[::1]:9901", "[::1]"}) {
        BOOST_TEST(get(open_routes(), "/metrics", host).status == 200U, host);
    }
    BOOST_TEST(admin_host_allowed("metrics.example:9901", "Metrics.Example"));
}

BOOST_AUTO_TEST_CASE(admin_wants_exactly_one_host) {
    AdminRoutes routes = open_routes();
    BOOST_TEST(ask(routes, {"GET", "/live", {}, {}}).status == 400U);
    BOOST_TEST(ask(routes, {"GET", "/live", {"localhost", "localhost"}, {}}).status == 400U);
}

BOOST_AUTO_TEST_CASE(admin_on_a_unix_socket_does_not_mind_the_name) {
    AdminRoutes routes = open_routes();
    BOOST_TEST(ask(routes, {"GET", "/live", {"anything"}, {}}, false).status == 200U);
}

// Row A02 of the hostile inputs.
BOOST_AUTO_TEST_CASE(admin_with_a_token_shows_only_health_to_those_without_it) {
    const std::string good = "Bearer correct horse battery staple";
    BOOST_TEST(get_with({good}, "/metrics").status == 200U);
    BOOST_TEST(get_with({"bearer correct horse battery staple"}, "/metrics").status == 200U);
    BOOST_TEST(get_with({}, "/metrics").status == 401U);
    BOOST_TEST(get_with({}, "/").status == 401U);
    BOOST_TEST(get_with({}, "/anything").status == 401U);
    BOOST_TEST(get_with({"Bearer wrong"}, "/metrics").status == 401U);
    BOOST_TEST(get_with({"Bearer "}, "/metrics").status == 401U);
    BOOST_TEST(get_with({"Basic correct horse battery staple"}, "/metrics").status == 401U);
    BOOST_TEST(get_with({good, good}, "/metrics").status == 401U);
    BOOST_TEST(get_with({}, "/live").status == 200U);
    BOOST_TEST(get_with({}, "/ready").status == 200U);
}

BOOST_AUTO_TEST_CASE(admin_answers_to_any_name_when_the_token_is_right) {
    BOOST_TEST(get_with({"Bearer correct horse battery staple"}, "/metrics", "forestay:9901").status == 200U);
    BOOST_TEST(get_with({"Bearer wrong"}, "/metrics", "forestay:9901").status == 421U);
    BOOST_TEST(get_with({}, "/live", "forestay:9901").status == 421U);
}

BOOST_AUTO_TEST_CASE(admin_stats_are_json_and_protected_like_metrics) {
    AdminRoutes routes({std::string(token_sha256),
                        [](const AdminRoutes::Rendered& done) { done("m\n"); },
                        {},
                        [](const AdminRoutes::Rendered& done) { done("{}\n"); }});
    const AdminAnswer answer =
        ask(routes, {"GET", "/api/stats", {"localhost"}, {"Bearer correct horse battery staple"}});
    BOOST_TEST(answer.status == 200U);
    BOOST_TEST(answer.body == "{}\n");
    BOOST_TEST(answer.content_type == "application/json");
    BOOST_TEST(ask(routes, {"GET", "/api/stats", {"localhost"}, {}}).status == 401U);
    BOOST_TEST(get(open_routes(), "/api/stats").status == 404U);
}

// Row A06 of the hostile inputs: many scrapes at once cost one rendering per 250 ms.
BOOST_AUTO_TEST_CASE(metrics_are_rendered_once_for_all_who_ask_at_once) {
    int rendered = 0;
    AdminRoutes routes(
        {"", [&](const AdminRoutes::Rendered& done) { done(std::to_string(++rendered)); }, {}});
    const auto scrape = [&](AdminRoutes::TimePoint now) {
        return ask(routes, {"GET", "/metrics", {"localhost"}, {}}, true, now).body;
    };
    BOOST_TEST(scrape(t0) == "1");
    BOOST_TEST(scrape(t0 + 249ms) == "1");
    BOOST_TEST(scrape(t0 + 250ms) == "2");
    BOOST_TEST(scrape(t0 + 251ms) == "2");
}

BOOST_AUTO_TEST_CASE(metrics_that_take_time_answer_all_who_have_come_meanwhile) {
    std::vector<AdminRoutes::Rendered> renderings;
    AdminRoutes routes({"", [&](AdminRoutes::Rendered done) { renderings.push_back(std::move(done)); }, {}});
    std::string answers;
    const auto scrape = [&] {
        routes.answer({"GET", "/metrics", {"localhost"}, {}}, "", true, t0,
                      [&](const AdminAnswer& answer) { answers += answer.body; });
    };
    scrape();
    scrape();
    BOOST_TEST(answers == "");
    BOOST_REQUIRE(renderings.size() == 1U);
    renderings[0]("m");
    BOOST_TEST(answers == "mm");
}

BOOST_AUTO_TEST_CASE(metrics_that_come_after_the_end_are_nobody_s) {
    AdminRoutes::Rendered rendered;
    AdminRoutes routes({"", [&](AdminRoutes::Rendered done) { rendered = std::move(done); }, {}});
    bool answered = false;
    routes.answer({"GET", "/metrics", {"localhost"}, {}}, "", true, t0,
                  [&](const AdminAnswer&) { answered = true; });
    routes.close();
    rendered("m");
    BOOST_TEST(!answered);
}
