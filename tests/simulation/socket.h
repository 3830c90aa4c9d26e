// A websocket connection of a session: one pipe each way.
#pragma once

#include <cstddef>
#include <memory>

#include "tests/simulation/pipe.h"

namespace forestay::simulation {

struct Socket {
    std::unique_ptr<Pipe> to_session, to_peer;
    bool open = true;          // for the session
    bool blocked = false;      // the session was told so
    std::size_t reported = 0;  // how much was said to wait
};

}  // namespace forestay::simulation
