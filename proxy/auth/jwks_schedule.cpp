#include "proxy/auth/jwks_schedule.h"

#include <algorithm>
#include <charconv>

#include "proxy/wire/http/head.h"

namespace forestay::auth {
namespace {

JwksSchedule::TimePoint::duration part_of(JwksSchedule::Seconds whole, double part) {
    const std::chrono::duration<double> seconds = whole * std::clamp(part, 0.0, 1.0);
    return std::chrono::duration_cast<JwksSchedule::TimePoint::duration>(seconds);
}

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

JwksSchedule::Seconds jwks_lifetime(std::string_view cache_control) noexcept {
    constexpr std::string_view max_age = "max-age=";
    auto lifetime = JwksSchedule::usual;
    while (!cache_control.empty()) {
        const std::string_view element = cache_control.substr(0, cache_control.find(','));
        cache_control.remove_prefix(std::min(element.size() + 1, cache_control.size()));
        const std::string_view directive = trimmed(element);
        if (wire::http::iequals(directive, "no-store") || wire::http::iequals(directive, "no-cache"))
            return JwksSchedule::shortest;
        if (!wire::http::iequals(directive.substr(0, max_age.size()), max_age)) continue;
        const std::string_view digits = directive.substr(max_age.size());
        unsigned seconds = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
        if (error == std::errc::result_out_of_range)
            seconds = 1U << 31;  // RFC 9111 section 1.2.2
        else if (error != std::errc() || end != digits.data() + digits.size())
            continue;
        lifetime = std::clamp(JwksSchedule::Seconds(seconds), JwksSchedule::shortest, JwksSchedule::longest);
    }
    return lifetime;
}

void JwksSchedule::fetched(TimePoint now, std::string_view cache_control, double chance) {
    running_ = false;
    fetched_ = now;
    retry_ = first_retry;
    next_ = now + part_of(jwks_lifetime(cache_control), 0.75 + 0.1 * std::clamp(chance, 0.0, 1.0));
}

void JwksSchedule::failed(TimePoint now, double chance) {
    running_ = false;
    next_ = now + part_of(retry_, 0.5 + 0.5 * std::clamp(chance, 0.0, 1.0));
    retry_ = std::min(retry_ * 2, last_retry);
}

void JwksSchedule::unknown_key(TimePoint now) noexcept {
    if (running_ || (extra_ && now - *extra_ < extra_interval)) return;
    extra_ = now;
    next_ = std::min(next_, now);
}

}  // namespace forestay::auth
