// What of Socket.IO's grammar a policy asks for: its bounds, and what its shields keep away.
#pragma once

#include <optional>

#include "proxy/session/policy.h"
#include "proxy/session/stats.h"
#include "proxy/wire/socketio/packet.h"

namespace forestay::session {

inline wire::socketio::GrammarLimits grammar(const Policy& policy) {
    wire::socketio::GrammarLimits limits;
    limits.attachments =
        policy.shields.attachments ? policy.limits.attachments : policy.limits.unshielded_attachments;
    limits.json_depth = policy.limits.json_depth;
    limits.event_name = policy.limits.event_name_bytes;
    limits.refuse_reserved_events = policy.shields.reserved_events;
    limits.refuse_zero_attachments = policy.shields.zero_attachments;
    limits.check_placeholders = policy.shields.attachments;
    return limits;
}

// The shield that a packet was refused by, when it was one.
inline std::optional<Shield> shield_against(boost::system::error_code refused) {
    if (refused == wire::errc::reserved_event) return Shield::reserved_events;
    if (refused == wire::errc::zero_attachments) return Shield::zero_attachments;
    if (refused == wire::errc::bad_attachment_count || refused == wire::errc::bad_placeholders)
        return Shield::attachments;
    return std::nullopt;
}

}  // namespace forestay::session
