#include "config/auth_section.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "config/access.h"
#include "config/scalar_check.h"
#include "proxy/auth/authenticator.h"
#include "proxy/auth/origin.h"
#include "proxy/wire/http/forwarding.h"
#include "proxy/wire/http/url.h"
#include "proxy/wire/socketio/packet.h"

namespace forestay::config {
namespace {

std::chrono::seconds seconds(const Node& map, std::string_view key) {
    return std::chrono::ceil<std::chrono::seconds>(duration(map, key));
}

void warn_inline(const Node& secret, const std::string& path, const std::string& key, Problems& problems) {
    if (secret.expanded) return;
    problems.warning(secret.at, path + '.' + key + ": a secret in plain sight: put it into a file (" + key +
                                    "_file) or the environment (${NAME})");
}

// Both ways to give secrets at once leave open which one counts.
bool given_twice(const Node& map, const std::string& key, const std::string& path, Problems& problems) {
    const Node* file = map.find(key + "_file");
    if (!file || !map.find(key)) return false;
    problems.error(file->at, path + ": " + key + " and " + key + "_file are both set: keep one");
    return true;
}

template <class Options>  // FlaskSessionOptions, StarletteSessionOptions: the same keys
auth::Method read_session(const Node& map, const std::string& path, const ReadFile& read,
                          Problems& problems) {
    Options out;
    (void)given_twice(map, "secret_key", path, problems);
    for (const Node& key : items(map, "secret_key")) {
        warn_inline(key, path, "secret_key", problems);
        out.secret_keys.push_back(key.text);
    }
    for (const Node& file : items(map, "secret_key_file")) {
        out.secret_keys.push_back(read_secret(file, read, problems).value_or(""));
    }
    out.identity = text(map, "identity");
    out.max_age = seconds(map, "max_age");
    out.clock_skew = seconds(map, "clock_skew");
    return out;
}

// Where keys come from decides who gets in: nobody on the way may change them.
void read_jwks_url(const Node& map, const std::string& path, const ReadFile& read, auth::JwtOptions& out,
                   Problems& problems) {
    const Node* ca = map.find("jwks_ca_file");
    const Node* url = map.find("jwks_url");
    if (!url) {
        if (ca) problems.error(ca->at, path + ".jwks_ca_file without jwks_url");
        return;
    }
    std::string problem;
    const auto parsed = wire::http::parse_url(url->text, problem);
    if (!parsed) problems.error(url->at, path + ".jwks_url: " + problem);
    if (parsed && !parsed->tls && !is_loopback(*parsed)) {
        problems.error(url->at,
                       path + ".jwks_url: https:// is needed: on the way, anybody could put in a key");
    }
    if (!out.jwks_file.empty())
        problems.error(url->at, path + ": jwks_url and jwks_file are both set: keep one");
    out.jwks_url = url->text;
    out.jwks_max_stale = seconds(map, "jwks_max_stale");
    out.start_degraded = boolean(map, "start_degraded");
    if (!ca) return;
    out.jwks_ca_file = resolve(*ca);
    const auto file = read_named(*ca, read, problems);
    if (file && file->text.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
        problems.error(ca->at, path + ".jwks_ca_file: " + quote(ca->text) + " has no PEM certificate");
}

auth::Method read_jwt(const Node& map, const std::string& path, const ReadFile& read, Problems& problems) {
    auth::JwtOptions out;
    out.algorithms = texts(map, "algorithms");
    out.secret = read_secret_of(map, "secret", path, read, problems);
    if (const Node* file = map.find("jwks_file")) {
        if (auto keys = read_named(*file, read, problems)) out.jwks = std::move(keys->text);
        out.jwks_file = resolve(*file);
    }
    read_jwks_url(map, path, read, out, problems);
    if (const Node* file = map.find("public_key_file")) {
        if (auto key = read_named(*file, read, problems)) out.public_key = std::move(key->text);
    }
    out.issuer = text(map, "issuer");
    out.audience = texts(map, "audience");
    out.leeway = seconds(map, "leeway");
    if (map.find("max_token_age") != nullptr) out.max_token_age = seconds(map, "max_token_age");
    out.require_typ = text(map, "require_typ");
    if (const Node* claims = map.find("required_claims")) {
        for (const auto& [claim, at, wanted] : claims->entries)
            out.required_claims.emplace_back(claim, wanted.text);
    }
    out.identity = text(map, "identity");
    return out;
}

std::vector<std::string> read_hash_lines(std::string_view file) {
    std::vector<std::string> out;
    while (!file.empty()) {
        std::string_view line = file.substr(0, file.find('\n'));
        file.remove_prefix(std::min(line.size() + 1, file.size()));
        const auto begin = line.find_first_not_of(" \t\r");
        if (begin == std::string_view::npos || line[begin] == '#') continue;
        line = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
        out.emplace_back(line);
    }
    return out;
}

auth::Method read_token(const Node& map, const std::string& path, const ReadFile& read, Problems& problems) {
    auth::TokenOptions out;
    (void)given_twice(map, "sha256", path, problems);
    out.sha256 = texts(map, "sha256");
    if (const Node* file = map.find("sha256_file")) {
        out.sha256 = read_hash_lines(read_secret(*file, read, problems).value_or(""));
    }
    out.subject = text(map, "subject");
    return out;
}

// Nobody unknown listens there: an address of a private network, or a name within one ("authelia").
bool is_near(const wire::http::Url& url) {
    const std::string& host = url.host;
    const bool bare_name = host.find_first_of(".:") == std::string::npos;
    if (bare_name || wire::http::is_loopback(url)) return true;
    if (host.find(':') != std::string::npos) return host.starts_with("fc") || host.starts_with("fd");
    if (host.find_first_not_of("0123456789.") != std::string::npos) return false;
    const auto middle = std::atoi(host.c_str() + host.find('.') + 1);
    return host.starts_with("10.") || host.starts_with("192.168.") ||
           (host.starts_with("172.") && middle >= 16 && middle < 32);
}

std::optional<auth::ForwardOptions> read_forward(const Node& map, const std::string& path,
                                                 Problems& problems) {
    auth::ForwardOptions out;
    const Node* url = map.find("url");
    if (!url) return {};
    out.url = url->text;
    std::string problem;
    const auto parsed = wire::http::parse_url(out.url, problem);
    if (!parsed) {
        problems.error(url->at, path + ".url: " + problem);
        return {};
    }
    if (!parsed->tls && !is_near(*parsed)) {
        problems.warning(url->at, path + ".url: http to another network: cookies and tokens of all clients " +
                                      "can be read on the way: use https");
    }
    out.timeout = duration(map, "timeout");
    for (const Node& header : items(map, "copy_headers")) {
        constexpr std::array<std::string_view, 5> others{"host", "content-length", "set-cookie", "cookie",
                                                         "expect"};
        const bool other = std::any_of(others.begin(), others.end(), [&](std::string_view name) {
            return wire::http::iequals(name, header.text);
        });
        if (other || wire::http::is_hop_by_hop(header.text, {}))
            problems.error(header.at,
                           path + ".copy_headers: the app cannot get another " + quote(header.text));
        out.copy_headers.push_back(header.text);
    }
    out.identity = text(map, "identity");
    out.recheck = seconds(map, "recheck");
    out.interactive = boolean(map, "interactive");
    return out;
}

auth::Method read_client_certificate(const Node& map) {
    using Name = auth::ClientCertificateOptions::Name;
    const std::string word = text(map, "identity");
    return auth::ClientCertificateOptions{word == "san_dns"       ? Name::san_dns
                                          : word == "san_email"   ? Name::san_email
                                          : word == "common_name" ? Name::common_name
                                                                  : Name::san_uri};
}

// One element of any_of: a map with exactly one method in it. Nothing, when a problem of it has been told:
// what is missing then is not to be told once more by the guard.
std::optional<auth::Method> read_method(const Node& element, const std::string& path, const ReadFile& read,
                                        Problems& problems) {
    if (element.broken || element.entries.size() != 1) return std::nullopt;
    const auto& [name, at, map] = element.entries.front();
    const std::string where = path + '.' + name;
    const std::size_t errors = problems.errors();
    auto method = name == "flask_session"
                      ? read_session<auth::FlaskSessionOptions>(map, where, read, problems)
                  : name == "starlette_session"
                      ? read_session<auth::StarletteSessionOptions>(map, where, read, problems)
                  : name == "jwt"                ? read_jwt(map, where, read, problems)
                  : name == "client_certificate" ? read_client_certificate(map)
                                                 : read_token(map, where, read, problems);
    if (problems.errors() != errors) return std::nullopt;
    return method;
}

// The guard knows best what it cannot use; asked about one part at a time, it tells where that part stands.
template <class Guard, class Options>
bool accepted(const Options& options, const Place& at, const std::string& path, Problems& problems) {
    std::vector<std::string> found;
    const Guard guard(options, found);
    for (const std::string& line : found) problems.error(at, path + ": " + line);
    return found.empty();
}

}  // namespace

std::string read_secret_of(const Node& map, const std::string& key, const std::string& path,
                           const ReadFile& read, Problems& problems) {
    if (given_twice(map, key, path, problems)) return {};
    if (const Node* file = map.find(key + "_file")) return read_secret(*file, read, problems).value_or("");
    const Node* secret = map.find(key);
    if (!secret) return {};
    warn_inline(*secret, path, key, problems);
    return secret->text;
}

auth::AuthOptions read_auth(const Node& root, const ReadFile& read, Problems& problems) {
    auth::AuthOptions out;
    const Node* auth = root.find("auth");
    if (!auth) return out;
    out.protect = texts(*auth, "protect");
    const std::vector<Node>& methods = items(*auth, "any_of");
    for (std::size_t i = 0; i < methods.size(); ++i) {
        const std::string path = "auth.any_of[" + std::to_string(i) + ']';
        if (methods[i].entries.size() == 1 && methods[i].entries.front().key == "forward") {
            const auto& entry = methods[i].entries.front();
            if (out.forward) problems.error(entry.at, path + ".forward: one is there already: keep one");
            if (auto forward = read_forward(entry.value, path + ".forward", problems))
                out.forward = std::move(forward);
            continue;
        }
        auto method = read_method(methods[i], path, read, problems);
        if (!method) continue;
        auth::AuthOptions alone;
        alone.any_of.push_back(std::move(*method));
        if (!accepted<auth::Authenticator>(alone, methods[i].entries.front().at, path, problems)) continue;
        out.any_of.push_back(std::move(alone.any_of.front()));
    }
    if (!out.protect.empty() && methods.empty()) {
        problems.error(find_node(*auth, "protect")->at,
                       "auth.protect without auth.any_of: nobody could get in");
    }
    out.from.header = texts(*auth, "from.header");
    out.from.query = texts(*auth, "from.query");
    out.from.cookie = texts(*auth, "from.cookie");
    out.from.protocol = texts(*auth, "from.protocol");
    out.from.connect = texts(*auth, "from.connect");
    out.refuse_with =
        text(*auth, "refuse_with") == "http" ? auth::RefuseWith::http : auth::RefuseWith::connect_error;
    const std::string expiry = text(*auth, "on_expiry");
    out.on_expiry = expiry == "warn"     ? auth::OnExpiry::warn
                    : expiry == "ignore" ? auth::OnExpiry::ignore
                                         : auth::OnExpiry::close;
    if (const Node* headers = auth->find("identity_headers")) {
        for (const auto& [header, at, claim] : headers->entries) {
            const std::string problem = check_header(header);
            if (!problem.empty()) problems.error(at, "auth.identity_headers: " + problem);
            out.identity_headers.emplace_back(header, claim.text);
        }
    }
    return out;
}

session::Expiry read_expiry(const Node& root, const auth::AuthOptions& options, Problems& problems) {
    constexpr std::chrono::seconds warning{60};
    session::Expiry out;
    if (options.on_expiry == auth::OnExpiry::warn) out.warning = warning;
    const Node* refresh = find_node(root, "auth.refresh");
    if (!refresh) return out;
    out.refresh_event = text(*refresh, "event");
    out.refresh_field = text(*refresh, "field");
    if (wire::socketio::is_reserved(out.refresh_event)) {
        problems.error(refresh->at, "auth.refresh.event: no client may emit " + quote(out.refresh_event));
    }
    if (options.on_expiry == auth::OnExpiry::ignore) {
        problems.error(refresh->at,
                       "auth.refresh with auth.on_expiry: ignore: nothing ends that could be renewed");
    }
    const auto& methods = options.any_of;
    const bool explicit_method = std::any_of(methods.begin(), methods.end(), [](const auth::Method& method) {
        return std::holds_alternative<auth::JwtOptions>(method) ||
               std::holds_alternative<auth::TokenOptions>(method);
    });
    if ((!methods.empty() || options.forward) && !explicit_method) {
        problems.error(
            refresh->at,
            "auth.refresh without jwt or token in auth.any_of: a session cookie comes with requests only");
    }
    return out;
}

auth::OriginOptions read_origins(const Node& root, Problems& problems) {
    auth::OriginOptions out;
    const Node* cors = root.find("cors");
    if (!cors) return out;
    out.allowed.clear();
    const std::vector<Node>& origins = items(*cors, "allowed_origins");
    for (std::size_t i = 0; i < origins.size(); ++i) {
        auth::OriginOptions alone;
        alone.allowed.clear();
        const bool regex = origins[i].is_map();
        (regex ? alone.allowed_regex : alone.allowed)
            .push_back(regex ? text(origins[i], "regex") : origins[i].text);
        const std::string path = "cors.allowed_origins[" + std::to_string(i) + ']';
        if (!accepted<auth::OriginPolicy>(alone, origins[i].at, path, problems)) continue;
        (regex ? out.allowed_regex : out.allowed)
            .push_back(regex ? text(origins[i], "regex") : origins[i].text);
    }
    const std::string missing = text(*cors, "allow_missing_origin");
    out.allow_missing = missing == "always"  ? auth::MissingOrigin::always
                        : missing == "never" ? auth::MissingOrigin::never
                                             : auth::MissingOrigin::automatic;
    out.allow_credentials = boolean(*cors, "allow_credentials");
    out.dev = boolean(*cors, "dev");
    out.allow_headers = texts(*cors, "allowed_headers");
    return out;
}

}  // namespace forestay::config
