// JWT keys that change: from a real server that does what servers do, and from a file.
#include "proxy/net/key_sources.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "tests/auth/make_credential.h"
#include "tests/net/http_server.h"
#include "tests/scenarios/engineio_client.h"

using namespace forestay;
using namespace forestay::scenarios;
using namespace std::chrono_literals;
using auth::encode_base64url;

namespace {

struct SigningKey {
    explicit SigningKey(std::string kid)
        : id(std::move(kid)), key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")) {}
    ~SigningKey() { EVP_PKEY_free(key); }
    SigningKey(const SigningKey&) = delete;
    SigningKey& operator=(const SigningKey&) = delete;

    std::string jwk() const {
        std::string raw(32, '\0');
        std::size_t size = raw.size();
        EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size);
        return R"({"kty":"OKP","crv":"Ed25519","kid":")" + id + R"(","x":")" + encode_base64url(raw) + "\"}";
    }
    std::string token(const std::string& kid) const {
        const std::string input = encode_base64url(R"({"alg":"EdDSA","kid":")" + kid + "\"}") + '.' +
                                  encode_base64url(R"({"sub":"ann","exp":4000000000})");
        std::string signature(64, '\0');
        std::size_t size = signature.size();
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key);
        EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                       reinterpret_cast<const unsigned char*>(input.data()), input.size());
        EVP_MD_CTX_free(context);
        return input + '.' + encode_base64url(signature);
    }
    std::string token() const { return token(id); }

    std::string id;
    EVP_PKEY* key;
};

std::string set_of(const std::string& keys) {
    return "{\"keys\":[" + keys + "]}";
}

// Answers each request with what it has been given, ETag and all; empty: ends the connection.
struct KeyServer {
    explicit KeyServer(const std::string& document) { serve(document); }

    void serve(const std::string& document, const std::string& status = "200 OK",
               const std::string& fields = "") {
        const std::lock_guard lock(mutex);
        body = document;
        line = status;
        more = fields;
    }
    void go_down() { serve("", ""); }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(server.port) + "/keys?secret=x"; }

    std::mutex mutex;
    std::string body, line, more;
    std::atomic<int> requests{0};
    std::atomic<int> conditional{0};
    net::testing::HttpServer server{[this](net::testing::ServerSide& side) {
        for (std::string head; !(head = side.read_request()).empty();) {
            ++requests;
            if (head.find("If-None-Match: \"1\"") != std::string::npos) ++conditional;
            const std::lock_guard lock(mutex);
            if (line.empty()) return side.reset();
            side.answer(line, body, more);
        }
    }};
};

// A page that is protected, of an app that is down: who hears of that has been let in.
constexpr unsigned let_in = 200;

struct Fixture {
    Upstream upstream;
    SigningKey one{"one"}, two{"two"};

    Fixture() { upstream.stop(); }

    Setup setup(const KeyServer& server) {
        Setup made;
        made.auth.protect = {"/api"};
        auth::JwtOptions jwt;
        jwt.algorithms = {"EdDSA"};
        jwt.jwks_url = server.url();
        made.auth.any_of.emplace_back(jwt);
        return made;
    }
    static auth::JwtOptions& jwt(Setup& made) { return std::get<auth::JwtOptions>(made.auth.any_of.front()); }

    static Answer ask(Proxy& proxy, const std::string& token) {
        Peer client = proxy.client(request("GET", "/api/x", "Authorization: Bearer " + token + "\r\n"));
        return read_answer(client);
    }
    static unsigned status(Proxy& proxy, const std::string& token) {
        const Answer answer = ask(proxy, token);
        const bool app_is_down = answer.status == 503 && answer.body.find("no_keys") == std::string::npos;
        return app_is_down ? let_in : answer.status;
    }
    template <class Condition>
    static bool eventually(Condition condition) {
        for (int i = 0; i < 1'500; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }
    static bool said(Proxy& proxy, const std::string& what) {
        const auto lines = proxy.journal();
        return std::any_of(lines.begin(), lines.end(),
                           [&](const auto& line) { return line.find(what) != std::string::npos; });
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(key_sources, Fixture)

BOOST_AUTO_TEST_CASE(a_new_key_is_fetched_when_a_token_names_it) {
    KeyServer server(set_of(one.jwk()));
    Proxy proxy(upstream, setup(server));
    BOOST_TEST(status(proxy, one.token()) == let_in);
    server.serve(set_of(one.jwk() + ',' + two.jwk()));
    BOOST_TEST(status(proxy, two.token()) == 401U);  // at once; the fetch has been asked for
    BOOST_TEST(eventually([&] { return status(proxy, two.token()) == let_in; }));
    BOOST_TEST(status(proxy, one.token()) == let_in);
    BOOST_TEST(server.requests == 2);
    BOOST_TEST(said(proxy, "jwks_fetched url=http://127.0.0.1:"));
    BOOST_TEST(!said(proxy, "secret"));
}

BOOST_AUTO_TEST_CASE(a_key_that_is_gone_lets_nobody_in) {
    KeyServer server(set_of(one.jwk() + ',' + two.jwk()));
    Proxy proxy(upstream, setup(server));
    BOOST_TEST(status(proxy, one.token()) == let_in);
    server.serve(set_of(two.jwk()));
    BOOST_TEST(status(proxy, one.token("three")) == 401U);
    BOOST_TEST(eventually([&] { return status(proxy, one.token()) == 401U; }));
    BOOST_TEST(status(proxy, two.token()) == let_in);
}

BOOST_AUTO_TEST_CASE(a_flood_of_unknown_keys_brings_one_fetch) {
    KeyServer server(set_of(one.jwk()));
    server.serve(set_of(one.jwk()), "200 OK", "ETag: \"1\"\r\nCache-Control: max-age=3600\r\n");
    Proxy proxy(upstream, setup(server));
    Peer client = proxy.client();
    for (int i = 0; i < 1'000; ++i) {
        client.send(
            request("GET", "/api/x", "Authorization: Bearer " + one.token("k" + std::to_string(i)) + "\r\n"));
        const Answer answer = read_answer(client);
        if (answer.status != 401U) BOOST_TEST(answer.status == 401U);
        if (answer.field("Connection") == "close") client = proxy.client();
    }
    BOOST_TEST(eventually([&] { return server.requests == 2; }));
    BOOST_TEST(server.conditional == 1);
    BOOST_TEST(status(proxy, one.token()) == let_in);
    BOOST_TEST(server.requests == 2);
}

BOOST_AUTO_TEST_CASE(a_server_that_fails_changes_nothing) {
    const std::vector<std::pair<std::string, std::string>> failures{{"", ""},
                                                                    {"302 Found", "jwks"},
                                                                    {"500 Oops", "jwks"},
                                                                    {"200 OK", "<html>Please log in</html>"},
                                                                    {"200 OK", ""}};
    for (const auto& [line, body] : failures) {
        KeyServer server(set_of(one.jwk()));
        Proxy proxy(upstream, setup(server));
        server.serve(body == "jwks" ? set_of(two.jwk()) : body, line, "Location: http://127.0.0.1:1/\r\n");
        BOOST_TEST(status(proxy, two.token()) == 401U);
        BOOST_TEST(eventually([&] { return said(proxy, "jwks_fetch_failed"); }));
        BOOST_TEST(status(proxy, one.token()) == let_in);
        BOOST_TEST(status(proxy, two.token()) == 401U);
    }
}

BOOST_AUTO_TEST_CASE(does_not_start_without_keys) {
    KeyServer server("");
    server.go_down();
    BOOST_CHECK_THROW(Proxy(upstream, setup(server)), std::runtime_error);
    const std::string secret = encode_base64url(std::string(32, 's'));
    for (const std::string& body : {std::string("<html></html>"), std::string("{\"keys\":[]}"),
                                    std::string(10 << 20, ' ') + set_of(one.jwk()),
                                    set_of(R"({"kty":"oct","kid":"one","k":")" + secret + "\"}")}) {
        server.serve(body);
        BOOST_CHECK_THROW(Proxy(upstream, setup(server)), std::runtime_error);
    }
    server.serve(set_of(one.jwk()), "302 Found");
    BOOST_CHECK_THROW(Proxy(upstream, setup(server)), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(starts_without_keys_when_told_to_and_refuses_until_they_come) {
    KeyServer server("");
    server.go_down();
    Setup made = setup(server);
    jwt(made).start_degraded = true;
    Proxy proxy(upstream, std::move(made));
    const Answer refused = ask(proxy, one.token());
    BOOST_TEST(refused.status == 503U);
    BOOST_TEST(refused.field("Retry-After") == "1");
    BOOST_TEST(status(proxy, "nonsense") == 401U);
    server.serve(set_of(one.jwk()));
    BOOST_TEST(eventually([&] { return status(proxy, one.token()) == let_in; }));
}

BOOST_AUTO_TEST_CASE(keys_that_cannot_be_renewed_end) {
    KeyServer server(set_of(one.jwk()));
    Setup made = setup(server);
    jwt(made).jwks_max_stale = 1s;
    Proxy proxy(upstream, std::move(made));
    server.go_down();
    BOOST_TEST(eventually([&] { return status(proxy, one.token()) == 503U; }));
    BOOST_TEST(said(proxy, "jwks_stale"));
    BOOST_TEST(proxy.stop().jwks.keys == 0U);
}

BOOST_AUTO_TEST_CASE(a_file_is_read_again_when_it_changes) {
    const std::string path = "/tmp/forestay-jwks-" + std::to_string(::getpid()) + ".json";
    const auto write = [&](const std::string& text) {
        std::ofstream(path + ".new") << text;
        BOOST_REQUIRE(std::rename((path + ".new").c_str(), path.c_str()) == 0);
    };
    KeyServer unused("");
    Setup made = setup(unused);
    jwt(made).jwks_url.clear();
    jwt(made).jwks = set_of(one.jwk());
    jwt(made).jwks_file = path;
    write(jwt(made).jwks);
    Proxy proxy(upstream, std::move(made));
    BOOST_TEST(status(proxy, one.token()) == let_in);
    BOOST_TEST(status(proxy, two.token()) == 401U);
    write(set_of(one.jwk()).substr(0, 30));  // not whole
    BOOST_TEST(eventually([&] { return said(proxy, "jwks_file_refused file=" + path); }));
    BOOST_TEST(status(proxy, one.token()) == let_in);
    write(set_of(two.jwk()));
    BOOST_TEST(eventually([&] { return status(proxy, two.token()) == let_in; }));
    BOOST_TEST(status(proxy, one.token()) == 401U);
    std::remove(path.c_str());
    BOOST_TEST(status(proxy, two.token()) == let_in);
    const auto& stats = proxy.stop();
    BOOST_TEST(stats.jwks.reloads[0] == 1U);
    BOOST_TEST(stats.jwks.reloads[1] >= 1U);
}

BOOST_AUTO_TEST_SUITE_END()
