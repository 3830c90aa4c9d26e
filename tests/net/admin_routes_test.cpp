#include "proxy/net/admin_routes.h"

#include <boost/test/unit_test.hpp>

namespace {

using namespace forestay::net;
using namespace std::chrono_literals;

const AdminRoutes::TimePoint t0{100s};
// SHA-256 of "correct horse battery staple".
constexpr std::string_view token_sha256 = "c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a";

AdminRoutes open_routes() {
    return AdminRoutes(
        {"", [] { return std::string("forestay_up 1\n"); }, [] { return std::string_view(); }});
}

AdminAnswer get(AdminRoutes routes, std::string_view target, std::string_view host = "127.0.0.1:9901") {
    return routes.answer({"GET", target, {host}, {}}, "127.0.0.1", true, t0);
}

AdminAnswer get_with(std::vector<std::string_view> authorizations, std::string_view target,
                     std::string_view host = "127.0.0.1") {
    AdminRoutes routes({std::string(token_sha256), [] { return std::string("m\n"); }, {}});
    return routes.answer({"GET", target, {host}, std::move(authorizations)}, "127.0.0.1", true, t0);
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
    const AdminAnswer answer = routes.answer({"GET", "/ready", {"localhost"}, {}}, "", true, t0);
    BOOST_TEST(answer.status == 503U);
    BOOST_TEST(answer.body == "{\"ready\":false,\"reason\":\"upstream_down\"}\n");
    BOOST_TEST(get(std::move(routes), "/metrics").status == 404U);
}

// Row A05 of the hostile inputs: nothing here has side effects.
BOOST_AUTO_TEST_CASE(admin_takes_no_other_method_than_get) {
    for (const auto* method : {"POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get"}) {
        BOOST_TEST(open_routes().answer({method, "/metrics", {"localhost"}, {}}, "", true, t0).status ==
                   405U);
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
    BOOST_TEST(open_routes().answer({"GET", "/live", {}, {}}, "", true, t0).status == 400U);
    BOOST_TEST(open_routes().answer({"GET", "/live", {"localhost", "localhost"}, {}}, "", true, t0).status ==
               400U);
}

BOOST_AUTO_TEST_CASE(admin_on_a_unix_socket_does_not_mind_the_name) {
    BOOST_TEST(open_routes().answer({"GET", "/live", {"anything"}, {}}, "", false, t0).status == 200U);
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

// Row A06 of the hostile inputs: many scrapes at once cost one rendering per 250 ms.
BOOST_AUTO_TEST_CASE(metrics_are_rendered_once_for_all_who_ask_at_once) {
    int rendered = 0;
    AdminRoutes routes({"", [&] { return std::to_string(++rendered); }, {}});
    const auto ask = [&](AdminRoutes::TimePoint now) {
        return routes.answer({"GET", "/metrics", {"localhost"}, {}}, "", true, now).body;
    };
    BOOST_TEST(ask(t0) == "1");
    BOOST_TEST(ask(t0 + 249ms) == "1");
    BOOST_TEST(ask(t0 + 250ms) == "2");
    BOOST_TEST(ask(t0 + 251ms) == "2");
}
