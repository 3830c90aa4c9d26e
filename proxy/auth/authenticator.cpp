#include "proxy/auth/authenticator.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "proxy/auth/credentials.h"
#include "proxy/auth/flask_session.h"
#include "proxy/auth/jwt.h"
#include "proxy/auth/plain_text.h"
#include "proxy/auth/protected_path.h"
#include "proxy/auth/starlette_session.h"
#include "proxy/auth/static_token.h"
#include "proxy/auth/verdict_cache.h"

namespace forestay::auth {
namespace {

constexpr std::size_t max_header_value_bytes = 1024;

result<Identity> identify(std::string json, const JsonObject& object, const std::string& pointer, Tags tags,
                          const char* method, std::int64_t last_valid) {
    auto subject = text_at(object, pointer, tags);
    if (!subject || !is_plain(*subject, max_subject_bytes)) return errc::bad_identity;
    return Identity{std::move(*subject), method, last_valid, std::move(json)};
}

struct SessionMethod {
    SignedCookieVerifier verifier;
    std::string pointer;
    Tags tags;
    const char* name;
    static constexpr bool in_cookie = true, in_explicit = false;

    result<Identity> check(std::string_view credential, std::int64_t now_unix) const {
        auto session = verifier.verify(credential, now_unix);
        if (!session) return session.error();
        return identify(std::move(session->json), session->object, pointer, tags, name, session->last_valid);
    }
};

struct JwtMethod {
    JwtVerifier verifier;
    std::string pointer;
    static constexpr bool in_cookie = true, in_explicit = true;

    result<Identity> check(std::string_view credential, std::int64_t now_unix) const {
        auto token = verifier.verify(credential, now_unix);
        if (!token) return token.error();
        return identify(std::move(token->json), token->object, pointer, Tags::none, "jwt", token->last_valid);
    }
};

struct TokenMethod {
    StaticTokens tokens;
    static constexpr bool in_cookie = false, in_explicit = true;

    result<Identity> check(std::string_view credential, std::int64_t now_unix) const {
        const auto token = tokens.check(credential, now_unix);
        if (!token) return token.error();
        return Identity{(*token)->name, "token", (*token)->last_valid, "{}"};
    }
};

struct CertificateMethod {
    ClientCertificateOptions options;
    static constexpr bool in_cookie = false, in_explicit = false;

    result<Identity> check(std::string_view, std::int64_t) const { return errc::malformed; }
    result<Identity> check(const Certificate& certificate, std::int64_t now_unix) const {
        using Name = ClientCertificateOptions::Name;
        const auto& names = options.identity == Name::san_uri   ? certificate.uris
                            : options.identity == Name::san_dns ? certificate.dns_names
                                                                : certificate.emails;
        const std::string subject = options.identity == Name::common_name ? certificate.common_name
                                    : names.empty()                       ? std::string()
                                                                          : names.front();
        if (!is_plain(subject, max_subject_bytes)) return errc::bad_identity;
        // A connection may outlive what was good when it began.
        const auto last_valid =
            std::chrono::duration_cast<std::chrono::seconds>(certificate.not_after.time_since_epoch())
                .count();
        if (now_unix > last_valid) return errc::expired;
        return Identity{subject, "client_certificate", last_valid, "{}"};
    }
};

using Verifier = std::variant<SessionMethod, JwtMethod, TokenMethod, CertificateMethod>;

void check_pointer(const std::string& pointer, const char* method, std::vector<std::string>& problems) {
    if (!pointer.starts_with('/')) {
        problems.push_back(std::string(method) + ": identity must be a JSON Pointer such as /sub, not \"" +
                           pointer + '"');
    }
}

void check_keys(const std::vector<std::string>& keys, const char* method,
                std::vector<std::string>& problems) {
    const bool empty_key = std::any_of(keys.begin(), keys.end(), [](const auto& key) { return key.empty(); });
    if (keys.empty() || empty_key)
        problems.push_back(std::string(method) + ": needs a secret key, and none of them empty");
}

Verifier make(const FlaskSessionOptions& options, std::vector<std::string>& problems) {
    constexpr const char* method = "flask_session";
    check_pointer(options.identity, method, problems);
    check_keys(options.secret_keys, method, problems);
    return SessionMethod{flask_session_verifier(options), options.identity, Tags::flask, method};
}

Verifier make(const StarletteSessionOptions& options, std::vector<std::string>& problems) {
    constexpr const char* method = "starlette_session";
    check_pointer(options.identity, method, problems);
    check_keys(options.secret_keys, method, problems);
    return SessionMethod{starlette_session_verifier(options), options.identity, Tags::none, method};
}

Verifier make(const JwtOptions& options, std::vector<std::string>& problems) {
    check_pointer(options.identity, "jwt", problems);
    return JwtMethod{JwtVerifier(options, problems), options.identity};
}

Verifier make(const TokenOptions& options, std::vector<std::string>& problems) {
    if (!is_plain(options.subject, max_subject_bytes)) {
        problems.push_back("token: subject must be 1 to 256 bytes without control characters");
    }
    return TokenMethod{StaticTokens(options, problems)};
}

Verifier make(const ClientCertificateOptions& options, std::vector<std::string>&) {
    return CertificateMethod{options};
}

void wipe_secrets(Method& method) {
    const auto wipe_all = [](std::vector<std::string>& keys) {
        for (auto& key : keys) wipe(key);
        keys.clear();
    };
    if (auto* flask = std::get_if<FlaskSessionOptions>(&method)) {
        wipe_all(flask->secret_keys);
    } else if (auto* starlette = std::get_if<StarletteSessionOptions>(&method)) {
        wipe_all(starlette->secret_keys);
    } else if (auto* jwt = std::get_if<JwtOptions>(&method)) {
        wipe(jwt->secret);
        wipe(jwt->jwks);  // it may hold "oct" keys
    }
}

// How much a refusal tells: what was verified and then refused tells more than what could not be verified,
// and a method that the credential was not meant for tells least.
int rank(errc e) {
    switch (e) {
        case errc::no_credential:
            return 0;
        case errc::malformed:
            return 1;
        case errc::unknown_token:
            return 2;
        case errc::bad_algorithm:
            return 3;
        case errc::unknown_key:
            return 4;
        case errc::bad_signature:
            return 5;
        case errc::bad_claims:
            return 6;
        case errc::bad_identity:
            return 7;
        case errc::not_yet_valid:
            return 8;
        case errc::expired:
            return 9;
        case errc::ambiguous:
            return 10;
        case errc::no_keys:  // it may be good
            return 11;
        case errc::locked_out:  // said by others
        case errc::denied:
            return 12;
    }
    return 0;
}

errc more_telling(errc a, errc b) {
    return rank(b) > rank(a) ? b : a;
}

enum class Place : bool { cookie, on_purpose };

bool judges(const Verifier& verifier, Place place) {
    return std::visit([&](const auto& m) { return place == Place::cookie ? m.in_cookie : m.in_explicit; },
                      verifier);
}

// Dearer than looking it up.
bool is_dear(const Verifier& verifier) {
    const auto* jwt = std::get_if<JwtMethod>(&verifier);
    return jwt != nullptr && jwt->verifier.has_public_key();
}

// Of the framework whose sessions are judged: the app must read the same one.
Duplicates read_by_framework(const std::vector<Method>& methods) {
    const auto any = [&](const auto& is) { return std::any_of(methods.begin(), methods.end(), is); };
    const bool flask =
        any([](const Method& one) { return std::holds_alternative<FlaskSessionOptions>(one); });
    const bool starlette =
        any([](const Method& one) { return std::holds_alternative<StarletteSessionOptions>(one); });
    return starlette && !flask ? Duplicates::last : Duplicates::first;
}

}  // namespace

struct Authenticator::Impl {
    AuthOptions options;
    Duplicates duplicates = Duplicates::first;
    std::vector<Verifier> verifiers;                   // of any_of, by index
    mutable std::atomic<std::uint64_t> generation{0};  // of keys

    bool any_judges(Place place) const {
        return std::any_of(verifiers.begin(), verifiers.end(),
                           [&](const auto& v) { return judges(v, place); });
    }

    // The first method that yields an identity, or the most telling refusal.
    result<Identity> judge(std::string_view credential, Place place, std::int64_t now_unix,
                           const Remembering* remembering) const {
        auto refusal = errc::malformed;
        for (std::size_t i = 0; i < verifiers.size(); ++i) {
            if (!judges(verifiers[i], place)) continue;
            auto identity = ask(i, credential, now_unix, remembering);
            if (identity) return identity;
            refusal = more_telling(refusal, static_cast<errc>(identity.error().value()));
        }
        return refusal;
    }

    // Credentials are decoded strictly, so that one has one spelling: its text stands for its bytes.
    result<Identity> ask(std::size_t method, std::string_view credential, std::int64_t now_unix,
                         const Remembering* remembering) const {
        const auto check = [&] {
            return std::visit([&](const auto& m) { return m.check(credential, now_unix); },
                              verifiers[method]);
        };
        if (remembering == nullptr || !is_dear(verifiers[method]) || credential.size() > max_credential_bytes)
            return check();
        VerdictCache& verdicts = remembering->verdicts;
        verdicts.keys_are(generation);
        const auto key = verdicts.key_of("jwt " + std::to_string(method), credential);
        if (const Verdict* known = verdicts.find(key, now_unix)) return known->identity;
        auto identity = check();
        if (identity)
            verdicts.store(key, remembering->client, {*identity}, now_unix, VerdictCache::longest_s);
        return identity;
    }

    // Browsers send cookies unasked, so one that proves nothing is no second credential beside another.
    result<Identity> judge_cookies(const std::vector<std::string_view>& values, std::int64_t now_unix,
                                   const Remembering* remembering) const {
        result<Identity> proven = errc::no_credential;
        for (const auto value : values) {
            auto identity = judge(value, Place::cookie, now_unix, remembering);
            if (identity && proven) return errc::ambiguous;
            if (identity) {
                proven = std::move(identity);
            } else if (!proven) {
                proven = more_telling(static_cast<errc>(proven.error().value()),
                                      static_cast<errc>(identity.error().value()));
            }
        }
        return proven;
    }

    result<Identity> judge_certificate(const Certificate* certificate, std::int64_t now_unix) const {
        result<Identity> proven = errc::no_credential;
        if (certificate == nullptr || !certificate->verified) return proven;
        for (const Verifier& verifier : verifiers) {
            const auto* method = std::get_if<CertificateMethod>(&verifier);
            if (method != nullptr && !proven) proven = method->check(*certificate, now_unix);
        }
        return proven;
    }
};

Authenticator::Authenticator(AuthOptions options, std::vector<std::string>& problems) {
    auto impl = std::make_unique<Impl>();
    impl->duplicates = read_by_framework(options.any_of);
    for (auto& method : options.any_of) {
        std::vector<std::string> found;
        auto verifier = std::visit([&](const auto& o) { return make(o, found); }, method);
        if (found.empty()) impl->verifiers.push_back(std::move(verifier));
        problems.insert(problems.end(), found.begin(), found.end());
        wipe_secrets(method);
    }
    if (!options.protect.empty() && options.any_of.empty() && !options.forward) {
        problems.push_back("auth: protect without any_of: nobody could get in");
    }
    for (const auto& prefix : options.protect) {
        if (!prefix.starts_with('/'))
            problems.push_back("auth: protect: \"" + prefix + "\" must start with /");
    }
    impl->options = std::move(options);
    impl_ = std::move(impl);
}

Authenticator::~Authenticator() = default;
Authenticator::Authenticator(Authenticator&&) noexcept = default;

bool Authenticator::protects(std::string_view path) const {
    return is_protected(path, impl_->options.protect);
}

bool Authenticator::accepts_connect() const {
    return !impl_->options.from.connect.empty() && impl_->any_judges(Place::on_purpose);
}

result<Identity> Authenticator::check(const Presented& presented, std::int64_t now_unix,
                                      const Remembering* remembering) const {
    const auto& from = impl_->options.from;
    result<std::string> given = errc::no_credential;
    if (impl_->any_judges(Place::on_purpose)) given = find_explicit_credential(presented, from);
    if (!given && given.error() != errc::no_credential) return given.error();

    result<std::vector<std::string_view>> cookies = std::vector<std::string_view>{};
    if (impl_->any_judges(Place::cookie))
        cookies = find_cookies(presented.cookie, from.cookie, impl_->duplicates);
    if (!cookies) return cookies.error();
    if (given) std::erase(*cookies, std::string_view(*given));  // the same credential in two places is one
    auto by_cookie = impl_->judge_cookies(*cookies, now_unix, remembering);

    if (given) {
        if (by_cookie || by_cookie.error() == errc::ambiguous) return errc::ambiguous;
        return impl_->judge(*given, Place::on_purpose, now_unix, remembering);
    }
    if (!by_cookie && by_cookie.error() != errc::ambiguous) {
        auto by_certificate = impl_->judge_certificate(presented.certificate, now_unix);
        if (by_certificate || by_cookie.error() == errc::no_credential) by_cookie = std::move(by_certificate);
    }
    // A cookie that proves nothing must not shut out who will prove it with CONNECT.
    const bool may_come = accepts_connect() && presented.connect_payload.empty();
    if (!by_cookie && may_come && by_cookie.error() != errc::ambiguous) return errc::no_credential;
    return by_cookie;
}

result<Identity> Authenticator::check_credential(std::string_view credential, std::int64_t now_unix) const {
    if (credential.size() > max_credential_bytes) return errc::malformed;
    return impl_->judge(credential, Place::on_purpose, now_unix, nullptr);
}

std::string Authenticator::given(const Presented& presented) const {
    if (!impl_->any_judges(Place::on_purpose)) return {};
    auto found = find_explicit_credential(presented, impl_->options.from);
    return found ? std::move(*found) : std::string();
}

std::shared_ptr<const KeySet> Authenticator::read_keys(std::size_t method, std::string_view jwks,
                                                       std::string& problem) const {
    return std::get<JwtMethod>(impl_->verifiers.at(method)).verifier.read_keys(jwks, problem);
}

// The keys first: who remembers under the new generation has verified by them, or by older ones just before.
void Authenticator::replace_keys(std::size_t method, std::shared_ptr<const KeySet> keys) const {
    std::get<JwtMethod>(impl_->verifiers.at(method)).verifier.replace_keys(std::move(keys));
    ++impl_->generation;
}

const AuthOptions& Authenticator::options() const {
    return impl_->options;
}

std::vector<std::pair<std::string, std::string>> Authenticator::identity_headers(
    const Identity& identity) const {
    auto headers = identity.fields;
    const auto& wanted = impl_->options.identity_headers;
    const auto claims = wanted.empty() ? std::nullopt : JsonObject::parse(identity.claims);
    if (!claims) return headers;
    const auto tags = identity.method == "flask_session" ? Tags::flask : Tags::none;
    for (const auto& [header, claim] : wanted) {
        // Only a JWT has a claim "sub"; of the others it is who they are.
        const bool is_subject = claim == "sub" && identity.method != "jwt";
        auto value = is_subject ? std::optional(identity.subject)
                                : text_at(*claims, claim.starts_with('/') ? claim : '/' + claim, tags);
        if (value && is_plain(*value, max_header_value_bytes))
            headers.emplace_back(header, std::move(*value));
    }
    return headers;
}

}  // namespace forestay::auth
