// How a session ends: who, why, and what the client's websocket is told.
#pragma once

#include <optional>
#include <string_view>

#include "proxy/session/stats.h"
#include "proxy/wire/websocket/close.h"

namespace forestay::session {

struct Ending {
    CloseSide side{};
    CloseReason reason{};
    wire::websocket::CloseCode code{};
    std::string_view text;  // a literal: the reason in the close frame
};

// Empty: the session goes on.
using MaybeEnding = std::optional<Ending>;

}  // namespace forestay::session
