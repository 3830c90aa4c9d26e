// Forward authentication over real sockets: the test plays the server that judges, beside client and app.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/scenarios/engineio_client.h"
#include "tests/scenarios/websocket_app.h"

using namespace forestay::scenarios;
using forestay::auth::errc;
using forestay::net::ForwardAuthResult;

namespace {

const std::string websocket = "/socket.io/?EIO=4&transport=websocket";
const std::string cookie = "Origin: http://app.example\r\nCookie: session=of-alice\r\n";
const std::string alice = "X-Auth-User: alice\r\n";

Setup asking(const Upstream& judge) {
    Setup setup;
    setup.auth.protect = {"/"};
    setup.auth.forward.emplace();
    setup.auth.forward->url = "http://127.0.0.1:" + std::to_string(judge.port()) + "/verify?a=b";
    setup.auth.forward->copy_headers = {"X-Auth-User", "X-Auth-Groups"};
    setup.auth.forward->timeout = std::chrono::seconds(20);  // longer than a test is patient
    setup.auth.refuse_with = forestay::auth::RefuseWith::http;
    return setup;
}

std::string answer_of(const std::string& status, const std::string& fields = {},
                      const std::string& body = {}) {
    return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + fields + "\r\n" + body;
}

// One question, answered with these bytes.
Request judged(Upstream& judge, const std::string& bytes) {
    Peer asked = judge.accept();
    Request question = read_request(asked);
    asked.send(bytes);
    return question;
}

// What a client gets whose question is answered with these bytes.
Answer answer_to(const Setup& setup, Upstream& judge, const std::string& asked, const std::string& bytes,
                 Upstream& app) {
    Proxy proxy(app, setup);
    Peer client = proxy.client(asked);
    static_cast<void>(judged(judge, bytes));
    const Answer answer = read_answer(client);
    BOOST_TEST(!app.contacted());
    return answer;
}

std::uint64_t count(const forestay::net::Stats& stats, ForwardAuthResult result) {
    return stats.forward_auth.at(static_cast<std::size_t>(result));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(forward_auth)

BOOST_AUTO_TEST_CASE(who_is_let_in_is_named_to_the_app_and_gets_the_cookie) {
    Upstream app, judge;
    Proxy proxy(app, asking(judge));
    Peer client =
        proxy.client(request("GET", "/page?x=1", cookie + "X-Auth-User: root\r\nx-auth-groups: g\r\n"));
    const Request question = judged(
        judge, answer_of("202 Accepted", alice + "X-Other: no\r\nX-Auth-Groups: a,b\r\n"
                                                 "Set-Cookie: fresh=1; Path=/\r\nSet-Cookie: b=2\r\n"));
    BOOST_TEST(question.line() == "GET /verify?a=b HTTP/1.1");
    BOOST_TEST(question.field("Cookie") == "session=of-alice");
    BOOST_TEST(question.field("X-Forwarded-Method") == "GET");
    BOOST_TEST(question.field("X-Forwarded-Proto") == "http");
    BOOST_TEST(question.field("X-Forwarded-Host") == "app.example");
    BOOST_TEST(question.field("X-Forwarded-Uri") == "/page?x=1");
    BOOST_TEST(question.field("X-Forwarded-For") == "127.0.0.1");
    BOOST_TEST(question.field("X-Original-URI") == "/page?x=1");
    BOOST_TEST(question.field("X-Original-URL") == "http://app.example/page?x=1");
    BOOST_TEST(question.field("X-Auth-User") == "-");

    Peer at_app = app.accept();
    const Request forwarded = read_request(at_app);
    BOOST_TEST(forwarded.field("X-Auth-User") == "alice");
    BOOST_TEST(forwarded.field("X-Auth-Groups") == "a,b");
    BOOST_TEST(forwarded.field("X-Other") == "-");
    at_app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: app=1\r\n\r\nhi");
    const Answer answer = read_answer(client);
    BOOST_TEST(answer.body == "hi");
    BOOST_TEST(answer.field("Set-Cookie") == "app=1|fresh=1; Path=/|b=2");
    const auto& stats = proxy.stop();
    BOOST_TEST(count(stats, ForwardAuthResult::allow) == 1U);
}

BOOST_AUTO_TEST_CASE(a_post_is_asked_about_without_its_body) {
    Upstream app, judge;
    Proxy proxy(app, asking(judge));
    Peer client = proxy.client(request("POST", "/form", cookie + "Authorization: Basic YTpi\r\n", "a=b"));
    const Request question = judged(judge, answer_of("200 OK", alice));
    BOOST_TEST(question.field("X-Forwarded-Method") == "POST");
    BOOST_TEST(question.field("Authorization") == "Basic YTpi");
    BOOST_TEST(question.field("Content-Length") == "-");
    Peer at_app = app.accept();
    BOOST_TEST(read_request(at_app).line() == "POST /form HTTP/1.1");
    BOOST_TEST(at_app.read_exactly(3) == "a=b");
}

BOOST_AUTO_TEST_CASE(names_of_copied_headers_are_taken_off_pages_that_need_nothing) {
    Upstream app, judge;
    Setup setup = asking(judge);
    setup.auth.protect = {"/private"};
    setup.options.drop_underscore_headers = false;
    Proxy proxy(app, setup);
    Peer client = proxy.client(request("GET", "/", "x-auth-user: root\r\nX_Auth_User: root\r\n"));
    Peer at_app = app.accept();
    const Request forwarded = read_request(at_app);
    BOOST_TEST(forwarded.field("X-Auth-User") == "-");
    BOOST_TEST(forwarded.field("X_Auth_User") == "-");
    BOOST_TEST(!judge.contacted());
}

BOOST_AUTO_TEST_CASE(a_no_is_passed_on_with_its_challenge) {
    Upstream app, judge;
    const Answer no = answer_to(asking(judge), judge, request("GET", "/page"),
                                answer_of("401 Unauthorized",
                                          "WWW-Authenticate: Basic realm=\"a\"\r\n"
                                          "Set-Cookie: x=1\r\n",
                                          "secret page"),
                                app);
    BOOST_TEST(no.status == 401U);
    BOOST_TEST(no.field("WWW-Authenticate") == "Basic realm=\"a\"");
    BOOST_TEST(no.field("Set-Cookie") == "-");
    BOOST_TEST(no.body.find("secret") == std::string::npos);
    BOOST_TEST(
        answer_to(asking(judge), judge, request("GET", "/page"), answer_of("403 Forbidden"), app).status ==
        403U);
    BOOST_TEST(answer_to(asking(judge), judge, upgrade("/ws"), answer_of("403 Forbidden"), app).status ==
               403U);
    BOOST_TEST(answer_to(asking(judge), judge, upgrade(websocket), answer_of("401 No"), app).status == 401U);
    BOOST_TEST(answer_to(asking(judge), judge, request("GET", handshake), answer_of("403 No"), app).status ==
               403U);
}

BOOST_AUTO_TEST_CASE(everything_else_fails_closed) {
    Upstream app, judge;
    for (const auto* status :
         {"500 Oops", "404 Not Found", "400 Bad Request", "304 Not Modified", "302 Found"})
        BOOST_TEST(
            answer_to(asking(judge), judge, request("GET", "/"), answer_of(status), app).status == 503U,
            status);
    const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + alice;
    const auto status_with = [&](const std::string& bytes) {
        return answer_to(asking(judge), judge, request("GET", "/"), bytes, app).status;
    };
    BOOST_TEST(status_with(ok + "X-Auth-Groups: a\rb\r\n\r\n") == 502U);
    BOOST_TEST(status_with(ok + " folded\r\n\r\n") == 502U);
    BOOST_TEST(status_with(ok + "X-Long: " + std::string(64 << 10, 'a') + "\r\n\r\n") == 502U);
    BOOST_TEST(status_with("SSH-2.0-OpenSSH\r\n\r\n") == 502U);
    BOOST_TEST(status_with(answer_of("200 OK", alice, std::string(65 << 10, 'a'))) == 502U);
    BOOST_TEST(
        answer_to(asking(judge), judge, request("GET", handshake), answer_of("500 Oops"), app).status ==
        503U);
    BOOST_TEST(answer_to(asking(judge), judge, upgrade("/ws"), answer_of("500 Oops"), app).status == 503U);
}

BOOST_AUTO_TEST_CASE(a_server_that_is_silent_resets_or_is_gone_lets_nobody_in) {
    Upstream app, judge;
    Setup setup = asking(judge);
    setup.auth.forward->timeout = std::chrono::milliseconds(50);
    {
        Proxy proxy(app, setup);
        Peer client = proxy.client(request("GET", "/"));
        Peer silent = judge.accept();
        const Answer late = read_answer(client);
        BOOST_TEST(late.status == 503U);
        BOOST_TEST(late.field("Retry-After") != "-");
        Peer again = proxy.client(request("GET", "/"));
        judge.accept().reset();
        BOOST_TEST(read_answer(again).status == 503U);
        const auto journal = proxy.journal();
        BOOST_TEST(std::count_if(journal.begin(), journal.end(), [](const std::string& line) {
                       return line.starts_with("forward_auth_failed") &&
                              line.find("timed_out") != std::string::npos;
                   }) == 1);
        BOOST_TEST(count(proxy.stop(), ForwardAuthResult::error) == 2U);
    }
    judge.stop();
    Proxy proxy(app, setup);
    Peer client = proxy.client(request("GET", "/"));
    BOOST_TEST(read_answer(client).status == 503U);
    BOOST_TEST(!app.contacted());
}

BOOST_AUTO_TEST_CASE(redirects_are_for_pages_and_only_if_wanted) {
    Upstream app, judge;
    const std::string login =
        answer_of("302 Found", "Location: https://login.example/?rd=x\r\nSet-Cookie: s=1\r\n");
    Setup setup = asking(judge);
    const Answer plain = answer_to(setup, judge, request("GET", "/"), login, app);
    BOOST_TEST(plain.status == 401U);
    BOOST_TEST(plain.field("Location") == "-");
    setup.auth.forward->interactive = true;
    const Answer page = answer_to(setup, judge, request("GET", "/"), login, app);
    BOOST_TEST(page.status == 302U);
    BOOST_TEST(page.field("Location") == "https://login.example/?rd=x");
    BOOST_TEST(page.field("Set-Cookie") == "s=1");
    BOOST_TEST(answer_to(setup, judge, request("GET", handshake), login, app).status == 401U);
    BOOST_TEST(answer_to(setup, judge, upgrade("/ws"), login, app).status == 401U);
}

BOOST_AUTO_TEST_CASE(who_has_no_name_is_the_same_and_a_name_that_is_wanted_must_be_there) {
    Upstream app, judge;
    Setup setup = asking(judge);
    setup.auth.forward->identity = "X-Auth-User";
    BOOST_TEST(answer_to(setup, judge, request("GET", "/"), answer_of("200 OK"), app).status == 401U);
    BOOST_TEST(answer_to(setup, judge, request("GET", "/"),
                         answer_of("200 OK", "X-Auth-User: " + std::string(257, 'a') + "\r\n"), app)
                   .status == 401U);
}

BOOST_AUTO_TEST_CASE(fifty_that_ask_the_same_at_once_are_one_question) {
    Upstream app, judge;
    Setup setup = asking(judge);
    setup.loops = 1;
    Proxy proxy(app, setup);
    std::vector<Peer> clients;
    clients.reserve(50);
    for (int i = 0; i < 50; ++i) clients.push_back(proxy.client(request("GET", "/same", cookie)));
    Peer other = proxy.client(request("GET", "/same", "Cookie: session=of-bob\r\n"));
    // Both questions are there: so are the fifty, which came before the last one.
    Peer first = judge.accept();
    Peer second = judge.accept();
    Peer& of_alice = read_request(first).field("Cookie") == "session=of-alice" ? first : second;
    Peer& of_bob = &of_alice == &first ? second : first;
    if (&of_alice == &first) static_cast<void>(read_request(second));
    of_alice.send(answer_of("403 Forbidden"));
    for (Peer& client : clients) BOOST_TEST(read_answer(client).status == 403U);
    of_bob.send(answer_of("401 Unauthorized"));
    BOOST_TEST(read_answer(other).status == 401U);
    // A no is remembered for a moment.
    Peer late = proxy.client(request("GET", "/same", cookie));
    BOOST_TEST(read_answer(late).status == 403U);
    BOOST_TEST(count(proxy.stop(), ForwardAuthResult::deny) == 2U);
}

BOOST_AUTO_TEST_CASE(a_yes_is_remembered_only_when_the_server_says_so) {
    Upstream app, judge;
    Setup setup = asking(judge);
    setup.loops = 1;
    Proxy proxy(app, setup);
    const auto visit = [&](const std::string& target) {
        Peer client = proxy.client(request("GET", target, cookie));
        Peer at_app = app.accept();
        BOOST_TEST(read_request(at_app).field("X-Auth-User") == "alice");
        at_app.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        BOOST_TEST(read_answer(client).status == 204U);
    };
    const auto visit_judged = [&](const std::string& target, const std::string& fields) {
        Peer client = proxy.client(request("GET", target, cookie));
        static_cast<void>(judged(judge, answer_of("200 OK", alice + fields)));
        Peer at_app = app.accept();
        at_app.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        BOOST_TEST(read_answer(client).status == 204U);
    };
    visit_judged("/a", "");
    visit_judged("/a", "Cache-Control: no-store, max-age=60\r\n");
    visit_judged("/a", "Cache-Control: max-age=60\r\nSet-Cookie: a=b\r\n");
    visit_judged("/a", "Cache-Control: private, max-age=3600\r\n");
    visit("/a");
    visit("/a");
    visit_judged("/b", "");
    BOOST_TEST(count(proxy.stop(), ForwardAuthResult::allow) == 5U);
}

BOOST_AUTO_TEST_CASE(a_polling_session_is_asked_about_with_each_request_and_its_sid_stays_here) {
    Upstream app, judge;
    Proxy proxy(app, asking(judge));
    Peer client = proxy.client(request("GET", handshake + "&t=abc&room=7", cookie));
    BOOST_TEST(judged(judge, answer_of("200 OK", alice)).field("X-Forwarded-Uri") ==
               "/socket.io/?EIO=4&transport=polling&room=7");
    const std::string sid = sid_of(read_answer(client));
    const std::string target = handshake + "&t=abd&sid=" + sid;
    Peer post = proxy.client(request("POST", target, cookie, "40"));
    const Request question = judged(judge, answer_of("200 OK", alice));
    BOOST_TEST(question.head.find(sid) == std::string::npos);
    BOOST_TEST(question.field("X-Original-URI") == "/socket.io/?EIO=4&transport=polling");
    BOOST_TEST(read_answer(post).status == 200U);
    Peer of_bob = proxy.client(
        request("POST", target, "Origin: http://app.example\r\nCookie: session=of-bob\r\n", "40"));
    static_cast<void>(judged(judge, answer_of("200 OK", "X-Auth-User: bob\r\n")));
    BOOST_TEST(read_answer(of_bob).status == 403U);
    Peer logged_out = proxy.client(request("POST", target, cookie, "40"));
    static_cast<void>(judged(judge, answer_of("401 Unauthorized")));
    BOOST_TEST(read_answer(logged_out).status == 401U);
}

BOOST_AUTO_TEST_CASE(a_refused_socket_io_client_hears_it_from_connect) {
    Upstream app, judge;
    Setup setup = asking(judge);
    setup.auth.refuse_with = forestay::auth::RefuseWith::connect_error;
    Proxy proxy(app, setup);
    Peer client = proxy.client(upgrade(websocket, cookie));
    static_cast<void>(judged(judge, answer_of("401 Unauthorized")));
    static_cast<void>(client.read_until("\r\n\r\n"));
    static_cast<void>(read_text(client));
    client.send(text_frame("40"));
    BOOST_TEST(read_text(client) == R"(44{"message":"unauthorized","data":{"code":"denied"}})");
    BOOST_TEST(!app.contacted());
    BOOST_TEST(proxy.stop().auth_refusals[static_cast<std::size_t>(errc::denied)] == 1U);
}

BOOST_AUTO_TEST_CASE(other_methods_come_first) {
    Upstream app, judge;
    Setup setup = asking(judge);
    forestay::auth::TokenOptions tokens;
    tokens.sha256 = {"55b4b48f529c3d2daa027cbffa6cfb6a03690424550f22109e39917406c8243b"};  // first-token
    setup.auth.any_of.emplace_back(tokens);
    Proxy proxy(app, setup);
    Peer client = proxy.client(request("GET", "/", "Authorization: Bearer first-token\r\n"));
    Peer at_app = app.accept();
    BOOST_TEST(read_request(at_app).line() == "GET / HTTP/1.1");
    BOOST_TEST(!judge.contacted());
    Peer unknown = proxy.client(request("GET", "/", "Authorization: Bearer other\r\n"));
    static_cast<void>(judged(judge, answer_of("401 Unauthorized")));
    BOOST_TEST(read_answer(unknown).status == 401U);
}

BOOST_AUTO_TEST_CASE(two_authorizations_are_refused_unasked) {
    Upstream app, judge;
    Proxy proxy(app, asking(judge));
    Peer client = proxy.client(request("GET", "/", "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"));
    BOOST_TEST(read_answer(client).status == 400U);
    BOOST_TEST(!judge.contacted());
}

BOOST_AUTO_TEST_CASE(a_live_session_is_asked_about_again_until_the_server_says_no) {
    Upstream app, judge;
    Setup setup = asking(judge);
    setup.auth.forward->recheck = std::chrono::seconds(1);
    Proxy proxy(app, setup);
    Peer client = proxy.client(upgrade(websocket, cookie));
    static_cast<void>(judged(judge, answer_of("200 OK", alice + "Set-Cookie: a=b\r\n")));
    const std::string head = client.read_until("\r\n\r\n");
    BOOST_TEST(head.find("Set-Cookie: a=b\r\n") != std::string::npos);
    static_cast<void>(read_text(client));
    const Request again = judged(judge, answer_of("200 OK", alice));
    BOOST_TEST(again.field("Cookie") == "session=of-alice");
    static_cast<void>(judged(judge, answer_of("500 Oops")));  // it is put up with
    static_cast<void>(judged(judge, answer_of("401 Unauthorized")));
    const std::string close = client.read_to_end();
    BOOST_TEST(close.find(std::string("\x11\x31", 2) + "token expired") != std::string::npos);  // 4401
}

BOOST_AUTO_TEST_CASE(a_live_session_whose_cookie_is_somebody_elses_now_ends) {
    Upstream app, judge;
    Setup setup = asking(judge);
    setup.auth.forward->recheck = std::chrono::seconds(1);
    Proxy proxy(app, setup);
    Peer client = proxy.client(upgrade("/ws", cookie));
    static_cast<void>(judged(judge, answer_of("200 OK", alice)));
    Peer at_app = app.accept();
    const Request opened = read_request(at_app);
    BOOST_TEST(opened.field("X-Auth-User") == "alice");
    at_app.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        accept_for(opened.field("Sec-WebSocket-Key")) + "\r\n\r\n");
    static_cast<void>(client.read_until("\r\n\r\n"));
    static_cast<void>(judged(judge, answer_of("200 OK", "X-Auth-User: bob\r\n")));
    BOOST_TEST(client.read_to_end().find(std::string("\x11\x31", 2)) != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
