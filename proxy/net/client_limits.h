// The bounds on clients as the guard and the sessions apply them: limits.per_ip, connect_rate, per_identity,
// identity_rate, and limits.memory, which lets nobody in when there is little left.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "proxy/net/loop.h"
#include "proxy/net/reply.h"

namespace forestay::net {

struct Entered {
    ClientPlace place;
    std::string_view refused_by;  // the limit's name; empty: it is in. Counted
    std::chrono::seconds retry_after{0};
};
// A new client of this address, and of this subject of an identity.
[[nodiscard]] Entered enter_address(const Shared& shared, Stats& stats, std::string_view address);
[[nodiscard]] Entered enter_identity(const Shared& shared, Stats& stats, std::string_view subject);

// What an HTTP client is told; empty: it is in.
[[nodiscard]] std::optional<Reply> refusal_of(const Entered& entered);

// How many clients there may be at once, and which limit says so: max_connections, or descriptors.
[[nodiscard]] std::size_t connections_most(const HttpLimits& limits) noexcept;
[[nodiscard]] LimitHit fullness(const HttpLimits& limits) noexcept;

// No new client comes in now: there is little memory left. Counted.
[[nodiscard]] std::optional<Reply> refuse_for_memory(const Shared& shared, Stats& stats);

// The limit behind a refusal's reason ("body_too_large": max_body); empty: there is none.
[[nodiscard]] std::optional<LimitHit> limit_behind(std::string_view reason) noexcept;

// One line about a limit that was hit where there is no refusal to say it.
void journal_limit(const Shared& shared, std::string_view limit, std::string_view client = {});

}  // namespace forestay::net
