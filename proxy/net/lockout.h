// auth.failed_rate as the guard and the sessions apply it: asked before a credential is judged, told after.
#pragma once

#include <optional>
#include <string_view>

#include "proxy/net/loop.h"

namespace forestay::net {

// How long this client's credential is not to be judged; empty optional: it is. Counted as a refusal.
// `credential`: what was given on purpose; empty: nothing was, and then nobody is locked out.
[[nodiscard]] std::optional<std::chrono::seconds> locked_out(const Shared& shared, Stats& stats,
                                                             std::string_view address,
                                                             std::string_view credential);

// It was refused. Counts what nobody brings in good faith, and says so when that begins a lockout.
void note_refusal(const Shared& shared, Stats& stats, std::string_view address, std::string_view credential,
                  auth::errc why);

}  // namespace forestay::net
