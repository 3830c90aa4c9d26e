#include "config/tls_section.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>

#include "tests/config/given.h"
#include "tests/net/test_certificates.h"

using namespace forestay;
using namespace forestay::config;
using namespace forestay::config::test;

namespace {

using ClientCertificates = net::TlsServerOptions::ClientCertificates;

struct Fixture {
    std::string text(const std::string& file) const {
        std::ostringstream out;
        out << std::ifstream(file).rdbuf();
        return out.str();
    }
    // a.pem and a.key are good.
    Given given(const std::string& yaml) const {
        Given out = with(yaml);
        for (const auto& [name, pair] :
             {std::pair("a", a), std::pair("b", b), std::pair("old", old), std::pair("soon", soon)}) {
            out.files[std::string(name) + ".pem"] = text(pair.cert_file);
            out.files[std::string(name) + ".key"] = text(pair.key_file);
        }
        out.files["no.pem"] = "no certificate\n";
        return out;
    }

    net::testing::TestDirectory at;
    net::testing::TestPair a = at.make("a", {.names = "DNS:a.example"});
    net::testing::TestPair b = at.make("b", {.names = "DNS:b.example"});
    net::testing::TestPair old = at.make("old", {.names = "DNS:a.example", .days = -1});
    net::testing::TestPair soon = at.make("soon", {.names = "DNS:a.example", .days = 12});
};

const std::string pair_of_a = "cert_file: a.pem, key_file: a.key";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(tls_section, Fixture)

BOOST_AUTO_TEST_CASE(without_it_nothing_is_encrypted) {
    const Config config = given("").load().config;
    BOOST_TEST(!config.tls);
    BOOST_TEST(!config.net.listen.at(0).tls);
    BOOST_TEST(!config.upstream_tls.at(0));
}

BOOST_AUTO_TEST_CASE(a_certificate_is_for_every_tcp_listener) {
    Given with_tls = given("tls: {" + pair_of_a + ", min_version: \"1.3\"}");
    with_tls.settings = {{"--set", "listen", "['127.0.0.1:1', 'http://127.0.0.1:2', 'unix:/run/f.sock']"}};
    CHECK_LINES(with_tls.problems(), {});
    const Config config = with_tls.load().config;
    BOOST_REQUIRE(config.tls);
    BOOST_TEST(config.tls->certificates.at(0).cert_file.ends_with("a.pem"));
    BOOST_TEST(config.tls->certificates.at(0).key_file.ends_with("a.key"));
    BOOST_CHECK_EQUAL(config.tls->min_version, "1.3");
    BOOST_CHECK(config.tls->client_certificates == ClientCertificates::off);
    BOOST_TEST(config.net.listen.at(0).tls);
    BOOST_TEST(!config.net.listen.at(1).tls);
    BOOST_TEST(!config.net.listen.at(2).tls);
}

BOOST_AUTO_TEST_CASE(more_certificates_follow_the_first) {
    const Given two = given("tls: {" + pair_of_a + ", certificates: [{cert_file: b.pem, key_file: b.key}]}");
    CHECK_LINES(two.problems(), {});
    BOOST_CHECK_EQUAL(two.load().config.tls->certificates.size(), 2U);
}

BOOST_AUTO_TEST_CASE(clients_certificates_need_somebody_who_vouches) {
    const auto wanted = [&](const std::string& more) {
        return given("tls: {" + pair_of_a + more + "}").load().config.tls->client_certificates;
    };
    BOOST_CHECK(wanted(", client_ca_file: b.pem") == ClientCertificates::required);
    BOOST_CHECK(wanted(", client_ca_file: b.pem, client_certificates: optional") ==
                ClientCertificates::optional);
    BOOST_CHECK(wanted(", client_ca_file: b.pem, client_certificates: off") == ClientCertificates::off);
    CHECK_LINES(
        given("tls:\n  cert_file: a.pem\n  key_file: a.key\n  client_certificates: optional").problems(),
        {"6:24: tls.client_certificates without tls.client_ca_file: nobody vouches for one"});
}

BOOST_AUTO_TEST_CASE(what_cannot_be_used_is_told_where_it_stands) {
    const auto problem = [&](const std::string& cert, const std::string& key) {
        const auto all = given("tls:\n  cert_file: " + cert + "\n  key_file: " + key + "\n").problems();
        return all.empty() ? "" : all.front();
    };
    BOOST_CHECK_EQUAL(problem("a.pem", "b.key"), "5:13: \"b.key\" is not the key of the certificate");
    BOOST_CHECK_EQUAL(problem("no.pem", "a.key"),
                      "4:14: \"no.pem\" has no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
    BOOST_CHECK_EQUAL(problem("a.pem", "no.pem"),
                      "5:13: \"no.pem\" has no private key in PEM form (-----BEGIN PRIVATE KEY-----)");
    BOOST_TEST(problem("none", "a.key").starts_with("4:14: cannot read \"none\""));
    BOOST_CHECK_EQUAL(problem("old.pem", "old.key"), "4:14: the certificate in \"old.pem\" has expired");
    BOOST_CHECK_EQUAL(problem("soon.pem", "soon.key"),
                      "4:14: warning: the certificate in \"soon.pem\" expires in 11 days");
    Given open = given("tls: {" + pair_of_a + "}");
    open.others_can_read = true;
    BOOST_REQUIRE_EQUAL(open.problems().size(), 1U);
    BOOST_TEST(open.problems()[0].find("chmod o-r") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_app_may_speak_tls) {
    Given app = given("");
    app.settings = {{"--set", "upstream.url", "['https://app.internal', 'http://127.0.0.1:1']"},
                    {"--set", "upstream.tls.ca_file", "a.pem"}};
    app.files["a.pem"] = text(a.cert_file);
    CHECK_LINES(app.problems(), {});
    const Config config = app.load().config;
    BOOST_CHECK_EQUAL(config.net.upstream.urls.at(0).port, 443);
    BOOST_REQUIRE(config.upstream_tls.at(0));
    BOOST_CHECK_EQUAL(config.upstream_tls[0]->server_name, "app.internal");
    BOOST_CHECK_EQUAL(config.upstream_tls[0]->ca_file, "a.pem");
    BOOST_TEST(config.upstream_tls[0]->verify);
    BOOST_TEST(!config.upstream_tls.at(1));
    app.settings.push_back({"--set", "upstream.tls.server_name", "chat.example"});
    BOOST_CHECK_EQUAL(app.load().config.upstream_tls.at(0)->server_name, "chat.example");
    app.settings.push_back({"--set", "upstream.tls.verify", "false"});
    BOOST_CHECK_EQUAL(app.problems().size(), 1U);
    app.settings.push_back({"--set", "upstream.tls.cert_file", "a.pem"});
    BOOST_TEST(app.problems()[0].find("cert_file and key_file belong together") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_identity_needs_certificates) {
    const std::string auth = "auth: {protect: [/], any_of: [{client_certificate: {identity: san_dns}}]}\n";
    const Given good = given(auth + "tls: {" + pair_of_a + ", client_ca_file: b.pem}");
    CHECK_LINES(good.problems(), {});
    using Options = auth::ClientCertificateOptions;
    BOOST_CHECK(std::get<Options>(good.load().config.auth.any_of.at(0)).identity == Options::Name::san_dns);
    BOOST_CHECK_EQUAL(given(auth).problems().size(), 1U);
}

BOOST_AUTO_TEST_SUITE_END()
