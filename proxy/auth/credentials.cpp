#include "proxy/auth/credentials.h"

#include <algorithm>
#include <optional>

#include "proxy/auth/base64url.h"
#include "proxy/auth/json.h"
#include "proxy/wire/engineio/query.h"
#include "proxy/wire/http/head.h"

namespace forestay::auth {
namespace {

// What the places bring, one after the other; remembers the first credential and the first trouble.
class Finding {
  public:
    void add(std::string value) {
        if (value.size() > max_credential_bytes) return refuse(errc::malformed);
        if (found_ && *found_ != value) return refuse(errc::ambiguous);
        found_ = std::move(value);
    }
    // Ambiguity is the worse of two troubles: it is answered differently.
    void refuse(errc e) {
        if (trouble_ != errc::ambiguous) trouble_ = e;
    }
    result<std::string> take() && {
        if (trouble_ != errc::no_credential) return trouble_;
        if (!found_) return errc::no_credential;
        return std::move(*found_);
    }

  private:
    std::optional<std::string> found_;
    errc trouble_ = errc::no_credential;  // none
};

// token68 of RFC 9110 section 11.2.
bool is_token68(std::string_view text) {
    const auto body = text.substr(0, std::min(text.find('='), text.size()));
    const auto padding = text.substr(body.size());
    return !body.empty() && padding.find_first_not_of('=') == padding.npos &&
           std::all_of(body.begin(), body.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-._~+/").find(c) != std::string_view::npos;
           });
}

void look_in_headers(const Presented& presented, const Sources& from, Finding& finding) {
    const auto& values = presented.authorization;
    if (values.size() > from.header.size()) return finding.refuse(errc::ambiguous);  // one of them twice
    // A header like X-Api-Key brings the token alone; Authorization never does.
    const bool bare = std::any_of(from.header.begin(), from.header.end(), [](const auto& name) {
        return !wire::http::iequals(name, "authorization");
    });
    for (const auto value : values) {
        const auto scheme = value.substr(0, value.find(' '));
        if (wire::http::iequals(scheme, "bearer")) {
            auto token = value.substr(scheme.size());
            token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
            if (!is_token68(token)) return finding.refuse(errc::malformed);
            finding.add(std::string(token));
        } else if (bare && is_token68(value)) {
            finding.add(std::string(value));
        }
        // Any other scheme (Basic) is not for us; it goes on to the app.
    }
}

void look_in_query(const Presented& presented, const Sources& from, Finding& finding) {
    for (const auto& name : from.query) {
        bool duplicated = false;
        auto value = wire::engineio::find_query_value(presented.query, name, &duplicated);
        if (duplicated) return finding.refuse(errc::ambiguous);
        if (value && !value->empty()) finding.add(std::move(*value));
    }
}

// "bearer, <token>" as two subprotocols, or "base64url.bearer.authorization.<token in base64url>" as one:
// browsers allow no header but this one, and only some characters in it.
void look_in_protocols(const Presented& presented, const Sources& from, Finding& finding) {
    const auto& offered = presented.protocols;
    for (const auto& marker : from.protocol) {
        const auto prefix = "base64url." + marker + ".authorization.";
        for (std::size_t i = 0; i < offered.size(); ++i) {
            if (offered[i].starts_with(prefix)) {
                auto token = decode_base64url(offered[i].substr(prefix.size()));
                if (!token || token->empty()) return finding.refuse(errc::malformed);
                finding.add(std::move(*token));
            } else if (offered[i] == marker) {
                if (i + 1 == offered.size()) return finding.refuse(errc::malformed);
                finding.add(std::string(offered[++i]));
            }
        }
    }
}

void look_in_connect(const Presented& presented, const Sources& from, Finding& finding) {
    if (from.connect.empty() || presented.connect_payload.empty()) return;
    if (presented.connect_payload.size() > max_credential_bytes) return finding.refuse(errc::malformed);
    const auto payload = JsonObject::parse(presented.connect_payload);
    if (!payload) return finding.refuse(errc::malformed);
    for (const auto& name : from.connect) {
        const auto member = payload->find(name);
        if (!member || member->is_null()) continue;
        const auto value = as_string(*member);
        if (!value) return finding.refuse(errc::malformed);
        if (!value->empty()) finding.add(std::string(*value));
    }
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view unquote(std::string_view value) {
    const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
    return quoted ? value.substr(1, value.size() - 2) : value;
}

std::string_view find_cookie(std::string_view header, std::string_view wanted, Duplicates counts) {
    std::string_view found;
    while (!header.empty()) {
        const auto pair = header.substr(0, header.find(';'));
        header.remove_prefix(std::min(pair.size() + 1, header.size()));
        const auto equals = pair.find('=');
        if (equals == pair.npos || trim(pair.substr(0, equals)) != wanted) continue;
        found = unquote(trim(pair.substr(equals + 1)));
        if (counts == Duplicates::first) break;
    }
    return found;
}

}  // namespace

result<std::string> find_explicit_credential(const Presented& presented, const Sources& from) {
    Finding finding;
    look_in_headers(presented, from, finding);
    look_in_query(presented, from, finding);
    look_in_protocols(presented, from, finding);
    look_in_connect(presented, from, finding);
    return std::move(finding).take();
}

result<std::vector<std::string_view>> find_cookies(std::string_view cookie_header,
                                                   const std::vector<std::string>& names, Duplicates counts) {
    std::vector<std::string_view> values;
    if (names.empty() || cookie_header.empty()) return values;
    const auto pairs = std::count(cookie_header.begin(), cookie_header.end(), ';') + 1;
    if (cookie_header.size() > max_cookie_bytes || pairs > static_cast<std::ptrdiff_t>(max_cookie_pairs)) {
        return errc::malformed;
    }
    for (const auto& name : names) {
        const auto value = find_cookie(cookie_header, name, counts);
        if (value.empty() || std::find(values.begin(), values.end(), value) != values.end()) continue;
        values.push_back(value);
    }
    return values;
}

}  // namespace forestay::auth
