// What a learner is shown (Workspace::learner): each text message of either side, before anything is decided
// about it.
#include "proxy/session/session_state.h"

namespace forestay::session {

void Session::State::watch(rules::Learner::From from, std::string_view text, TimePoint now) {
    // The seed is random, and goes with the session wherever it goes.
    if (conversation) return workspace.learner->socketio(from, setup.seed, text, now);
    if (setup.json_websocket >= policy.json_websockets.size()) return;
    const JsonWebsocket& websocket = policy.json_websockets[setup.json_websocket];
    workspace.learner->json(from, setup.seed, websocket.path, websocket.type, text, now);
}

}  // namespace forestay::session
