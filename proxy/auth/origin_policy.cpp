#include <re2/re2.h>

#include <algorithm>
#include <set>

#include "proxy/auth/origin.h"
#include "proxy/auth/origin_pattern.h"

namespace forestay::auth {
namespace {

constexpr std::int64_t regex_max_mem_bytes = 1 << 20;

// Nobody allows these on purpose: an expression that matches one of them has forgotten to bound the host.
constexpr const char* foreign_origins[] = {"https://evil.example", "http://evil.example:8080",
                                           "https://x.y.evil.example"};

std::unique_ptr<RE2> compile(const std::string& expression, std::vector<std::string>& problems) {
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(regex_max_mem_bytes);
    auto regex = std::make_unique<RE2>(expression, options);
    if (!regex->ok()) {
        problems.push_back("origin regex " + expression + ": " + regex->error());
        return nullptr;
    }
    for (const auto* foreign : foreign_origins) {
        if (!RE2::FullMatch(foreign, *regex)) continue;
        problems.push_back("origin regex " + expression + " matches " + foreign +
                           ": name the host, or allow \"*\"");
        return nullptr;
    }
    return regex;
}

std::string join(const std::vector<std::string>& items) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
    return out;
}

}  // namespace

struct OriginPolicy::Impl {
    bool same_origin = false;
    bool any = false;
    bool null = false;
    std::set<std::string, std::less<>> exact;
    std::vector<OriginPattern> patterns;
    std::vector<std::unique_ptr<RE2>> regexes;
    MissingOrigin allow_missing = MissingOrigin::automatic;
    bool allow_credentials = true;
    std::string allow_headers;

    void add(const std::string& text, std::vector<std::string>& problems) {
        if (text == "same-origin")
            same_origin = true;
        else if (text == "*")
            any = true;
        else if (text == "null")
            null = true;
        else if (auto pattern = OriginPattern::parse(text))
            patterns.push_back(std::move(*pattern));
        else if (auto origin = canonical_origin(page_scheme(text)))
            exact.insert(std::move(*origin));
        else
            problems.push_back("\"" + text +
                               "\" is no origin (scheme://host[:port], no path), nor a pattern of them");
    }

    bool missing_is_fine(const OriginRequest& request) const {
        switch (allow_missing) {
            case MissingOrigin::automatic:
                return request.safe_read || !request.ambient_credential;
            case MissingOrigin::always:
                return true;
            case MissingOrigin::never:
                return false;
        }
        return false;
    }

    bool matches(const std::string& origin, const OriginRequest& request) const {
        if (any || exact.contains(origin)) return true;
        if (same_origin &&
            origin == canonical_origin(std::string(request.scheme) + "://" + std::string(request.host))) {
            return true;
        }
        return std::any_of(patterns.begin(), patterns.end(),
                           [&](const auto& p) { return p.matches(origin); }) ||
               std::any_of(regexes.begin(), regexes.end(),
                           [&](const auto& r) { return RE2::FullMatch(origin, *r); });
    }
};

OriginPolicy::OriginPolicy(const OriginOptions& options, std::vector<std::string>& problems) {
    auto impl = std::make_unique<Impl>();
    for (const auto& text : options.allowed) impl->add(text, problems);
    for (const auto& expression : options.allowed_regex) {
        if (auto regex = compile(expression, problems)) impl->regexes.push_back(std::move(regex));
    }
    if (options.dev) {
        for (const std::string scheme : {"http://", "https://"}) {
            for (const auto* host : {"localhost", "127.0.0.1", "[::1]"}) {
                impl->patterns.push_back(OriginPattern::any_port(scheme + host));
            }
        }
    }
    impl->allow_missing = options.allow_missing;
    impl->allow_credentials = options.allow_credentials;
    impl->allow_headers = join(options.allow_headers);
    impl_ = std::move(impl);
}

OriginPolicy::~OriginPolicy() = default;
OriginPolicy::OriginPolicy(OriginPolicy&&) noexcept = default;

OriginVerdict OriginPolicy::check(const OriginRequest& request) const {
    if (request.origin.empty())
        return impl_->missing_is_fine(request) ? OriginVerdict::allowed : OriginVerdict::missing;
    if (request.origin.size() > 1) return OriginVerdict::malformed;
    const auto text = request.origin.front();
    if (text == "null") return impl_->null ? OriginVerdict::allowed : OriginVerdict::null;
    const auto origin = canonical_origin(text);
    if (!origin) return OriginVerdict::malformed;
    return impl_->matches(*origin, request) ? OriginVerdict::allowed : OriginVerdict::mismatch;
}

// The origin is said back as it came: browsers compare it byte by byte. It has passed the parser, so that it
// holds nothing but an origin; where it has not, there is nothing to say.
std::vector<std::pair<std::string, std::string>> OriginPolicy::answer_headers(std::string_view origin) const {
    std::vector<std::pair<std::string, std::string>> headers;
    if (canonical_origin(origin) || (origin == "null" && impl_->null)) {
        headers.emplace_back("Access-Control-Allow-Origin", origin);
        if (impl_->allow_credentials) headers.emplace_back("Access-Control-Allow-Credentials", "true");
    }
    headers.emplace_back("Vary", "Origin");
    return headers;
}

std::vector<std::pair<std::string, std::string>> OriginPolicy::preflight_headers(
    std::string_view origin, std::string_view methods) const {
    auto headers = answer_headers(origin);
    headers.back().second = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
    headers.emplace_back("Access-Control-Allow-Methods", methods);
    if (!impl_->allow_headers.empty())
        headers.emplace_back("Access-Control-Allow-Headers", impl_->allow_headers);
    headers.emplace_back("Access-Control-Max-Age", "7200");
    return headers;
}

}  // namespace forestay::auth
