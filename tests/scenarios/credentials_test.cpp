// Credentials over real sockets: who tries them out, who brings another one's, who renews.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/auth/digest.h"
#include "proxy/auth/static_token.h"
#include "tests/auth/make_credential.h"
#include "tests/scenarios/engineio_client.h"
#include "tests/scenarios/websocket_app.h"

using namespace forestay::scenarios;
using forestay::auth::errc;

namespace {

const std::string websocket = "/socket.io/?EIO=4&transport=websocket";
const std::string up_open = R"(0{"sid":"up","upgrades":[],"pingInterval":25000,"pingTimeout":20000})";

std::string bearer(const std::string& token) {
    return "Authorization: Bearer " + token + "\r\n";
}

// Alice has two tokens that are good and one that has expired, bob has one.
Setup guarded() {
    Setup setup;
    setup.auth.protect = {"/socket.io/", "/api"};
    forestay::auth::TokenOptions tokens;
    for (const auto& [token, facts] : {std::pair<std::string, std::string>{"alice-1", " name=alice"},
                                       {"alice-2", " name=alice"},
                                       {"alice-0", " name=alice expires=2020-01-01"},
                                       {"bob-1", " name=bob"}})
        tokens.sha256.push_back(forestay::auth::token_hash(token) + facts);
    setup.auth.any_of.emplace_back(tokens);
    setup.auth.from.connect = {"token"};
    setup.auth.refuse_with = forestay::auth::RefuseWith::http;
    return setup;
}

Setup locking() {
    Setup setup = guarded();
    setup.options.failed_rate = {3, std::chrono::minutes(1)};
    return setup;
}

Setup refreshing() {
    Setup setup = guarded();
    setup.policy.expiry.refresh_event = "forestay:auth";
    setup.policy.expiry.refresh_field = "token";
    return setup;
}

unsigned status_of(Proxy& proxy, const std::string& bytes) {
    Peer client = proxy.client(bytes);
    return read_answer(client).status;
}

// What a CONNECT with this token is answered with.
std::string connect_with(Proxy& proxy, const std::string& token) {
    Peer client = proxy.client(upgrade(websocket));
    static_cast<void>(client.read_until("\r\n\r\n"));
    static_cast<void>(read_text(client));
    client.send(text_frame(R"(40{"token":")" + token + "\"}"));
    return read_text(client);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(credentials)

BOOST_AUTO_TEST_CASE(who_guesses_is_not_judged_any_more_and_told_when_to_come_back) {
    Upstream upstream;
    Proxy proxy(upstream, locking());
    for (const char* guess : {"a", "b", "c"})
        BOOST_TEST(status_of(proxy, request("GET", "/api/x", bearer(guess))) == 401U);
    Peer client = proxy.client(request("GET", handshake, bearer("alice-1")));
    const Answer locked = read_answer(client);
    BOOST_TEST(locked.status == 429U);
    const int wait = std::stoi(locked.field("Retry-After"));
    BOOST_TEST(wait > 50);
    BOOST_TEST(wait <= 60);
    BOOST_TEST(connect_with(proxy, "alice-1") ==
               R"(44{"message":"unauthorized","data":{"code":"locked_out"}})");
    BOOST_TEST(!upstream.contacted());
    const auto journal = proxy.journal();
    BOOST_TEST(std::count_if(journal.begin(), journal.end(), [](const std::string& line) {
                   return line.starts_with("auth_lockout of=address reason=unknown_token");
               }) == 1);
    const auto& stats = proxy.stop();
    BOOST_TEST(stats.auth_refusals[static_cast<std::size_t>(errc::unknown_token)] == 3U);
    BOOST_TEST(stats.auth_refusals[static_cast<std::size_t>(errc::locked_out)] == 2U);
}

BOOST_AUTO_TEST_CASE(guesses_in_connect_count_as_well) {
    Upstream upstream;
    Proxy proxy(upstream, locking());
    for (const char* guess : {"a", "b", "c"}) {
        BOOST_TEST(connect_with(proxy, guess) ==
                   R"(44{"message":"unauthorized","data":{"code":"unknown_token"}})");
    }
    BOOST_TEST(status_of(proxy, request("GET", "/api/x", bearer("alice-1"))) == 429U);
}

BOOST_AUTO_TEST_CASE(nobody_is_locked_out_for_what_is_no_guess) {
    Upstream upstream;
    Proxy proxy(upstream, locking());
    for (int i = 0; i < 10; ++i) {
        BOOST_TEST(status_of(proxy, request("GET", "/api/x", bearer("alice-0"))) == 401U);
        BOOST_TEST(status_of(proxy, request("GET", "/api/x",
                                            "Cookie: session=old" + std::to_string(i) + "\r\n")) == 401U);
        BOOST_TEST(status_of(proxy, request("GET", "/api/x")) == 401U);
    }
    // One wrong token for ever is locked out by itself.
    for (int i = 0; i < 3; ++i) BOOST_TEST(status_of(proxy, request("GET", "/api/x", bearer("old"))) == 401U);
    BOOST_TEST(status_of(proxy, request("GET", "/api/x", bearer("old"))) == 429U);
    BOOST_TEST(status_of(proxy, request("GET", handshake, bearer("alice-1"))) == 200U);
}

BOOST_AUTO_TEST_CASE(each_request_of_a_polling_session_is_judged_and_must_be_its_owners) {
    Upstream upstream;
    Proxy proxy(upstream, guarded());
    const std::string origin = "Origin: http://app.example\r\n";
    Peer alice = proxy.client(request("GET", handshake, bearer("alice-1") + origin));
    const std::string sid = "&sid=" + sid_of(read_answer(alice));
    const std::string post = request("POST", handshake + sid, bearer("bob-1") + origin, "40");
    BOOST_TEST(status_of(proxy, post) == 403U);
    BOOST_TEST(status_of(proxy, request("GET", handshake + sid, bearer("bob-1") + origin)) == 403U);
    BOOST_TEST(status_of(proxy, upgrade(websocket + sid, bearer("bob-1") + origin)) == 403U);
    BOOST_TEST(status_of(proxy, request("GET", handshake + sid, origin)) == 403U);  // without any
    BOOST_TEST(status_of(proxy, request("GET", handshake + sid, bearer("alice-0") + origin)) == 401U);
    BOOST_TEST(!upstream.contacted());
    BOOST_TEST(status_of(proxy, request("POST", handshake + sid, bearer("alice-2") + origin, "40")) == 200U);
}

BOOST_AUTO_TEST_CASE(a_session_is_bound_to_the_page_that_opened_it) {
    Upstream upstream;
    Setup setup = guarded();
    setup.origins.allowed = {"http://app.example", "http://other.example"};
    Proxy proxy(upstream, setup);
    const std::string other = bearer("alice-1") + "Origin: http://other.example\r\n";
    Peer alice =
        proxy.client(request("GET", handshake, bearer("alice-1") + "Origin: http://app.example\r\n"));
    const std::string sid = "&sid=" + sid_of(read_answer(alice));
    BOOST_TEST(status_of(proxy, request("GET", handshake + sid, other)) == 403U);
    BOOST_TEST(status_of(proxy, request("POST", handshake + sid, other, "40")) == 403U);
    BOOST_TEST(status_of(proxy, upgrade(websocket + sid, other)) == 403U);
    BOOST_TEST(proxy.stop().sid_mismatches == 3U);
}

BOOST_AUTO_TEST_CASE(a_fresh_credential_in_band_must_be_the_same_persons) {
    Upstream upstream;
    Proxy proxy(upstream, refreshing());
    Peer client = proxy.client(upgrade(websocket));
    static_cast<void>(client.read_until("\r\n\r\n"));
    static_cast<void>(read_text(client));
    client.send(text_frame(R"(40{"token":"alice-1"})"));
    Peer app = upstream.accept();
    app.send(switching(app) + server_frame(up_open));
    static_cast<void>(read_masked(app));
    app.send(server_frame(R"(40{"sid":"sio"})"));
    BOOST_TEST(read_text(client).starts_with("40"));
    const auto renew = [&](const std::string& token) {
        client.send(text_frame(R"(427["forestay:auth",{"token":")" + token + "\"}]"));
        return read_text(client);
    };
    BOOST_TEST(renew("alice-2") == R"(437[{"ok":true}])");
    BOOST_TEST(renew("alice-0") == R"(437[{"ok":false,"code":"expired"}])");
    BOOST_TEST(renew("bob-1") == R"(437[{"ok":false,"code":"other_principal"}])");
    BOOST_TEST(renew("nonsense") == R"(437[{"ok":false,"code":"unknown_token"}])");
    client.send(text_frame(R"(42["hello"])"));
    BOOST_TEST(read_masked(app) == R"(42["hello"])");  // of all that the app has heard nothing
}

// A role that the fresh token did not name any more was still told to an app that had been started anew.
BOOST_AUTO_TEST_CASE(what_a_fresh_credential_does_not_say_is_not_said_any_more) {
    const std::string secret(40, 'k');
    const auto token = [&](const std::string& claims) {
        const std::string text =
            forestay::auth::encode_base64url(R"({"alg":"HS256"})") + '.' +
            forestay::auth::encode_base64url(R"({"sub":"alice","exp":4e9)" + claims + "}");
        return text + '.' +
               forestay::auth::encode_base64url(
                   forestay::auth::hmac(forestay::auth::Digest::sha256, secret, text));
    };
    Setup setup = refreshing();
    forestay::auth::JwtOptions jwt;
    jwt.algorithms = {"HS256"};
    jwt.secret = secret;
    setup.auth.any_of = {jwt};
    setup.auth.identity_headers = {{"X-Role", "role"}};
    Upstream upstream;
    Proxy proxy(upstream, setup);
    Peer client = proxy.client(upgrade(websocket, bearer(token(R"(,"role":"admin")"))));
    static_cast<void>(client.read_until("\r\n\r\n"));
    static_cast<void>(read_text(client));
    client.send(text_frame("40"));
    {
        Peer app = upstream.accept();
        const Request asked = read_request(app);
        BOOST_TEST(asked.field("X-Role") == "admin");
        app.send(switching(asked) + server_frame(up_open));
        static_cast<void>(read_masked(app));
        app.send(server_frame(R"(40{"sid":"sio"})"));
        BOOST_TEST(read_text(client).starts_with("40"));
        client.send(text_frame(R"(427["forestay:auth",{"token":")" + token("") + "\"}]"));
        BOOST_TEST(read_text(client) == R"(437[{"ok":true}])");
    }
    Peer app = upstream.accept();
    BOOST_TEST(read_request(app).field("X-Role") == "-");
}

BOOST_AUTO_TEST_SUITE_END()
