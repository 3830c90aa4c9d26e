#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/config/given.h"

using namespace forestay::config;
using namespace forestay::config::test;

namespace {

std::string client_config(const std::string& yaml) {
    Given given = with("client_config: {path: /ws/config}\n" + yaml);
    given.files = {{"secret", "0123456789abcdef0123456789abcdef"}};
    const Loaded got = given.load();
    for (const Problem& problem : got.problems) {
        if (problem.severity == Severity::error) BOOST_ERROR(to_string(problem));
    }
    return got.config.net.client_config;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(client_config_section)

BOOST_AUTO_TEST_CASE(without_the_key_there_is_none) {
    BOOST_TEST(loaded("").config.net.client_config_path.empty());
    BOOST_TEST(loaded("").config.net.client_config.empty());
    BOOST_TEST(loaded("client_config: {path: /c}\n").config.net.client_config_path == "/c");
}

BOOST_AUTO_TEST_CASE(the_defaults_as_a_client_sees_them) {
    BOOST_TEST(
        client_config("") ==
        R"({"endpoints":{"socketio":[{"path":"/socket.io/","auth":false}],"websockets":[]},)"
        R"("origins":{"allowed":["same-origin"],"allowed_regex":[],"credentials":true,"dev":false},)"
        R"("heartbeat":{"ping_interval_ms":25000,"ping_timeout_ms":20000},)"
        R"("limits":{"max_message_bytes":1048576,"message_rate":null,"per_ip":null,"connect_rate":null},)"
        R"("auth":{"required":false}})"
        "\n");
}

BOOST_AUTO_TEST_CASE(what_is_protected_says_how_to_get_in_and_never_with_what) {
    const std::string text = client_config(
        "websockets: [{path: /ws, format: json}, {path: /open, format: opaque}]\n"
        "auth:\n"
        "  protect: /ws\n"
        "  any_of:\n"
        "    - jwt: {algorithms: HS256, secret_file: secret}\n"
        "    - token: {sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}\n"
        "    - jwt: {algorithms: HS512, secret_file: secret}\n"
        "  from: {header: authorization, query: token, protocol: bearer, cookie: []}\n");
    BOOST_TEST(contains(text, R"("websockets":[{"path":"/ws","auth":true,"format":"json"},)"
                              R"({"path":"/open","auth":false,"format":"opaque"}])"));
    BOOST_TEST(contains(text, R"("auth":{"required":true,"methods":["jwt","token"],"from":{)"
                              R"("header":["authorization"],"query":["token"],"cookie":[],)"
                              R"("protocol":["bearer"],"connect":[]},"refuse_with":"connect_error"})"));
    BOOST_TEST(!contains(text, "0123456789abcdef"));
    BOOST_TEST(!contains(text, "9f86d081"));
}

BOOST_AUTO_TEST_CASE(limits_and_heartbeats_have_their_units_in_their_names) {
    const std::string text = client_config(
        "limits: {max_message: 64KiB, message_rate: 60/m, per_ip: 10, connect_rate: 5/s}\n"
        "heartbeat: {ping_interval: 30s, ping_timeout: 10s}\n");
    BOOST_TEST(contains(text, R"("heartbeat":{"ping_interval_ms":30000,"ping_timeout_ms":10000})"));
    BOOST_TEST(contains(text,
                        R"("limits":{"max_message_bytes":65536,"message_rate":{"count":60,"per_ms":60000},)"
                        R"("per_ip":10,"connect_rate":{"count":5,"per_ms":1000}})"));
}

BOOST_AUTO_TEST_CASE(the_words_of_the_envelope_are_there_when_it_is_on) {
    const std::string json = "websockets: [{path: /ws, format: json}]\n";
    BOOST_TEST(!contains(client_config(json), "envelope"));
    BOOST_TEST(
        contains(client_config(json + "resume: {client: {recovery: envelope, envelope: {ack: seen}}}\n"),
                 R"("envelope":{"type":"type","ack":"seen","reconnect":"reconnect",)"));
}

BOOST_AUTO_TEST_CASE(origins_are_as_configured_and_escaped) {
    BOOST_TEST(contains(
        client_config(
            "cors: {allowed_origins: [https://a.example, {regex: 'https://[a-z]+\\.b'}], dev: true}\n"),
        R"("allowed":["https://a.example"],"allowed_regex":["https://[a-z]+\\.b"],"credentials":true,"dev":true)"));
}

BOOST_AUTO_TEST_CASE(it_cannot_be_where_socketio_is) {
    CHECK_LINES(with("client_config: {path: /socket.io/}\n").problems(),
                {"3:23: client_config.path: Socket.IO is there"});
    CHECK_LINES(with("client_config: {}\n").problems(),
                {"3:16: client_config.path is missing: a path such as /socket.io/ is expected"});
}

BOOST_AUTO_TEST_SUITE_END()
