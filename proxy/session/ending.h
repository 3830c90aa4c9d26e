// How a session ends: who, why, and what the client's websocket is told.
#pragma once

#include <optional>
#include <string_view>

#include "proxy/session/stats.h"
#include "proxy/wire/errc.h"
#include "proxy/wire/websocket/close.h"

namespace forestay::session {

struct Ending {
    CloseSide side{};
    CloseReason reason{};
    wire::websocket::CloseCode code{};
    std::string_view text;            // a literal: the reason in the close frame
    std::optional<Limit> limit = {};  // the one that was hit, if that is why
};

// Empty: the session goes on.
using MaybeEnding = std::optional<Ending>;

// More waits for the client than may.
constexpr Ending outbox_overflow{CloseSide::forestay, CloseReason::slow_client,
                                 wire::websocket::CloseCode::try_again_later, "too slow", Limit::outbox};
constexpr Ending too_many_control_frames{CloseSide::client, CloseReason::limit,
                                         wire::websocket::CloseCode::policy_violation,
                                         "too many control frames", Limit::control_frames};

// The bound that a websocket message has broken, if that is what is wrong with it.
[[nodiscard]] constexpr std::optional<Limit> limit_of(wire::errc why) noexcept {
    if (why == wire::errc::message_too_big) return Limit::max_message;
    if (why == wire::errc::too_many_fragments) return Limit::fragments;
    return std::nullopt;
}

}  // namespace forestay::session
