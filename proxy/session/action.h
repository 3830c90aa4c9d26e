// All that a session can ask its shell to do. Views are valid until the next handle() of any session of the
// loop.
#pragma once

#include <string_view>
#include <variant>

#include "proxy/session/input.h"
#include "proxy/session/stats.h"

namespace forestay::session {
namespace action {

// Write these bytes to the client's websocket, in order. Neighbours may be gathered into one write.
struct SendClient {
    std::string_view bytes;
};
// Write these bytes to the upstream's websocket.
struct SendUpstream {
    std::string_view bytes;
};
// Finish an HTTP exchange of a polling client: text/plain, or the error body of the protocol.
struct AnswerExchange {
    ExchangeId exchange = 0;
    unsigned status = 200;
    std::string_view body;
};
// Connect the upstream leg: websocket, with the client's original handshake.
struct ConnectUpstream {};
// Judge the credential in this CONNECT payload (JSON, may be empty); answer with CredentialAccepted or
// -Refused.
struct CheckCredential {
    std::string_view connect_payload;
};
// Stop and restart reading a websocket: its bytes have nowhere to go.
struct PauseClient {};
struct ResumeClient {};
struct PauseUpstream {};
struct ResumeUpstream {};
// Write what waits, then close the websocket. Its inputs are over.
struct CloseClient {};
struct CloseUpstream {};
// The session is over; no action follows and no input is wanted. Always the last.
struct End {
    CloseSide side{};
    CloseReason reason{};
};

}  // namespace action

using Action =
    std::variant<action::SendClient, action::SendUpstream, action::AnswerExchange, action::ConnectUpstream,
                 action::CheckCredential, action::PauseClient, action::ResumeClient, action::PauseUpstream,
                 action::ResumeUpstream, action::CloseClient, action::CloseUpstream, action::End>;

}  // namespace forestay::session
