// Two ends of TLS over a pair of sockets, with certificates made here.
#include "proxy/net/tls_context.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "proxy/net/unique_fd.h"
#include "tests/net/test_certificates.h"

using namespace forestay;
using namespace forestay::net;
using namespace forestay::net::testing;

namespace {

struct Ends {
    TlsHandle server;
    TlsHandle client;
    UniqueFd server_fd;
    UniqueFd client_fd;
    TlsResult server_result = TlsResult::ok;
    TlsResult client_result = TlsResult::ok;

    Ends(TlsHandle s, TlsHandle c) : server(std::move(s)), client(std::move(c)) {
        BOOST_REQUIRE(server);
        BOOST_REQUIRE(client);
        int fds[2];
        BOOST_REQUIRE_EQUAL(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        server_fd = UniqueFd(fds[0]);
        client_fd = UniqueFd(fds[1]);
        SSL_set_fd(server.get(), fds[0]);
        SSL_set_fd(client.get(), fds[1]);
    }

    // One step; false when there is nothing more to wait for.
    static bool step(ssl_st* ssl, TlsResult& result) {
        if (result != TlsResult::ok) return false;
        // Reading too: in TLS 1.3 the client learns by it what became of its certificate, and gets tickets.
        char byte = 0;
        const int rc = SSL_is_init_finished(ssl) ? SSL_read(ssl, &byte, 1) : SSL_do_handshake(ssl);
        if (rc > 0) return true;
        const int kind = SSL_get_error(ssl, rc);
        if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return true;
        result = handshake_error(ssl, rc).result;
        return false;
    }
    Ends& shake() {
        for (int i = 0; i < 8; ++i) {
            if (!step(client.get(), client_result)) break;
            if (!step(server.get(), server_result)) break;
        }
        if (server_result != TlsResult::ok) {
            step(client.get(), client_result);
            step(client.get(), client_result);
        }
        if (client_result != TlsResult::ok) step(server.get(), server_result);
        return *this;
    }
    bool good() const {
        return server_result == TlsResult::ok && client_result == TlsResult::ok &&
               SSL_is_init_finished(server.get()) && SSL_is_init_finished(client.get());
    }
    std::string protocol() const {
        const unsigned char* name = nullptr;
        unsigned int size = 0;
        SSL_get0_alpn_selected(client.get(), &name, &size);
        return {reinterpret_cast<const char*>(name), size};
    }
};

struct Fixture {
    TlsServerOptions server_options(std::initializer_list<TestPair> pairs) const {
        TlsServerOptions options;
        for (const TestPair& pair : pairs) options.certificates.push_back({pair.cert_file, pair.key_file});
        return options;
    }
    TlsClientOptions client_options(const std::string& name) const {
        TlsClientOptions options;
        options.ca_file = ca.cert_file;
        options.server_name = name;
        return options;
    }
    static std::shared_ptr<TlsServer> server(const TlsServerOptions& options) {
        std::vector<std::string> problems;
        auto made = TlsServer::load(options, problems);
        for (const std::string& problem : problems) BOOST_ERROR(problem);
        BOOST_REQUIRE(made);
        return made;
    }
    static std::shared_ptr<TlsClient> client(const TlsClientOptions& options) {
        std::vector<std::string> problems;
        auto made = TlsClient::load(options, problems);
        for (const std::string& problem : problems) BOOST_ERROR(problem);
        BOOST_REQUIRE(made);
        return made;
    }
    static std::string problem_of(const TlsServerOptions& options) {
        std::vector<std::string> problems;
        BOOST_TEST(!TlsServer::load(options, problems));
        return problems.empty() ? "" : problems.front();
    }
    // The first name of the certificate that who asks for `name` gets.
    std::string shown(const TlsServer& from, const std::string& name) {
        TlsClientOptions options = client_options(name);
        options.verify = false;
        Ends ends(from.new_connection(), client(options)->new_connection());
        BOOST_TEST(ends.shake().good());
        return peer_certificate(ends.client.get()).dns_names.at(0);
    }

    TestDirectory at;
    TestPair ca = at.make("ca", {.authority = true});
    TestPair other_ca = at.make("other-ca", {.authority = true});
    TestPair a = at.make("a", {.names = "DNS:a.example", .issuer = &ca});
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls_context, Fixture)

BOOST_AUTO_TEST_CASE(ends_agree_on_the_newest_version_and_http) {
    Ends ends(server(server_options({a}))->new_connection(),
              client(client_options("a.example"))->new_connection());
    BOOST_TEST(ends.shake().good());
    BOOST_CHECK_EQUAL(SSL_get_version(ends.client.get()), "TLSv1.3");
    BOOST_CHECK_EQUAL(ends.protocol(), "http/1.1");
    BOOST_TEST(peer_certificate(ends.client.get()).verified);
    BOOST_TEST(!peer_certificate(ends.server.get()).verified);
}

BOOST_AUTO_TEST_CASE(a_client_that_wants_another_protocol_is_refused) {
    Ends ends(server(server_options({a}))->new_connection(),
              client(client_options("a.example"))->new_connection());
    SSL_set_alpn_protos(ends.client.get(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
    BOOST_TEST(!ends.shake().good());
}

BOOST_AUTO_TEST_CASE(versions_before_1_2_are_refused) {
    Ends ends(server(server_options({a}))->new_connection(),
              client(client_options("a.example"))->new_connection());
    SSL_set_security_level(ends.client.get(), 0);
    SSL_set_min_proto_version(ends.client.get(), TLS1_VERSION);
    SSL_set_max_proto_version(ends.client.get(), TLS1_1_VERSION);
    SSL_set_cipher_list(ends.client.get(), "ALL:@SECLEVEL=0");
    BOOST_TEST(!ends.shake().good());
    BOOST_CHECK_EQUAL(tls_result_names.at(static_cast<std::size_t>(ends.server_result)),
                      "unsupported_version");
}

BOOST_AUTO_TEST_CASE(a_lowest_version_is_kept) {
    TlsServerOptions options = server_options({a});
    options.min_version = "1.3";
    Ends ends(server(options)->new_connection(), client(client_options("a.example"))->new_connection());
    SSL_set_max_proto_version(ends.client.get(), TLS1_2_VERSION);
    BOOST_TEST(!ends.shake().good());
    BOOST_CHECK(ends.server_result == TlsResult::unsupported_version);
}

BOOST_AUTO_TEST_CASE(ciphers_without_forward_secrecy_are_refused) {
    Ends ends(server(server_options({a}))->new_connection(),
              client(client_options("a.example"))->new_connection());
    SSL_set_max_proto_version(ends.client.get(), TLS1_2_VERSION);
    SSL_set_cipher_list(ends.client.get(), "AES128-GCM-SHA256:AES256-SHA");
    BOOST_TEST(!ends.shake().good());
    BOOST_CHECK(ends.server_result == TlsResult::no_shared_cipher);
}

BOOST_AUTO_TEST_CASE(plain_http_is_told_apart) {
    Ends ends(server(server_options({a}))->new_connection(),
              client(client_options("a.example"))->new_connection());
    const std::string_view head = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
    BOOST_CHECK_EQUAL(::send(ends.client_fd.get(), head.data(), head.size(), 0), ssize_t(head.size()));
    Ends::step(ends.server.get(), ends.server_result);
    BOOST_CHECK(ends.server_result == TlsResult::plain_http);
}

BOOST_AUTO_TEST_CASE(a_peer_that_leaves_is_told_apart) {
    Ends ends(server(server_options({a}))->new_connection(),
              client(client_options("a.example"))->new_connection());
    Ends::step(ends.client.get(), ends.client_result);
    ends.client_fd = UniqueFd();
    while (Ends::step(ends.server.get(), ends.server_result)) {
    }
    BOOST_CHECK(ends.server_result == TlsResult::closed);
}

BOOST_AUTO_TEST_CASE(names_choose_the_certificate) {
    const TestPair wild = at.make("wild", {.names = "DNS:*.b.example", .issuer = &ca});
    const TestPair exact = at.make("exact", {.names = "DNS:x.b.example,DNS:y.example", .issuer = &ca});
    const auto from = server(server_options({a, wild, exact}));
    BOOST_CHECK_EQUAL(shown(*from, "a.example"), "a.example");
    BOOST_CHECK_EQUAL(shown(*from, "w.b.example"), "*.b.example");
    BOOST_CHECK_EQUAL(shown(*from, "X.B.example"), "x.b.example");
    BOOST_CHECK_EQUAL(shown(*from, "y.example"), "x.b.example");
    BOOST_CHECK_EQUAL(shown(*from, "v.w.b.example"), "a.example");
    BOOST_CHECK_EQUAL(shown(*from, "b.example"), "a.example");
    BOOST_CHECK_EQUAL(shown(*from, "127.0.0.1"), "a.example");
    const std::vector<std::string> names{"a.example", "*.b.example", "x.b.example", "y.example"};
    BOOST_TEST(from->names() == names, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sessions_are_resumed_until_the_certificates_are_read_again) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto from = server(server_options({a}));
        const auto to = client(client_options("a.example"));
        const auto resumed = [&] {
            Ends ends(from->new_connection(), to->new_connection());
            SSL_set_max_proto_version(ends.client.get(), version);
            BOOST_TEST(ends.shake().good());
            BOOST_TEST(peer_certificate(ends.client.get()).verified);
            SSL_shutdown(ends.client.get());
            return SSL_session_reused(ends.server.get()) == 1;
        };
        BOOST_TEST(!resumed());
        BOOST_TEST(resumed());
        BOOST_TEST(from->reload().empty());
        BOOST_TEST(!resumed());
        BOOST_TEST(resumed());
    }
}

BOOST_AUTO_TEST_CASE(a_client_verifies_authority_name_and_time) {
    const auto from = server(server_options({a}));
    const auto result = [&](const TlsServer& server, const TlsClientOptions& options) {
        Ends ends(server.new_connection(), client(options)->new_connection());
        ends.shake();
        return tls_result_names.at(static_cast<std::size_t>(ends.client_result));
    };
    BOOST_CHECK_EQUAL(result(*from, client_options("a.example")), "ok");
    BOOST_CHECK_EQUAL(result(*from, client_options("b.example")), "name_mismatch");
    BOOST_CHECK_EQUAL(result(*from, client_options("127.0.0.1")), "name_mismatch");
    TlsClientOptions others = client_options("a.example");
    others.ca_file = other_ca.cert_file;
    BOOST_CHECK_EQUAL(result(*from, others), "certificate_unknown_ca");
    others.verify = false;
    BOOST_CHECK_EQUAL(result(*from, others), "ok");
    const TestPair old = at.make("old", {.names = "DNS:a.example", .issuer = &ca, .days = -1});
    BOOST_CHECK_EQUAL(result(*server(server_options({old})), client_options("a.example")), "expired");
    const TestPair address = at.make("address", {.names = "IP:127.0.0.1", .issuer = &ca});
    const auto at_address = server(server_options({address}));
    BOOST_CHECK_EQUAL(result(*at_address, client_options("127.0.0.1")), "ok");
    BOOST_CHECK_EQUAL(result(*at_address, client_options("127.0.0.2")), "name_mismatch");
}

BOOST_AUTO_TEST_CASE(client_certificates_are_judged) {
    const std::string names = "URI:spiffe://example/bot,DNS:bot.example,email:bot@example.org";
    const TestPair bot = at.make("bot", {.names = names, .issuer = &ca});
    const TestPair stranger = at.make("stranger", {.names = names, .issuer = &other_ca});
    const auto outcome = [&](TlsServerOptions::ClientCertificates wanted, const TestPair* shown) {
        TlsServerOptions options = server_options({a});
        options.client_ca_file = ca.cert_file;
        options.client_certificates = wanted;
        TlsClientOptions mine = client_options("a.example");
        if (shown != nullptr) mine.cert_file = shown->cert_file, mine.key_file = shown->key_file;
        Ends ends(server(options)->new_connection(), client(mine)->new_connection());
        ends.shake();
        const auth::Certificate seen = peer_certificate(ends.server.get());
        return std::string(tls_result_names.at(static_cast<std::size_t>(ends.server_result))) +
               (ends.good() && seen.verified ? ' ' + seen.uris.at(0) + ' ' + seen.dns_names.at(0) + ' ' +
                                                   seen.emails.at(0) + ' ' + seen.common_name
                                             : "");
    };
    using enum TlsServerOptions::ClientCertificates;
    const std::string known = "ok spiffe://example/bot bot.example bot@example.org bot";
    BOOST_CHECK_EQUAL(outcome(off, &bot), "ok");
    BOOST_CHECK_EQUAL(outcome(optional, nullptr), "ok");
    BOOST_CHECK_EQUAL(outcome(optional, &bot), known);
    BOOST_CHECK_EQUAL(outcome(optional, &stranger), "certificate_unknown_ca");
    BOOST_CHECK_EQUAL(outcome(required, nullptr), "client_certificate_missing");
    BOOST_CHECK_EQUAL(outcome(required, &bot), known);
    BOOST_CHECK_EQUAL(outcome(required, &stranger), "certificate_unknown_ca");
}

BOOST_AUTO_TEST_CASE(new_files_are_for_new_connections) {
    const auto from = server(server_options({a}));
    Ends before(from->new_connection(), client(client_options("a.example"))->new_connection());
    const TestPair next = at.make("next", {.names = "DNS:next.example", .issuer = &ca});
    std::filesystem::copy(next.cert_file, a.cert_file, std::filesystem::copy_options::overwrite_existing);
    BOOST_CHECK_EQUAL(from->reload().at(0), a.key_file + " is not the key of the certificate");
    BOOST_CHECK_EQUAL(shown(*from, "a.example"), "a.example");
    std::filesystem::copy(next.key_file, a.key_file, std::filesystem::copy_options::overwrite_existing);
    BOOST_TEST(from->reload().empty());
    BOOST_CHECK_EQUAL(shown(*from, "next.example"), "next.example");
    BOOST_TEST(before.shake().good());  // begun with the old one
}

BOOST_AUTO_TEST_CASE(an_expired_certificate_replaces_no_good_one) {
    const auto from = server(server_options({a}));
    const TestPair old = at.make("old", {.names = "DNS:a.example", .issuer = &ca, .days = -1});
    std::filesystem::copy(old.cert_file, a.cert_file, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy(old.key_file, a.key_file, std::filesystem::copy_options::overwrite_existing);
    BOOST_CHECK_EQUAL(from->reload().size(), 1U);
    BOOST_CHECK(from->earliest_expiry() > std::chrono::system_clock::now());
}

BOOST_AUTO_TEST_CASE(connections_outlive_their_contexts) {
    auto from = server(server_options({a}));
    auto to = client(client_options("a.example"));
    Ends ends(from->new_connection(), to->new_connection());
    from.reset();
    to.reset();
    BOOST_TEST(ends.shake().good());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_used_is_told_with_its_file) {
    TlsServerOptions options = server_options({a});
    options.certificates[0].key_file = at.path + "/nothing";
    BOOST_CHECK_EQUAL(problem_of(options), "cannot read " + at.path + "/nothing: No such file or directory");
    options.certificates[0].key_file = ca.key_file;
    BOOST_CHECK_EQUAL(problem_of(options), ca.key_file + " is not the key of the certificate");
    options.certificates[0].key_file = a.cert_file;
    BOOST_TEST(problem_of(options).starts_with(a.cert_file + " has no private key in PEM form"));
    options.certificates[0] = {a.key_file, a.key_file};
    BOOST_TEST(problem_of(options).starts_with(a.key_file + " has no certificate in PEM form"));
    options = server_options({a});
    options.client_certificates = TlsServerOptions::ClientCertificates::required;
    options.client_ca_file = a.key_file;
    BOOST_TEST(problem_of(options).starts_with(a.key_file + " has no certificate in PEM form"));
    BOOST_CHECK_EQUAL(problem_of({}), "tls without a certificate");
}

BOOST_AUTO_TEST_SUITE_END()
