#include "proxy/net/guard.h"

#include <algorithm>
#include <chrono>

#include "proxy/net/client_limits.h"
#include "proxy/net/lockout.h"
#include "proxy/net/upstream.h"

namespace forestay::net {
namespace {

using auth::OriginVerdict;
using std::string_view;
using wire::http::iequals;
using wire::http::RequestHead;

constexpr std::size_t cookie_bytes_max = 8 << 10;
constexpr std::size_t cookie_pairs_max = 64;
constexpr string_view engineio_methods = "GET, POST, OPTIONS";
constexpr string_view page_methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

Reply origin_refusal(unsigned status, OriginVerdict verdict) {
    Reply reply;
    reply.status = status;
    reply.body = R"({"code":4,"message":"Forbidden"})";
    reply.reason = auth::name(verdict);
    reply.fields.emplace_back("Vary", "Origin");
    return reply;
}

auth::OriginRequest origin_request(const RequestHead& head, const ClientFacts& client) {
    auth::OriginRequest request;
    for (const auto& field : head.fields) {
        if (iequals(field.name, "origin")) request.origin.push_back(field.value);
        if (iequals(field.name, "cookie")) request.ambient_credential = true;
    }
    // Browsers show theirs for whatever page asks.
    if (client.certificate != nullptr && client.certificate->verified) request.ambient_credential = true;
    request.scheme = client.scheme;
    request.host = client.host;
    request.safe_read = head.method == "GET" && !head.upgrade_websocket;
    return request;
}

// Empty when the origin may. Then `canonical` and the CORS fields of the answer are set.
std::optional<Reply> check_origin(const Shared& shared, Stats& stats, const RequestHead& head,
                                  const ClientFacts& client, Guarded& out) {
    const auth::OriginRequest request = origin_request(head, client);
    const OriginVerdict verdict = shared.origins->check(request);
    if (verdict != OriginVerdict::allowed) {
        ++stats.origin_refusals[static_cast<std::size_t>(verdict)];
        const bool list =
            request.origin.size() > 1 ||
            (request.origin.size() == 1 && request.origin[0].find_first_of(" ,") != string_view::npos);
        return origin_refusal(list ? 400 : 403, verdict);
    }
    if (request.origin.empty()) {
        out.cors.emplace_back("Vary", "Origin");
        return {};
    }
    if (auto canonical = auth::canonical_origin(request.origin[0]))
        out.request.origin = std::move(*canonical);
    out.cors = shared.origins->answer_headers(request.origin[0]);
    return {};
}

Reply credential_refusal(auth::errc error) {
    // A browser's page learns that it must log in, an attacker nothing more.
    Reply reply = error_reply(error == auth::errc::ambiguous ? 400 : 401, "unauthorized");
    if (reply.status == 401) {
        reply.fields.emplace_back("WWW-Authenticate", error == auth::errc::no_credential
                                                          ? "Bearer"
                                                          : "Bearer error=\"invalid_token\"");
    }
    reply.reason = auth::name(error);
    return reply;
}

auth::Presented presented(const RequestHead& head, const auth::Sources& from,
                          const std::vector<string_view>& protocols) {
    auth::Presented credentials;
    for (const auto& field : head.fields) {
        if (iequals(field.name, "cookie")) credentials.cookie = field.value;
        const auto is_source = [&](const std::string& name) { return iequals(name, field.name); };
        if (std::any_of(from.header.begin(), from.header.end(), is_source)) {
            credentials.authorization.push_back(field.value);
        }
    }
    credentials.query = head.query;
    credentials.protocols = protocols;
    return credentials;
}

// Empty when it is to be judged, or refused, with CONNECT.
std::optional<Reply> refuse(Loop& loop, Route route, auth::errc error, const std::string& given,
                            GuardedRequest& request) {
    const auth::Authenticator& authenticator = *loop.shared().authenticator;
    if (route == Route::engineio && error == auth::errc::no_credential && authenticator.accepts_connect()) {
        request.credential_in_connect = true;
        return {};
    }
    ++loop.stats().auth_refusals[static_cast<std::size_t>(error)];
    note_refusal(loop.shared(), loop.stats(), request.client_address, given, error);
    // Nobody has judged it: whoever comes again may be let in, and so a client must not stop trying.
    if (error == auth::errc::no_keys) return error_reply(503, auth::name(error));
    // Stock clients retry for ever after a refused handshake, and stop after a refused CONNECT.
    if (route == Route::engineio && authenticator.options().refuse_with == auth::RefuseWith::connect_error &&
        error != auth::errc::ambiguous) {
        request.refused_code = auth::name(error);
        return {};
    }
    return credential_refusal(error);
}

// Empty when the credential is good, not needed, or to be judged (or refused) with CONNECT.
std::optional<Reply> check_credential(Loop& loop, const RequestHead& head, Route route,
                                      const ClientFacts& client, const std::vector<string_view>& protocols,
                                      Guarded& out) {
    GuardedRequest& request = out.request;
    const Shared& shared = loop.shared();
    Stats& stats = loop.stats();
    const auth::Authenticator& authenticator = *shared.authenticator;
    const auth::AuthOptions& options = authenticator.options();
    auth::Presented credentials = presented(head, options.from, protocols);
    credentials.certificate = client.certificate;
    if (credentials.cookie.size() > cookie_bytes_max ||
        std::count(credentials.cookie.begin(), credentials.cookie.end(), ';') >=
            std::ptrdiff_t{cookie_pairs_max}) {
        stats.hit(LimitHit::max_header);
        return error_reply(431, "cookies_too_large");
    }
    std::string given = shared.options.failed_rate.bounded() ? authenticator.given(credentials) : "";
    if (const auto wait = locked_out(shared, stats, request.client_address, given)) {
        return retry_later(429, auth::name(auth::errc::locked_out), *wait);
    }
    const std::string address = ClientTable::counted_as(request.client_address);
    const auth::Remembering remembering{loop.verdicts(), address};
    auto identity = authenticator.check(credentials, unix_now(), &remembering);
    stats.auth_cache = loop.verdicts().counts();
    if (identity.has_value()) {
        request.identity = std::move(*identity);
        return {};
    }
    const auto error = static_cast<auth::errc>(identity.error().value());
    if (loop.forward_auth() != nullptr && error != auth::errc::ambiguous) {
        // The server may read the one, and the app the other.
        const auto is_authorization = [](const auto& field) { return iequals(field.name, "authorization"); };
        if (std::count_if(head.fields.begin(), head.fields.end(), is_authorization) > 1)
            return refuse(loop, route, auth::errc::ambiguous, given, request);
        auto question =
            std::make_shared<const ForwardQuestion>(forward_question(head, route, client, options));
        out.pending = ForwardPending{std::move(question), error, std::move(given)};
        return {};
    }
    return refuse(loop, route, error, given, request);
}

bool is_preflight(const RequestHead& head) {
    return head.method == "OPTIONS" && head.find("origin") != nullptr &&
           head.find("access-control-request-method") != nullptr;
}

Reply preflight(const Shared& shared, const RequestHead& head, string_view methods) {
    Reply reply;
    reply.status = 204;
    if (is_preflight(head)) {
        reply.fields = shared.origins->preflight_headers(head.find("origin")->value, methods);
    } else {
        reply.fields.emplace_back("Allow", methods);
    }
    return reply;
}

// A page behind a credential. Browsers never send one with a preflight, so none is asked for; the answer is
// ours, because the app must hear nothing of a client that has shown none. Empty: it is no preflight.
std::optional<Reply> check_page_preflight(const Shared& shared, Stats& stats, const RequestHead& head,
                                          const ClientFacts& client, Guarded& out) {
    if (is_preflight(head)) {
        if (auto refusal = check_origin(shared, stats, head, client, out)) return refusal;
        out.cors.clear();  // it has its own
        return preflight(shared, head, page_methods);
    }
    // CORS is the app's business on its pages. Our refusals say it too, or a script could not read that its
    // user must log in.
    const auth::OriginRequest request = origin_request(head, client);
    if (!request.origin.empty() && shared.origins->check(request) == OriginVerdict::allowed)
        out.cors = shared.origins->answer_headers(request.origin[0]);
    return {};
}

// The method and query of an Engine.IO request, as the reference server judges them.
std::optional<Reply> check_engineio(const Shared& shared, const RequestHead& head, GuardedRequest& request) {
    if (head.method != "GET" && head.method != "POST") {
        Reply reply = error_reply(400, "engineio_method");
        reply.body = R"({"code":2,"message":"Bad handshake method"})";
        return reply;
    }
    const auto jsonp = shared.options.jsonp ? wire::engineio::Jsonp::allowed : wire::engineio::Jsonp::refused;
    auto query = wire::engineio::parse_query(head.query, jsonp);
    if (query.has_value()) {
        request.query = std::move(*query);
        return {};
    }
    const auto body = wire::engineio::error_body_for(static_cast<wire::errc>(query.error().value()));
    Reply reply = error_reply(body.status, "engineio_query");
    reply.body = body.body;
    return reply;
}

// A session or a plain websocket begins.
bool begins(const RequestHead& head, Route route, const GuardedRequest& request) {
    return route == Route::websocket ||
           (route == Route::engineio && request.query.sid.empty() && head.method == "GET");
}

// Is there room for one more from this address? Before any credential is looked at, which costs more.
std::optional<Reply> check_limits(const Shared& shared, Stats& stats, const RequestHead& head, Route route,
                                  GuardedRequest& request) {
    if (!begins(head, route, request)) return {};
    if (auto refusal = refuse_for_memory(shared, stats)) return refusal;
    Entered entered = enter_address(shared, stats, request.client_address);
    request.places.address = std::move(entered.place);
    return refusal_of(entered);
}

// The same of an identity that the handshake has brought. One that comes with CONNECT enters then.
std::optional<Reply> check_identity_limits(const Shared& shared, Stats& stats, const RequestHead& head,
                                           Route route, GuardedRequest& request) {
    if (!request.identity || !begins(head, route, request)) return {};
    Entered entered = enter_identity(shared, stats, request.identity->subject);
    request.places.identity = std::move(entered.place);
    return refusal_of(entered);
}

Reply client_config(const Shared& shared, const RequestHead& head) {
    if (is_preflight(head)) return preflight(shared, head, engineio_methods);
    Reply reply;
    if (head.method == "GET" || head.method == "HEAD") {
        reply.body = shared.options.client_config;
    } else {
        reply = error_reply(405, "client_config_method");
        reply.fields = {{"Allow", "GET, HEAD, OPTIONS"}};
    }
    reply.fields.emplace_back("Cache-Control", "no-store");
    return reply;
}

// Of the headers that say who the client is.
std::vector<std::string> names_of(const auth::AuthOptions& options) {
    std::vector<std::string> names;
    for (const auto& [name, value] : options.identity_headers) names.push_back(name);
    if (options.forward) {
        const auto& copied = options.forward->copy_headers;
        names.insert(names.end(), copied.begin(), copied.end());
    }
    return names;
}

bool is_marker(const auth::AuthOptions& options, string_view protocol) {
    const auto& markers = options.from.protocol;
    return std::find(markers.begin(), markers.end(), protocol) != markers.end();
}

// A credential in one entry: base64url.bearer.authorization.<token>.
bool is_whole_credential(const auth::AuthOptions& options, string_view protocol) {
    const auto& markers = options.from.protocol;
    return std::any_of(markers.begin(), markers.end(), [&](const std::string& marker) {
        return protocol.starts_with("base64url." + marker + ".authorization.");
    });
}

// What the app is told: the request's own fields without claims about the client, and ours.
void fill_upstream_request(const Shared& shared, const RequestHead& head, const ClientFacts& client,
                           const std::vector<string_view>& protocols, GuardedRequest& request) {
    const auth::AuthOptions& options = shared.authenticator->options();
    wire::http::Forwarded forwarded{client.forwarded_for, client.scheme, client.host, {}, names_of(options)};
    forwarded.by_trusted_proxy = client.by_trusted_proxy;
    if (request.identity) forwarded.identity = shared.authenticator->identity_headers(*request.identity);
    const UpstreamOptions& upstream = shared.options.upstream;
    request.upstream_fields =
        wire::http::forwarded_fields(head, forwarded, host_of(upstream.urls.front()), upstream.preserve_host);
    // The entry behind a marker is the credential itself: it stays here.
    for (std::size_t i = 0; i < protocols.size(); ++i) {
        const bool credential =
            (i > 0 && is_marker(options, protocols[i - 1])) || is_whole_credential(options, protocols[i]);
        if (!credential) request.protocols.emplace_back(protocols[i]);
    }
}

}  // namespace

string_view credential_marker(const auth::AuthOptions& options, const std::vector<string_view>& protocols) {
    const auto found = std::find_if(protocols.begin(), protocols.end(),
                                    [&](string_view protocol) { return is_marker(options, protocol); });
    return found == protocols.end() ? string_view{} : *found;
}

Guarded guard(Loop& loop, const RequestHead& head, Route route, const ClientFacts& client,
              const std::vector<string_view>& protocols) {
    const Shared& shared = loop.shared();
    Stats& stats = loop.stats();
    Guarded out;
    GuardedRequest& request = out.request;
    request.method = head.method;
    request.target = head.target;
    request.client_address = client.address;
    if (route == Route::engineio || route == Route::websocket || route == Route::client_config) {
        if ((out.refusal = check_origin(shared, stats, head, client, out))) return out;
    }
    if (route == Route::client_config) {
        out.refusal = client_config(shared, head);
        if (out.refusal->status == 204) out.cors.clear();  // a preflight's answer has its own
        return out;
    }
    if (route == Route::engineio) {
        if (head.method == "OPTIONS") {
            out.refusal = preflight(shared, head, engineio_methods);
            out.cors.clear();  // it has its own
            return out;
        }
        if ((out.refusal = check_engineio(shared, head, request))) return out;
    }
    if (route == Route::engineio || route == Route::websocket) {
        if ((out.refusal = check_limits(shared, stats, head, route, request))) return out;
    }
    const auto& paths = shared.options.socketio_paths;
    if (shared.authenticator->protects(guarded_path(head.path, paths))) {
        if (route == Route::http && (out.refusal = check_page_preflight(shared, stats, head, client, out)))
            return out;
        if ((out.refusal = check_credential(loop, head, route, client, protocols, out))) return out;
        if ((out.refusal = check_identity_limits(shared, stats, head, route, request))) return out;
    }

    if (!out.pending) fill_upstream_request(shared, head, client, protocols, request);
    return out;
}

void guard_further(Loop& loop, const RequestHead& head, Route route, const ClientFacts& client,
                   const std::vector<string_view>& protocols, const ForwardAnswer& answer, Guarded& guarded) {
    const ForwardPending pending = std::move(*guarded.pending);
    guarded.pending.reset();
    GuardedRequest& request = guarded.request;
    using What = ForwardAnswer::What;
    if (answer.what == What::failed) {
        constexpr std::string_view reason = "forward_auth_failed";
        guarded.refusal = answer.status == 503 ? retry_later(503, reason, std::chrono::seconds(2))
                                               : error_reply(answer.status, reason);
        return;
    }
    const bool page = route == Route::http && !head.upgrade_websocket;
    if (answer.what == What::redirected && page && loop.forward_auth()->options().interactive) {
        ++loop.stats().auth_refusals[static_cast<std::size_t>(answer.refusal)];
        guarded.refusal = error_reply(answer.status, auth::name(answer.refusal));
        guarded.refusal->fields = answer.fields;
        return;
    }
    if (answer.what == What::allowed) {
        request.identity = answer.identity;
        request.asked = pending.question;
        guarded.cookies = answer.fields;
        guarded.refusal = check_identity_limits(loop.shared(), loop.stats(), head, route, request);
        if (guarded.refusal) return;
    } else {
        // What a client can mend by itself tells more than the server's no; without any credential, one may
        // still come with CONNECT.
        const bool may_come = route == Route::engineio && loop.shared().authenticator->accepts_connect();
        const bool own_reason =
            pending.local == auth::errc::expired || (pending.local == auth::errc::no_credential && may_come);
        note_refusal(loop.shared(), loop.stats(), request.client_address, pending.given, pending.local);
        guarded.refusal =
            refuse(loop, route, own_reason ? pending.local : answer.refusal, std::string(), request);
        if (guarded.refusal && answer.what == What::denied) {
            guarded.refusal->status = answer.status;
            guarded.refusal->fields = answer.fields;
        }
        if (guarded.refusal) return;
    }
    fill_upstream_request(loop.shared(), head, client, protocols, request);
}

}  // namespace forestay::net
