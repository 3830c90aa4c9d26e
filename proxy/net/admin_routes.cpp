#include "proxy/net/admin_routes.h"

#include <boost/asio/ip/address.hpp>
#include <utility>

#include "proxy/auth/digest.h"
#include "proxy/wire/http/head.h"

namespace forestay::net {
namespace {

using namespace std::chrono_literals;

constexpr auto render_interval = 250ms;

constexpr std::string_view index_page =
    "forestay\n"
    "\n"
    "/metrics    what it counts, for Prometheus\n"
    "/api/stats  the key numbers, as JSON\n"
    "/live       200 while the process turns\n"
    "/ready      200 while it can serve clients, else 503 and why\n";

std::string_view path_of(const AdminRequest& request) {
    return request.target.substr(0, request.target.find('?'));
}

std::string hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        out.push_back(digits[static_cast<unsigned char>(c) >> 4U]);
        out.push_back(digits[static_cast<unsigned char>(c) & 15U]);
    }
    return out;
}

// Without the port and without the brackets of an IPv6 literal.
std::string_view host_name(std::string_view host) {
    if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
    return host.substr(0, host.find(':'));
}

AdminAnswer error(unsigned status, std::string_view text) {
    return {status, std::string(text) + "\n"};
}

}  // namespace

bool admin_host_allowed(std::string_view host, std::string_view configured) {
    if (!wire::http::valid_host(host)) return false;
    const std::string_view name = host_name(host);
    if (wire::http::iequals(name, "localhost") ||
        (!configured.empty() && wire::http::iequals(name, configured))) {
        return true;
    }
    boost::system::error_code not_literal;
    boost::asio::ip::make_address(std::string(name), not_literal);
    return !not_literal;
}

bool bearer_token_matches(std::string_view authorization, std::string_view sha256_hex) {
    constexpr std::string_view scheme = "bearer ";
    if (!wire::http::iequals(authorization.substr(0, scheme.size()), scheme)) return false;
    const std::string_view token = authorization.substr(scheme.size());
    return auth::same_bytes(hex(auth::hash(auth::Digest::sha256, token)), sha256_hex);
}

void AdminRoutes::answer(const AdminRequest& request, std::string_view configured_host, bool host_matters,
                         TimePoint now, Done done) {
    std::optional<AdminAnswer> answer = answer_now(request, configured_host, host_matters);
    if (answer) return done(std::move(*answer));
    if (path_of(request) == "/api/stats")
        return render(&Pages::stats, options_.render_stats, "application/json", now, std::move(done));
    render(&Pages::metrics, options_.render_metrics, "text/plain; version=0.0.4; charset=utf-8", now,
           std::move(done));
}

std::optional<AdminAnswer> AdminRoutes::answer_now(const AdminRequest& request,
                                                   std::string_view configured_host, bool host_matters) {
    if (request.hosts.size() != 1) return error(400, "one Host header is needed");
    const std::string_view path = path_of(request);
    const bool health = path == "/live" || path == "/ready";  // for probes, which carry no token
    // Who knows the token is no web page of a stranger: the name by which it asks does not matter then.
    const bool has_token = !options_.token_sha256.empty() && request.authorizations.size() == 1 &&
                           bearer_token_matches(request.authorizations.front(), options_.token_sha256);
    if (host_matters && !has_token && !admin_host_allowed(request.hosts.front(), configured_host)) {
        return error(421, "unknown host name: ask by IP address, localhost or the configured name");
    }
    if (!options_.token_sha256.empty() && !has_token && !health)
        return error(401, "a bearer token is needed");
    const bool page =
        (path == "/metrics" && options_.render_metrics) || (path == "/api/stats" && options_.render_stats);
    const bool known = health || page || path == "/";
    if (!known) return error(404, "not found");
    if (request.method != "GET") return error(405, "only GET");
    if (path == "/live") return AdminAnswer{200, "ok\n"};
    if (path == "/ready") return ready();
    if (page) return std::nullopt;
    return AdminAnswer{200, std::string(index_page)};
}

AdminAnswer AdminRoutes::ready() const {
    const std::string_view reason = options_.not_ready ? options_.not_ready() : "";
    if (reason.empty()) return {200, "{\"ready\":true}\n", "application/json"};
    return {503, "{\"ready\":false,\"reason\":\"" + std::string(reason) + "\"}\n", "application/json"};
}

void AdminRoutes::render(Page Pages::*which, const std::function<void(Rendered)>& renderer,
                         std::string_view content_type, TimePoint now, Done done) {
    Page& page = (*pages_).*which;
    if (!page.text.empty() && now - page.rendered_at < render_interval)
        return done({200, page.text, content_type});
    page.waiting.push_back(std::move(done));
    if (page.waiting.size() > 1) return;  // under way
    renderer([weak = std::weak_ptr(pages_), which, now, content_type](std::string text) {
        const std::shared_ptr<Pages> pages = weak.lock();
        if (!pages) return;
        Page& rendered = (*pages).*which;
        rendered.text = std::move(text);
        rendered.rendered_at = now;
        for (const Done& waits : std::exchange(rendered.waiting, {}))
            waits({200, rendered.text, content_type});
    });
}

}  // namespace forestay::net
