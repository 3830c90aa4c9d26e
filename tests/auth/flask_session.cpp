#include "proxy/auth/flask_session.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <boost/test/unit_test.hpp>

#include "proxy/auth/credentials.h"
#include "tests/auth/make_credential.h"

using namespace forestay::auth;

namespace {

constexpr std::int64_t t0 = 1'767'225'600;

// "base64:..." is how the vectors write a key that is no text.
std::string key_of(std::string_view text) {
    if (!text.starts_with("base64:")) return std::string(text);
    text.remove_prefix(7);
    std::string bytes(text.size(), '\0');
    const int size =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    const auto padding = text.size() - std::min(text.find('='), text.size());
    bytes.resize(static_cast<std::size_t>(size) - padding);
    return bytes;
}

template <class T>
T get_or(simdjson::dom::element row, const char* name, T fallback) {
    T value{};
    return row[name].get(value) == simdjson::SUCCESS ? value : fallback;
}

FlaskSessionOptions options_of(simdjson::dom::element row) {
    FlaskSessionOptions options;
    for (const auto key : row["secret_keys_newest_first"].get_array())
        options.secret_keys.push_back(key_of(key));
    options.max_age = std::chrono::seconds(get_or<std::int64_t>(row, "max_age_s", 2'678'400));
    options.clock_skew = std::chrono::seconds(get_or<std::int64_t>(row, "clock_skew_s", 5));
    options.salt = get_or<std::string_view>(row, "salt", "cookie-session");
    if (get_or<std::string_view>(row, "digest", "sha1") == "sha256") options.digest = Digest::sha256;
    return options;
}

// The cookie of a row, found in its Cookie header where it has one.
std::string cookie_of(simdjson::dom::element row) {
    const auto header = get_or<std::string_view>(row, "cookie_header", "");
    if (header.empty()) return std::string(row["cookie"].get_string().value());
    return std::string(find_cookies(header, {"session"}).value().at(0));
}

std::string outcome(const result<SignedSession>& session) {
    if (session) return "valid";
    const auto refusal = static_cast<errc>(session.error().value());
    return refusal == errc::malformed ? "bad_payload" : std::string(name(refusal));
}

SignedCookieVerifier verifier(std::vector<std::string> keys) {
    FlaskSessionOptions options;
    options.secret_keys = std::move(keys);
    return flask_session_verifier(options);
}

std::string zlib(const std::string& text) {
    auto size = compressBound(text.size());
    std::string out(size, '\0');
    compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
             text.size());
    out.resize(size);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(flask_session)

BOOST_AUTO_TEST_CASE(judges_all_59_vectors_as_flask_does_or_more_strictly) {
    simdjson::dom::parser parser;
    const simdjson::dom::element document = parser.load("tests/vectors/flask_session_vectors.json");
    std::size_t rows = 0;
    for (const auto row : document["vectors"].get_array()) {
        ++rows;
        BOOST_TEST_CONTEXT(row["name"].get_string().value()) {
            const auto session =
                flask_session_verifier(options_of(row)).verify(cookie_of(row), row["now"].get_int64());
            BOOST_TEST(outcome(session) == row["forestay_result"].get_string().value());
            if (!session) continue;
            BOOST_TEST(session->json == row["payload_json"].get_string().value());
            BOOST_TEST(session->signed_at == row["signed_at"].get_int64().value());
        }
    }
    BOOST_TEST(rows == 59U);
}

BOOST_AUTO_TEST_CASE(signature_comes_before_everything_else) {
    // Expired, not inflatable and no JSON: but what counts is that nobody with a key wrote it.
    const auto cookie = sign_flask("key", ".AAAA", 1);
    BOOST_TEST(outcome(verifier({"other"}).verify(cookie, t0)) == "bad_signature");
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie, t0)) == "expired");
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie, 2)) == "bad_payload");
}

BOOST_AUTO_TEST_CASE(keys_rotate) {
    const auto by_old = flask_cookie("old", R"({"_user_id":"1"})", t0);
    const auto by_new = flask_cookie("new", R"({"_user_id":"1"})", t0);
    BOOST_TEST(outcome(verifier({"new", "old"}).verify(by_old, t0)) == "valid");
    BOOST_TEST(outcome(verifier({"new", "old"}).verify(by_new, t0)) == "valid");
    BOOST_TEST(outcome(verifier({"new"}).verify(by_old, t0)) == "bad_signature");
}

BOOST_AUTO_TEST_CASE(is_valid_up_to_the_second_it_says) {
    const auto cookie = flask_cookie("key", "{}", t0);
    const auto last = verifier({"key"}).verify(cookie, t0).value().last_valid;
    BOOST_TEST(last == t0 + 2'678'400);
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie, last)) == "valid");
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie, last + 1)) == "expired");
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie, t0 - 5)) == "valid");
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie, t0 - 6)) == "expired");
}

BOOST_AUTO_TEST_CASE(inflates_up_to_64_kib_and_no_further) {
    const auto json_of_size = [](std::size_t size) {
        return R"({"a":")" + std::string(size - 8, 'x') + "\"}";
    };
    const auto cookie_of_size = [&](std::size_t size) {
        return sign_flask("key", '.' + encode_base64url(zlib(json_of_size(size))), t0);
    };
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie_of_size(64 << 10), t0)) == "valid");
    BOOST_TEST(outcome(verifier({"key"}).verify(cookie_of_size((64 << 10) + 1), t0)) == "bad_payload");
    const auto cut = zlib(json_of_size(1000));
    BOOST_TEST(outcome(verifier({"key"}).verify(
                   sign_flask("key", '.' + encode_base64url(cut.substr(0, cut.size() - 5)), t0), t0)) ==
               "bad_payload");
    BOOST_TEST(outcome(verifier({"key"}).verify(sign_flask("key", '.' + encode_base64url(cut + "junk"), t0),
                                                t0)) == "bad_payload");
}

BOOST_AUTO_TEST_CASE(payload_is_one_shallow_object_in_utf8) {
    const auto deep = [](std::size_t depth) {
        return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + '}';
    };
    for (const auto& json : {deep(40), std::string("[1]"), std::string("null"), std::string("{} {}"),
                             std::string("{\"a\":\"\xFF\"}"), std::string(R"({"a":1,"a":2})"),
                             std::string("\xEF\xBB\xBF{}"), std::string()}) {
        BOOST_TEST_CONTEXT(json) {
            BOOST_TEST(outcome(verifier({"key"}).verify(flask_cookie("key", json, t0), t0)) == "bad_payload");
        }
    }
    BOOST_TEST(outcome(verifier({"key"}).verify(flask_cookie("key", deep(20), t0), t0)) == "valid");
}

BOOST_AUTO_TEST_CASE(a_timestamp_of_eight_bytes_is_no_time) {
    BOOST_TEST(outcome(verifier({"key"}).verify(flask_cookie("key", "{}", 0x0100'0000'0000'0000), t0)) ==
               "bad_payload");
    BOOST_TEST(outcome(verifier({"key"}).verify(flask_cookie("key", "{}", 0x00FF'FFFF'FFFF'FFFF), t0)) ==
               "expired");
}

BOOST_AUTO_TEST_SUITE_END()
