// The end of a client's identity: a warning, a fresh credential, the close.
#include <boost/test/unit_test.hpp>

#include "tests/session/script.h"

using namespace forestay::session;
using namespace forestay::session::testing;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

Policy warning() {
    Policy with = policy();
    with.expiry.warning = 60s;
    return with;
}

Policy refreshing() {
    Policy with = policy();
    with.expiry.refresh_event = "forestay:auth";
    with.expiry.refresh_field = "token";
    return with;
}

// A JSON websocket at /ws, its types at /type or where `type` says.
Policy with_json(Policy policy, const char* type = "/type") {
    JsonWebsocket websocket;
    websocket.path = "/ws";
    websocket.type = *forestay::wire::json::Pointer::parse(type);
    policy.json_websockets.push_back(std::move(websocket));
    return policy;
}

Setup until(std::chrono::seconds end, Dialect dialect = Dialect::engineio4) {
    Setup setup = websocket_first();
    setup.dialect = dialect;
    setup.expires = TimePoint(1h) + end;  // a script's clock begins there
    return setup;
}

Script json_script(Policy policy) {
    Script script(until(90s, Dialect::json), std::move(policy));
    script.input(input::ClientUpgraded{}).heard();
    return script;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(expiry)

BOOST_AUTO_TEST_CASE(a_websocket_is_closed_with_4401_when_its_identity_ends) {
    Script script(until(10s));
    script.joined().at(9999ms);
    BOOST_TEST(script.heard().empty());
    script.at(10s);
    BOOST_TEST(
        script.heard() == (Lines{"client: CLOSE 4401 token expired", "close client", "upstream: CLOSE 1001",
                                 "close upstream", "end forestay token_expired"}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_polling_client_finds_its_session_gone) {
    Setup setup = until(10s);
    setup.websocket = false;
    Script script(setup);
    script.input(input::PollOpened{1}).heard();
    script.input(input::ExchangeWritten{1}).input(input::PollOpened{2}).at(10s);
    const auto heard = script.heard();
    BOOST_TEST(heard.back() == "end forestay token_expired");
}

BOOST_AUTO_TEST_CASE(a_client_is_warned_in_each_namespace_that_it_has_joined) {
    Script script(until(90s), warning());
    script.joined();
    script.client_says("40/a,").upstream_says(R"(40/a,{"sid":"a"})").at(29s);
    script.client_says("40/b,").heard();
    script.at(30s);
    BOOST_TEST(script.heard() == (Lines{R"(client: 42["forestay:token_expiring",{"expires_in":60}])",
                                        R"(client: 42/a,["forestay:token_expiring",{"expires_in":60}])"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(who_is_not_there_yet_is_warned_as_soon_as_it_is) {
    Script script(until(40s), warning());
    script.input(input::ClientUpgraded{}).at(3s).heard();
    script.client_says("40").input(input::UpstreamOpened{}).upstream_says(upstream_open);
    script.upstream_says(R"(40{"sid":"x"})").heard();
    script.at(4s);
    BOOST_TEST(script.heard() == Lines{R"(client: 42["forestay:token_expiring",{"expires_in":36}])"},
               boost::test_tools::per_element());
    script.at(20s);
    for (const auto& line : script.heard()) BOOST_TEST(line.find("expiring") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_json_websocket_is_warned_in_its_own_words) {
    auto plain = json_script(with_json(warning()));
    BOOST_TEST(
        plain.at(30s).heard() == Lines{R"(client: {"type":"forestay:token_expiring","expires_in":60})"},
        boost::test_tools::per_element());
    auto kind = json_script(with_json(warning(), "/kind"));
    BOOST_TEST(kind.at(30s).heard() == Lines{R"(client: {"kind":"forestay:token_expiring","expires_in":60})"},
               boost::test_tools::per_element());
    auto deep = json_script(with_json(warning(), "/head/type"));
    BOOST_TEST(deep.at(30s).heard() == Lines{R"(client: {"type":"forestay:token_expiring","expires_in":60})"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_fresh_credential_in_band_moves_the_end_and_the_app_hears_nothing) {
    Script script(until(10s), refreshing());
    script.joined().client_says(R"(425["forestay:auth",{"token":"fr\u0065sh"}])");
    BOOST_TEST(script.heard() == Lines{"renew fresh"}, boost::test_tools::per_element());
    script.input(input::CredentialRenewed{script.now() + 20s});
    BOOST_TEST(script.heard() == Lines{R"(client: 435[{"ok":true}])"}, boost::test_tools::per_element());
    script.at(19s);
    BOOST_TEST(!script.session().ended());
    script.at(20s);
    BOOST_TEST(script.heard().back() == "end forestay token_expired");
}

BOOST_AUTO_TEST_CASE(one_that_is_refused_changes_nothing) {
    Script script(until(10s), refreshing());
    script.joined().client_says(R"(425["forestay:auth",{"token":"old"}])").heard();
    script.input(input::RenewalRefused{"expired"});
    BOOST_TEST(script.heard() == Lines{R"(client: 435[{"ok":false,"code":"expired"}])"},
               boost::test_tools::per_element());
    script.at(10s);
    BOOST_TEST(script.heard().back() == "end forestay token_expired");
}

BOOST_AUTO_TEST_CASE(a_renewal_without_an_ack_is_judged_in_silence) {
    Script script(until(10s), refreshing());
    script.joined().client_says(R"(42["forestay:auth",{"token":"fresh"}])");
    BOOST_TEST(script.heard() == Lines{"renew fresh"}, boost::test_tools::per_element());
    script.input(input::CredentialRenewed{});
    BOOST_TEST(script.heard().empty());
    script.at(20s);
    BOOST_TEST(!script.session().ended());
}

BOOST_AUTO_TEST_CASE(what_holds_no_credential_never_reaches_the_app_either) {
    Script script(until(10s), refreshing());
    script.joined();
    for (const std::string arguments :
         {"", R"(,"fresh")", R"(,{"token":7})", R"(,{"token":""})", R"(,{"Token":"x"})"}) {
        BOOST_TEST_CONTEXT(arguments) {
            script.client_says(R"(425["forestay:\u0061uth")" + arguments + "]");
            BOOST_TEST(script.heard() == Lines{R"(client: 435[{"ok":false,"code":"malformed"}])"},
                       boost::test_tools::per_element());
        }
    }
    script.client_says(R"(451-6["forestay:auth",{"_placeholder":true,"num":0}])").client_sends("token");
    BOOST_TEST(script.heard() == Lines{R"(client: 436[{"ok":false,"code":"malformed"}])"},
               boost::test_tools::per_element());
    script.client_says(R"(42["forestay:authentic",1])");
    BOOST_TEST(script.heard() == Lines{R"(upstream: 42["forestay:authentic",1])"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_is_judged_at_a_time) {
    Script script(until(10s), refreshing());
    script.joined().client_says(R"(425["forestay:auth",{"token":"a"}])").heard();
    script.client_says(R"(426["forestay:auth",{"token":"b"}])");
    BOOST_TEST(script.heard() == Lines{R"(client: 436[{"ok":false,"code":"busy"}])"},
               boost::test_tools::per_element());
    script.input(input::RenewalRefused{"expired"}).heard();
    script.client_says(R"(427["forestay:auth",{"token":"b"}])");
    BOOST_TEST(script.heard() == Lines{"renew b"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nobody_renews_what_it_has_not_proven) {
    Setup setup = until(1000s);
    setup.credential_in_connect = true;
    Script script(setup, refreshing());
    script.input(input::ClientUpgraded{}).heard();
    script.client_says("40").client_says(R"(421["forestay:auth",{"token":"x"}])");
    BOOST_TEST(script.heard() == Lines{"check "}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(without_the_option_the_event_is_the_apps) {
    Script script(until(10s));
    script.joined().client_says(R"(42["forestay:auth",{"token":"x"}])");
    BOOST_TEST(script.heard() == Lines{R"(upstream: 42["forestay:auth",{"token":"x"}])"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_json_websocket_renews_with_a_message) {
    auto script = json_script(with_json(refreshing()));
    script.client_says(R"({"type":"forestay:auth","token":"fresh"})");
    BOOST_TEST(script.heard() == Lines{"renew fresh"}, boost::test_tools::per_element());
    script.client_says(R"({"type":"forestay:auth","token":"again"})");
    BOOST_TEST(script.heard() == Lines{R"(client: {"type":"forestay:auth","ok":false,"code":"busy"})"},
               boost::test_tools::per_element());
    script.input(input::CredentialRenewed{script.now() + 200s});
    BOOST_TEST(script.heard() == Lines{R"(client: {"type":"forestay:auth","ok":true})"},
               boost::test_tools::per_element());
    script.at(199s);
    BOOST_TEST(!script.session().ended());
    script.at(200s);
    BOOST_TEST(script.session().ended());
}

BOOST_AUTO_TEST_SUITE_END()
