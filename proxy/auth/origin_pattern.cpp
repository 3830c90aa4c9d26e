#include "proxy/auth/origin_pattern.h"

#include <algorithm>

#include "proxy/auth/origin.h"

namespace forestay::auth {

std::string page_scheme(std::string_view origin) {
    if (origin.starts_with("ws://")) return "http" + std::string(origin.substr(2));
    if (origin.starts_with("wss://")) return "https" + std::string(origin.substr(3));
    return std::string(origin);
}

OriginPattern OriginPattern::any_port(std::string scheme_and_host) {
    OriginPattern pattern;
    pattern.head_ = std::move(scheme_and_host);
    return pattern;
}

std::optional<OriginPattern> OriginPattern::parse(std::string_view text) {
    const auto page = page_scheme(text);
    const std::string_view all(page);
    if (all.ends_with(":*")) {
        const auto origin = canonical_origin(all.substr(0, all.size() - 2));
        if (!origin) return std::nullopt;
        const auto host = origin->substr(origin->find("://") + 3);
        if (host != "localhost" && host != "127.0.0.1" && host != "[::1]") return std::nullopt;
        return any_port(*origin);
    }
    const auto star = all.find("://*");
    if (star == all.npos) return std::nullopt;
    const auto scheme = all.substr(0, star + 3);
    auto rest = all.substr(star + 4);
    OriginPattern pattern;
    pattern.kind_ = rest.starts_with('*') ? Kind::labels : Kind::one_label;
    if (pattern.kind_ == Kind::labels) rest.remove_prefix(1);
    if (!rest.starts_with('.')) return std::nullopt;
    // What is left must be an origin of its own, and no address.
    const auto apex = canonical_origin(std::string(scheme) + std::string(rest.substr(1)));
    if (!apex || apex->find('[') != apex->npos) return std::nullopt;
    const auto host_at = apex->find("://") + 3;
    const auto host = apex->substr(host_at, apex->find(':', host_at) - host_at);
    if (host.find_first_not_of("0123456789.") == host.npos) return std::nullopt;
    pattern.head_ = apex->substr(0, host_at);
    pattern.tail_ = '.' + apex->substr(host_at);
    return pattern;
}

bool OriginPattern::matches(std::string_view origin) const {
    if (!origin.starts_with(head_)) return false;
    auto middle = origin.substr(head_.size());
    if (kind_ == Kind::any_port) return middle.empty() || middle.front() == ':';
    if (middle.size() <= tail_.size() || !middle.ends_with(tail_)) return false;
    middle.remove_suffix(tail_.size());
    return kind_ == Kind::labels || middle.find('.') == middle.npos;
}

}  // namespace forestay::auth
