// Memory that the sessions of one loop share while they handle an input, so that an idle session holds none
// of it.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "proxy/session/action.h"

namespace forestay::session {

struct Workspace {
    std::string unmasked;          // the message being read
    std::deque<std::string> made;  // bytes that actions point to and that no input brought; stable addresses
    std::size_t made_used = 0;
    std::vector<Action> actions;  // asked for and not yet taken
    std::size_t actions_taken = 0;
};

}  // namespace forestay::session
