#include "config/conform.h"

#include <boost/test/unit_test.hpp>

#include "config/access.h"
#include "config/schema.h"
#include "tests/config/given.h"

using namespace forestay::config;
using namespace forestay::config::test;

BOOST_AUTO_TEST_SUITE(conforming)

BOOST_AUTO_TEST_CASE(two_keys_are_a_configuration) {
    const Given given{"listen: 127.0.0.1:8080\nupstream: http://127.0.0.1:5000\n", {}, {}, {}, false};
    CHECK_LINES(given.problems(), {});
    const Loaded got = given.load();
    BOOST_CHECK(got.good);
    BOOST_REQUIRE_EQUAL(got.config.net.listen.size(), 1U);
    BOOST_CHECK_EQUAL(got.config.net.listen[0].port, 8080);
    BOOST_CHECK_EQUAL(got.config.net.upstream.urls.front().host, "127.0.0.1");
    BOOST_CHECK_EQUAL(got.config.net.upstream.urls.front().port, 5000);
}

BOOST_AUTO_TEST_CASE(an_empty_file_lacks_both) {
    CHECK_LINES((Given{"", {}, {}, {}, false}.problems()),
                {"1:1: listen is missing: an address such as 0.0.0.0:8080 is expected",
                 "1:1: upstream is missing: a URL such as http://127.0.0.1:5000 is expected"});
}

BOOST_AUTO_TEST_CASE(unknown_keys_come_with_the_one_that_was_meant) {
    CHECK_LINES(with("orgins: x\ncros: {}\nheartbeat: {ping_intervall: 20s}\n").problems(),
                {"3:1: unknown key \"orgins\"", "4:1: unknown key \"cros\": did you mean \"cors\"?",
                 "5:13: unknown key \"ping_intervall\" in heartbeat: did you mean \"ping_interval\"?"});
}

BOOST_AUTO_TEST_CASE(the_right_key_in_the_wrong_place_is_shown_the_way) {
    CHECK_LINES(with("ping_interval: 20s\nmax_message: 1MiB\n").problems(),
                {"3:1: unknown key \"ping_interval\": did you mean \"heartbeat.ping_interval\"?",
                 "4:1: unknown key \"max_message\": did you mean \"limits.max_message\"?"});
}

BOOST_AUTO_TEST_CASE(an_unknown_key_may_be_as_long_and_odd_as_it_likes) {
    const std::string name(1000, 'x');
    CHECK_LINES(
        with(name + ": 1\n\"a\\e[31m\\n\": 1\n").problems(),
        {"3:1: unknown key \"" + name.substr(0, 120) + "...\"", "4:1: unknown key \"a\\u001b[31m\\n\""});
}

BOOST_AUTO_TEST_CASE(all_problems_come_at_once) {
    CHECK_LINES(
        (Given{"listen: 8080\n"
               "upstream: {url: http://a:1, connect_timeout: 2, preserve_host: yes}\n"
               "limits: {max_message: 1MB, header_timeout: 1ms}\n"
               "logging: [x]\n",
               {},
               {},
               {},
               false}
             .problems()),
        {"1:9: listen: \"8080\" does not say on which address: write 127.0.0.1:8080 for this machine only, "
         "0.0.0.0:8080 for all",
         "2:46: upstream.connect_timeout: \"2\" has no unit: write 500ms, 30s, 5m, 24h or 31d",
         "2:64: upstream.preserve_host: \"yes\" is neither true nor false",
         "3:23: limits.max_message: \"1MB\" has the unknown unit \"MB\": write 512B, 64KiB, 1MiB or 2GiB",
         "3:44: limits.header_timeout: \"1ms\" is not between 100ms and 5m",
         "4:10: logging: a map of keys is expected, not a list"});
}

BOOST_AUTO_TEST_CASE(values_of_the_wrong_kind) {
    CHECK_LINES(
        with("heartbeat: {ping_interval: [20s]}\ndrain: {timeout: {a: 1}}\nrequests: {a: 1}\ncors: 3\n")
            .problems(),
        {"3:28: heartbeat.ping_interval: a duration such as 30s is expected, not a list",
         "4:18: drain.timeout: a duration such as 30s is expected, not a map",
         "5:11: requests: a list is expected, not a map",
         "6:7: cors: a map of keys is expected, not a single value"});
}

BOOST_AUTO_TEST_CASE(values_that_are_not_there) {
    CHECK_LINES(with("heartbeat: {ping_interval: }\nlogging: {level: \"\"}\n").problems(),
                {"3:13: heartbeat.ping_interval: a duration such as 30s is expected, not nothing",
                 "4:18: logging.level is empty: a word is expected"});
}

BOOST_AUTO_TEST_CASE(a_section_with_every_line_commented_out_is_an_empty_section) {
    CHECK_LINES(with("cors:\n#  dev: true\nrequests:\nauth:\n").problems(), {});
}

BOOST_AUTO_TEST_CASE(numbers_and_booleans_in_quotes_are_text) {
    CHECK_LINES(
        with("limits: {max_connections: \"80\"}\ncors: {dev: 'true'}\n").problems(),
        {"3:27: limits.max_connections: \"80\" is text, and a whole number is expected: remove the quotes",
         "4:13: cors.dev: \"true\" is text, and true or false is expected: remove the quotes"});
}

BOOST_AUTO_TEST_CASE(octal_is_refused) {
    CHECK_LINES(with("limits: {max_connections: 010}\n").problems(),
                {"3:27: limits.max_connections: \"010\" begins with a zero, which some read as octal: write "
                 "it without"});
}

BOOST_AUTO_TEST_CASE(choices_name_their_words) {
    CHECK_LINES(with("logging: {level: verbose}\n").problems(),
                {"3:18: logging.level: \"verbose\" is none of: debug, info, warning, error"});
}

BOOST_AUTO_TEST_CASE(bounds_hold_at_both_ends) {
    CHECK_LINES(with("heartbeat: {ping_interval: 999ms, ping_timeout: 601s}\n").problems(),
                {"3:28: heartbeat.ping_interval: \"999ms\" is not between 1s and 10m",
                 "3:49: heartbeat.ping_timeout: \"601s\" is not between 1s and 10m"});
    CHECK_LINES(with("heartbeat: {ping_interval: 1s, ping_timeout: 10m}\n").problems(), {});
}

BOOST_AUTO_TEST_CASE(paths_headers_and_text_are_looked_at) {
    CHECK_LINES(with("socketio: {paths: [socket.io]}\ncors: {allowed_headers: \"x y\"}\nauth: {from: "
                     "{cookie: \"a\\nb\"}}\n")
                    .problems(),
                {"3:20: socketio.paths[0]: \"socket.io\" is not a path: it begins with a slash, and has "
                 "neither query nor "
                 "spaces",
                 "4:25: cors.allowed_headers: \"x y\" is not the name of a header",
                 "5:23: auth.from.cookie: \"a\\nb\" has control characters in it"});
}

BOOST_AUTO_TEST_CASE(what_is_not_built_yet_is_refused_and_never_ignored) {
    const auto refused = [](const std::string& yaml, const std::string& problem) {
        CHECK_LINES(with(yaml + "\n").problems(), {"3:" + problem});
    };
    refused("drain: {delay: 1s}", "9: drain.delay: not supported yet");
    refused("drain: {spread: 1s}", "9: drain.spread: not supported yet");
}

BOOST_AUTO_TEST_CASE(words_for_what_is_not_built_yet_may_say_that_it_is_off) {
    CHECK_LINES(with("auth: {on_expiry: close}\n").problems(), {});
}

BOOST_AUTO_TEST_CASE(limits_on_clients_are_off_or_numbers) {
    for (const char* yaml : {"", "limits: {per_ip: off, connect_rate: off, message_rate: off}\n"}) {
        const Config& off = loaded(yaml).config;
        BOOST_TEST(!off.net.limits.addresses.any());
        BOOST_TEST(!off.session.limits.message_rate.bounded());
    }
    const Config on =
        loaded("limits: {per_ip: 10, connect_rate: 5/s, message_rate: 60/m}\ntrusted_proxies: 10.0.0.1\n")
            .config;
    BOOST_TEST(on.net.limits.addresses.at_once == 10U);
    BOOST_TEST(on.net.limits.addresses.connects.count == 5U);
    BOOST_TEST((on.net.limits.addresses.connects.per == std::chrono::seconds(1)));
    BOOST_TEST(on.session.limits.message_rate.count == 60U);
    BOOST_TEST((on.session.limits.message_rate.per == std::chrono::minutes(1)));
    CHECK_LINES(with("limits: {per_ip: 0}\n").problems(),
                {"3:18: limits.per_ip: \"0\" is not between 1 and 1000000"});
    CHECK_LINES(with("limits: {message_rate: 10/h}\n").problems(),
                {"3:24: limits.message_rate: \"10/h\" is not between 1/m and 1000000/s"});
    CHECK_LINES(with("limits: {connect_rate: 5}\n").problems(),
                {"3:24: limits.connect_rate: \"5\" is not a rate: write 100/s, 30/m or 10/h"});
}

BOOST_AUTO_TEST_CASE(deadlines_of_clients_are_in_the_configuration) {
    BOOST_TEST((loaded("").config.net.limits.keepalive_timeout == std::chrono::seconds(75)));
    BOOST_TEST((loaded("").config.session.limits.message_timeout == std::chrono::seconds(30)));
    const Config hasty = loaded("limits: {keepalive_timeout: 3s, message_timeout: 2s}\n").config;
    BOOST_TEST((hasty.net.limits.keepalive_timeout == std::chrono::seconds(3)));
    BOOST_TEST((hasty.session.limits.message_timeout == std::chrono::seconds(2)));
}

BOOST_AUTO_TEST_CASE(clients_that_all_have_the_address_of_a_proxy_are_a_warning) {
    CHECK_LINES(
        with("limits: {per_ip: 10}\n").problems(),
        {"3:18: warning: only this machine can reach the listener, so clients come through a proxy and "
         "have one address between them: name it in trusted_proxies"});
    CHECK_LINES(with("limits: {per_ip: 10}\ntrusted_proxies: 127.0.0.1\n").problems(), {});
}

BOOST_AUTO_TEST_CASE(threads_are_counted_or_follow_the_cores) {
    BOOST_CHECK_EQUAL(loaded("threads: 64\n").config.threads, 64U);
    const unsigned automatic = loaded("").config.threads;
    BOOST_CHECK(automatic >= 1 && automatic <= 4);
    CHECK_LINES(with("threads: 0\n").problems(), {"3:10: threads: \"0\" is not between 1 and 64"});
    CHECK_LINES(with("threads: 65\n").problems(), {"3:10: threads: \"65\" is not between 1 and 64"});
}

BOOST_AUTO_TEST_CASE(a_single_value_stands_for_a_list) {
    const Loaded got = loaded("trusted_proxies: 10.0.0.0/8\n");
    BOOST_REQUIRE_EQUAL(got.config.net.trusted_proxies.size(), 1U);
    BOOST_CHECK_EQUAL(got.config.net.trusted_proxies[0].prefix, 8U);
}

BOOST_AUTO_TEST_CASE(values_arrive_in_the_structs) {
    const Loaded got = loaded(
        "socketio: {paths: [/a/, /b/], jsonp: true}\n"
        "websockets: [{path: /ws, format: json}, {path: /raw, format: opaque}]\n"
        "heartbeat: {ping_interval: 20s, ping_timeout: 7s}\n"
        "limits: {max_connections: 7, max_message: 2MiB, max_body: 3MiB, max_header: 4KiB, header_timeout: "
        "5s,\n"
        "         outbox: 6MiB, slow_client_timeout: 8s}\n"
        "drain: {timeout: 9s}\n"
        "admin: {listen: 127.0.0.1:1}\n"
        "logging: {level: debug, format: json, access: false}\n");
    const Config& config = got.config;
    CHECK_LINES(config.net.socketio_paths, {"/a/", "/b/"});
    BOOST_CHECK(config.net.jsonp);
    BOOST_REQUIRE_EQUAL(config.net.websockets.size(), 2U);
    BOOST_CHECK_EQUAL(config.net.websockets[0].path, "/ws");
    BOOST_CHECK(config.net.websockets[0].json == 0U);
    BOOST_CHECK(!config.net.websockets[1].json.has_value());
    BOOST_CHECK(config.session.ping_interval == std::chrono::seconds(20));
    BOOST_CHECK(config.session.ping_timeout == std::chrono::seconds(7));
    BOOST_CHECK_EQUAL(config.net.limits.connections, 7U);
    BOOST_CHECK_EQUAL(config.session.limits.message_bytes, 2U << 20);
    BOOST_CHECK_EQUAL(config.session.limits.held_bytes, 2U << 20);
    BOOST_CHECK_EQUAL(config.net.limits.body_bytes, 3U << 20);
    BOOST_CHECK_EQUAL(config.net.limits.header_bytes, 4096U);
    BOOST_CHECK(config.net.limits.header_timeout == std::chrono::seconds(5));
    BOOST_CHECK_EQUAL(config.session.limits.outbox_bytes, 6U << 20);
    BOOST_CHECK(config.session.limits.slow_client_timeout == std::chrono::seconds(8));
    BOOST_CHECK(config.net.limits.drain_timeout == std::chrono::seconds(9));
    BOOST_CHECK_EQUAL(config.net.admin_listen.at(0).port, 1);
    BOOST_CHECK(config.log.level == forestay::net::Level::debug);
    BOOST_CHECK(config.log.format == forestay::telemetry::LogFormat::json);
    BOOST_CHECK(!config.log.access);
}

BOOST_AUTO_TEST_CASE(values_of_the_upstream_arrive_in_its_struct) {
    const Given given{
        "listen: 127.0.0.1:1\n"
        "upstream: {url: http://a:1/p, transport: polling, connect_timeout: 1s, handshake_timeout: 2s, "
        "response_timeout: 3s,\n"
        "           keepalive_idle: 4s, stall: 5s, preserve_host: false}\n",
        {},
        {},
        {},
        false};
    CHECK_LINES(given.problems(), {});
    const Config config = given.load().config;
    BOOST_CHECK_EQUAL(config.net.upstream.urls.front().path_prefix, "/p");
    BOOST_CHECK(config.net.upstream.transport == forestay::net::UpstreamTransport::polling);
    BOOST_CHECK(config.net.upstream.connect_timeout == std::chrono::seconds(1));
    BOOST_CHECK(config.net.upstream.handshake_timeout == std::chrono::seconds(2));
    BOOST_CHECK(config.session.upstream_open_timeout == std::chrono::seconds(2));
    BOOST_CHECK(config.net.upstream.response_timeout == std::chrono::seconds(3));
    BOOST_CHECK(config.net.upstream.keepalive_idle == std::chrono::seconds(4));
    BOOST_CHECK(config.session.upstream_stall == std::chrono::seconds(5));
    BOOST_CHECK(!config.net.upstream.preserve_host);
}

// The structs have defaults of their own, for tests of the other rings. They are the same.
BOOST_AUTO_TEST_CASE(the_defaults_of_the_table_are_those_of_the_structs) {
    const Config got = loaded("").config;
    const Config plain;
    BOOST_CHECK(got.net.upstream.connect_timeout == plain.net.upstream.connect_timeout);
    BOOST_CHECK(got.net.upstream.handshake_timeout == plain.net.upstream.handshake_timeout);
    BOOST_CHECK(got.net.upstream.response_timeout == plain.net.upstream.response_timeout);
    BOOST_CHECK(got.net.upstream.keepalive_idle == plain.net.upstream.keepalive_idle);
    BOOST_CHECK(got.net.upstream.preserve_host == plain.net.upstream.preserve_host);
    BOOST_CHECK_EQUAL(got.net.limits.body_bytes, plain.net.limits.body_bytes);
    BOOST_CHECK_EQUAL(got.net.limits.header_bytes, plain.net.limits.header_bytes);
    BOOST_CHECK_EQUAL(got.net.limits.connections, plain.net.limits.connections);
    BOOST_CHECK(got.net.limits.header_timeout == plain.net.limits.header_timeout);
    BOOST_CHECK(got.net.limits.write_timeout == plain.net.limits.write_timeout);
    BOOST_CHECK(got.net.limits.drain_timeout == plain.net.limits.drain_timeout);
    BOOST_CHECK(got.net.socketio_paths == plain.net.socketio_paths);
    BOOST_CHECK_EQUAL(got.net.jsonp, plain.net.jsonp);
    BOOST_CHECK(got.session.ping_interval == plain.session.ping_interval);
    BOOST_CHECK(got.session.ping_timeout == plain.session.ping_timeout);
    BOOST_CHECK(got.session.upstream_open_timeout == plain.session.upstream_open_timeout);
    BOOST_CHECK(got.session.upstream_stall == plain.session.upstream_stall);
    BOOST_CHECK_EQUAL(got.session.limits.message_bytes, plain.session.limits.message_bytes);
    BOOST_CHECK_EQUAL(got.session.limits.outbox_bytes, plain.session.limits.outbox_bytes);
    BOOST_CHECK_EQUAL(got.session.limits.held_bytes, plain.session.limits.held_bytes);
    BOOST_CHECK(got.session.limits.slow_client_timeout == plain.session.limits.slow_client_timeout);
    BOOST_CHECK(got.auth.from.header == plain.auth.from.header);
    BOOST_CHECK(got.auth.from.cookie == plain.auth.from.cookie);
    BOOST_CHECK(got.auth.from.query == plain.auth.from.query);
    BOOST_CHECK(got.auth.from.protocol == plain.auth.from.protocol);
    BOOST_CHECK(got.auth.from.connect == plain.auth.from.connect);
    BOOST_CHECK(got.auth.refuse_with == plain.auth.refuse_with);
    BOOST_CHECK(got.auth.on_expiry == plain.auth.on_expiry);
    BOOST_CHECK(got.session.expiry.warning == plain.session.expiry.warning);
    BOOST_CHECK_EQUAL(got.session.expiry.refresh_event, plain.session.expiry.refresh_event);
    BOOST_CHECK(got.origins.allowed == plain.origins.allowed);
    BOOST_CHECK(got.origins.allow_missing == plain.origins.allow_missing);
    BOOST_CHECK_EQUAL(got.origins.allow_credentials, plain.origins.allow_credentials);
    BOOST_CHECK_EQUAL(got.origins.dev, plain.origins.dev);
    BOOST_CHECK(got.origins.allow_headers == plain.origins.allow_headers);
    BOOST_CHECK(got.log.level == plain.log.level);
    BOOST_CHECK(got.log.format == plain.log.format);
    BOOST_CHECK_EQUAL(got.log.access, plain.log.access);
    const auto& upstream = got.session.resume_upstream;
    const auto& plain_upstream = plain.session.resume_upstream;
    BOOST_CHECK(upstream.hold == plain_upstream.hold);
    BOOST_CHECK(upstream.on_return == plain_upstream.on_return);
    BOOST_CHECK(upstream.rebuild == plain_upstream.rebuild);
    BOOST_CHECK_EQUAL(upstream.max_bytes, plain_upstream.max_bytes);
    BOOST_CHECK_EQUAL(upstream.max_messages, plain_upstream.max_messages);
    BOOST_CHECK(upstream.max_age == plain_upstream.max_age);
    BOOST_CHECK_EQUAL(upstream.sid_alias, plain_upstream.sid_alias);
    BOOST_CHECK(got.net.upstream.hold == plain.net.upstream.hold);
    BOOST_CHECK_EQUAL(got.net.upstream.connects_per_second, plain.net.upstream.connects_per_second);
    BOOST_CHECK(got.net.upstream.transport == plain.net.upstream.transport);
    const auto& client = got.session.resume_client;
    const auto& plain_client = plain.session.resume_client;
    BOOST_CHECK(client.recovery == plain_client.recovery);
    BOOST_CHECK_EQUAL(client.envelope, plain_client.envelope);
    BOOST_CHECK(client.hold == plain_client.hold);
    BOOST_CHECK(client.left_hold == plain_client.left_hold);
    BOOST_CHECK_EQUAL(client.max_bytes, plain_client.max_bytes);
    BOOST_CHECK_EQUAL(client.max_messages, plain_client.max_messages);
    BOOST_CHECK_EQUAL(client.names.type, plain_client.names.type);
    BOOST_CHECK_EQUAL(client.names.ack, plain_client.names.ack);
    BOOST_CHECK_EQUAL(client.names.reconnect, plain_client.names.reconnect);
    BOOST_CHECK_EQUAL(client.names.established, plain_client.names.established);
    BOOST_CHECK_EQUAL(client.names.message_id, plain_client.names.message_id);
    BOOST_CHECK_EQUAL(client.names.session, plain_client.names.session);
    BOOST_CHECK_EQUAL(client.names.last_message_id, plain_client.names.last_message_id);
}

// A default, a bound or a word of the table that cannot be read would only show when somebody uses the key.
BOOST_AUTO_TEST_CASE(every_line_of_the_table_can_be_read) {
    for (const Key& key : keys()) {
        const std::string path(key.path);
        const Schema* parent = &schema();
        std::string_view rest = key.path;
        for (auto dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
            std::string_view name = rest.substr(0, dot);
            if (name.ends_with("[]")) name.remove_suffix(2);
            parent = parent->find(name);
            BOOST_REQUIRE_MESSAGE(parent && parent->key, path + " has no section in the table");
            if (parent->key->is(traits::later)) {
                BOOST_CHECK_MESSAGE(key.is(traits::later), path + " is there before its section");
            }
            rest.remove_prefix(dot + 1);
        }
        BOOST_CHECK_MESSAGE(!key.description.empty() && key.description.ends_with('.'),
                            path + " has no description");
        BOOST_CHECK_MESSAGE(!key.is(traits::required) || key.initial.empty(),
                            path + " is required and has a default");
        BOOST_CHECK_MESSAGE(key.type != Type::choice || !key.bounds.empty(), path + " has no words");
        const bool ranged = key.type == Type::duration || key.type == Type::size ||
                            key.type == Type::integer || key.type == Type::rate || key.type == Type::percent;
        const bool fixed = key.now == "off";
        BOOST_CHECK_MESSAGE(!ranged || fixed || key.bounds.find("..") != std::string_view::npos,
                            path + " has no bounds");
    }
}

BOOST_AUTO_TEST_SUITE_END()
