// What the sessions of one loop share: memory while they handle an input, so that an idle session holds none
// of it, and the sids of one another.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "proxy/session/action.h"
#include "proxy/session/sid_aliases.h"

namespace forestay::rules {
class Learner;
}

namespace forestay::session {

// How a request has ended.
struct RequestEnd {
    TimePoint received;  // the request
    std::uint32_t rule = 0;
    std::optional<rules::Code> fallback;  // none: the app has answered
    std::string event;                    // of the fallback; empty: an ACK, or a message
    std::string text;                     // what the client got
};

struct Workspace {
    std::string unmasked;          // the message being read
    std::deque<std::string> made;  // bytes that actions point to and that no input brought; stable addresses
    std::size_t made_used = 0;
    std::vector<Action> actions;  // asked for and not yet taken
    std::size_t actions_taken = 0;
    SidAliases aliases;  // of all clients, not only the loop's
    // For who wants to know all of it, each while it is there.
    rules::Learner* learner = nullptr;        // watches what is said
    std::vector<RequestEnd>* ends = nullptr;  // hears how requests end
};

}  // namespace forestay::session
