// What the sessions of one loop share: memory while they handle an input, so that an idle session holds none
// of it, and the sids of one another.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "proxy/session/action.h"
#include "proxy/session/sid_aliases.h"

namespace forestay::rules {
class Learner;
}

namespace forestay::session {

struct Workspace {
    std::string unmasked;          // the message being read
    std::deque<std::string> made;  // bytes that actions point to and that no input brought; stable addresses
    std::size_t made_used = 0;
    std::vector<Action> actions;  // asked for and not yet taken
    std::size_t actions_taken = 0;
    SidAliases aliases;                 // of all clients, not only the loop's
    rules::Learner* learner = nullptr;  // watches all that is said, while there is one
};

}  // namespace forestay::session
