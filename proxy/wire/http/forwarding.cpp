#include "proxy/wire/http/forwarding.h"

#include <algorithm>
#include <array>

namespace forestay::wire::http {
namespace {

using std::string_view;

// Lower case, and '_' as '-': the way WSGI servers confuse names.
char fold(char c) noexcept {
    if (c == '_') return '-';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool same_name(string_view a, string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return fold(x) == fold(y); });
}
bool has_prefix(string_view name, string_view prefix) noexcept {
    return name.size() >= prefix.size() && same_name(name.substr(0, prefix.size()), prefix);
}
template <std::size_t n>
bool any_of(const std::array<string_view, n>& names, string_view name) noexcept {
    return std::any_of(names.begin(), names.end(), [&](string_view one) { return same_name(one, name); });
}

constexpr std::array<string_view, 10> hop_by_hop{"connection",
                                                 "keep-alive",
                                                 "proxy-connection",
                                                 "te",
                                                 "trailer",
                                                 "transfer-encoding",
                                                 "upgrade",
                                                 "proxy-authenticate",
                                                 "proxy-authorization",
                                                 "http2-settings"};

// Framing and routing are ours; claims about the client are ours too, whatever a client says about itself.
// "Proxy" is the name that CGI turns into HTTP_PROXY.
constexpr std::array<string_view, 9> ours{"x-remote-user",  "x-rewrite-url", "host",
                                          "content-length", "expect",        "forwarded",
                                          "x-real-ip",      "remote-user",   "proxy"};
// Where a proxy has mounted the app. Flask's well-known ReverseProxied middleware and gunicorn take it off
// the path, and what is left may be a protected one.
constexpr std::array<string_view, 4> mounting{"x-script-name", "script-name", "path-info", "x-scheme"};
constexpr std::array<string_view, 5> our_prefixes{"x-forwarded-", "x-forestay-", "x-auth-request-",
                                                  "x-original-", "sec-websocket-"};

bool is_ours(string_view name, const Forwarded& forwarded) noexcept {
    return any_of(ours, name) || (!forwarded.by_trusted_proxy && any_of(mounting, name)) ||
           std::any_of(our_prefixes.begin(), our_prefixes.end(),
                       [&](string_view prefix) { return has_prefix(name, prefix); }) ||
           std::any_of(forwarded.strip.begin(), forwarded.strip.end(),
                       [&](const std::string& one) { return same_name(one, name); });
}

bool is_nominated(const RequestHead& head, string_view name) noexcept {
    return std::any_of(head.fields.begin(), head.fields.end(), [&](const Field& field) {
        return iequals(field.name, "connection") && list_has(field.value, name);
    });
}

}  // namespace

OwnedFields forwarded_fields(const RequestHead& head, const Forwarded& forwarded, string_view upstream_host,
                             bool preserve_host) {
    OwnedFields fields;
    fields.reserve(head.fields.size() + 4 + forwarded.identity.size());
    fields.emplace_back("Host", preserve_host && !head.host.empty() ? head.host : upstream_host);
    for (const Field& field : head.fields) {
        if (is_ours(field.name, forwarded) || any_of(hop_by_hop, field.name) ||
            is_nominated(head, field.name))
            continue;
        fields.emplace_back(field.name, field.value);
    }
    // Only now: a client cannot have ours removed by naming them in Connection.
    if (!forwarded.for_.empty()) fields.emplace_back("X-Forwarded-For", forwarded.for_);
    if (!forwarded.proto.empty()) fields.emplace_back("X-Forwarded-Proto", forwarded.proto);
    if (!forwarded.host.empty()) fields.emplace_back("X-Forwarded-Host", forwarded.host);
    fields.insert(fields.end(), forwarded.identity.begin(), forwarded.identity.end());
    return fields;
}

bool is_hop_by_hop(string_view name, string_view connection) noexcept {
    return any_of(hop_by_hop, name) || list_has(connection, name);
}

}  // namespace forestay::wire::http
