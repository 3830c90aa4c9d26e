#include "proxy/net/client_limits.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace forestay::net {

using std::string_view;
using std::chrono::seconds;

namespace {

// The kernel's numbers follow what is given back within seconds.
constexpr seconds memory_retry{5};

struct Names {
    LimitHit too_many, too_fast, table;
};

Entered entered(const Shared& shared, Stats& stats, ClientTable::Verdict verdict, const Names& names) {
    if (verdict.forgotten > 0) journal_limit(shared, stats.hit(names.table));
    if (!verdict.refused) return {std::move(verdict.place), {}, {}};
    const bool fast = verdict.refused->why == ClientTable::Refusal::too_fast;
    return {{}, stats.hit(fast ? names.too_fast : names.too_many), verdict.refused->retry_after};
}

}  // namespace

Entered enter_address(const Shared& shared, Stats& stats, string_view address) {
    return entered(
        shared, stats,
        shared.clients->enter(address, shared.options.limits.addresses, std::chrono::steady_clock::now()),
        {LimitHit::per_ip, LimitHit::connect_rate, LimitHit::address_table});
}

Entered enter_identity(const Shared& shared, Stats& stats, string_view subject) {
    return entered(shared, stats,
                   shared.identities->enter_as(subject, shared.options.limits.identities,
                                               std::chrono::steady_clock::now()),
                   {LimitHit::per_identity, LimitHit::identity_rate, LimitHit::identity_table});
}

std::optional<Reply> refusal_of(const Entered& entered) {
    if (entered.refused_by.empty()) return std::nullopt;
    return retry_later(429, entered.refused_by, entered.retry_after);
}

std::size_t connections_most(const HttpLimits& limits) noexcept {
    return std::min(limits.connections, limits.connections_by_descriptors);
}

LimitHit fullness(const HttpLimits& limits) noexcept {
    return limits.connections <= limits.connections_by_descriptors ? LimitHit::max_connections
                                                                   : LimitHit::descriptors;
}

std::optional<Reply> refuse_for_memory(const Shared& shared, Stats& stats) {
    if (shared.common->memory_pressure.load(std::memory_order_relaxed) == MemoryPressure::none)
        return std::nullopt;
    return retry_later(503, stats.hit(LimitHit::memory), memory_retry);
}

std::optional<LimitHit> limit_behind(string_view reason) noexcept {
    constexpr std::array<std::pair<string_view, LimitHit>, 5> behind{{
        {"body_too_large", LimitHit::max_body},
        {"head_too_large", LimitHit::max_header},
        {"too_many_fields", LimitHit::max_header},
        {"target_too_long", LimitHit::max_header},
        {"cookies_too_large", LimitHit::max_header},
    }};
    for (const auto& [name, limit] : behind) {
        if (name == reason) return limit;
    }
    const auto own = std::find(limit_hit_names.begin(), limit_hit_names.end(), reason);
    if (own == limit_hit_names.end()) return std::nullopt;
    return static_cast<LimitHit>(own - limit_hit_names.begin());
}

void journal_limit(const Shared& shared, string_view limit, string_view client) {
    if (!shared.journal) return;
    JournalEntry entry{Level::warning, "limit_hit", {{"limit", std::string(limit)}}};
    if (!client.empty()) entry.fields.emplace_back("client", std::string(client));
    shared.journal(entry);
}

}  // namespace forestay::net
