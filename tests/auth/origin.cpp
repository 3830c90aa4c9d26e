#include "proxy/auth/origin.h"

#include <boost/test/unit_test.hpp>

using namespace forestay::auth;

BOOST_AUTO_TEST_SUITE(origin)

BOOST_AUTO_TEST_CASE(one_spelling_for_each_origin) {
    const std::pair<const char*, const char*> table[] = {
        {"https://app.example", "https://app.example"},
        {"HTTPS://APP.EXAMPLE:443", "https://app.example"},
        {"http://app.example:80", "http://app.example"},
        {"http://app.example:443", "http://app.example:443"},
        {"https://app.example:80", "https://app.example:80"},
        {"https://app.example:8443", "https://app.example:8443"},
        {"http://localhost:3000", "http://localhost:3000"},
        {"http://my_app:8080", "http://my_app:8080"},
        {"http://xn--bcher-kva.example", "http://xn--bcher-kva.example"},
        {"http://127.0.0.1:5000", "http://127.0.0.1:5000"},
        {"http://[::1]:5000", "http://[::1]:5000"},
        {"http://[0:0:0:0:0:0:0:1]", "http://[::1]"},
        {"http://[2001:DB8::A]:80", "http://[2001:db8::a]"},
        {"chrome-extension://abcdefgh", "chrome-extension://abcdefgh"},
        {"https://app.example:65535", "https://app.example:65535"},
        {"https://1app.example", "https://1app.example"},
    };
    for (const auto& [text, expected] : table) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(canonical_origin(text).value_or("") == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_one_origin_is_malformed) {
    for (const auto* text : {"",
                             "null",
                             "app.example",
                             "https:app.example",
                             "https:/app.example",
                             "https://",
                             "://app.example",
                             "1http://app.example",
                             "ht tp://app.example",
                             "https://app.example/",
                             "https://app.example/path",
                             "https://app.example?q",
                             "https://app.example#f",
                             "https://app.example@evil.com",
                             "https://u:p@evil.com",
                             "https://app.example:99999",
                             "https://app.example:65536",
                             "https://app.example:0443",
                             "https://app.example:0",
                             "https://app.example:",
                             "https://app.example:-1",
                             "https://app.example:8o",
                             "https://app.example:443:443",
                             "https://app.example.",
                             "https://.app.example",
                             "https://app..example",
                             "https://-app.example",
                             "https://app-.example",
                             "https://b\xC3\xBC"
                             "cher.example",
                             "https://%61pp.example",
                             "https://app.example https://b.example",
                             "https://a.example, https://b.example",
                             " https://app.example",
                             "https://app.example ",
                             "https://app.example\t",
                             "https://*.example",
                             "https://app.example\\evil",
                             "http://1.2.3",
                             "http://1.2.3.4.5",
                             "http://1.2.3.256",
                             "http://01.2.3.4",
                             "http://app.123",
                             "http://0x7f.1",
                             "http://[::1",
                             "http://::1",
                             "http://[]",
                             "http://[::1]x",
                             "http://[::1%25eth0]",
                             "http://[:::1]",
                             "http://[127.0.0.1]",
                             "http://[::1]:",
                             "https://app.example\r\nX: y"}) {
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(!canonical_origin(text));
        }
    }
    BOOST_TEST(!canonical_origin(std::string_view("http://[::1\0]", 13)));
    BOOST_TEST(!canonical_origin(std::string_view("http://app.example\0", 19)));
    BOOST_TEST(!canonical_origin(std::string(33, 'a') + "://app.example"));
    BOOST_TEST(!canonical_origin("http://" + std::string(64, 'a') + ".example"));
    std::string long_host = "a";
    for (int i = 0; i < 126; ++i) long_host += ".a";  // 253 bytes
    BOOST_TEST(canonical_origin("http://" + long_host).has_value());
    BOOST_TEST(!canonical_origin("http://" + long_host + 'b'));
}

BOOST_AUTO_TEST_SUITE_END()
