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
    unsigned retry_after = 0;  // seconds; with 429 and 503
};
// Connect the upstream leg, with the client's original handshake: the first time, and after each loss. The
// shell waits for the upstream's turn; UpstreamOpened, UpstreamPollingOpened or UpstreamRefused follows.
struct ConnectUpstream {};
// Polling upstream: one GET and at most one POST at a time, but for the goodbye, whose POSTs go out one after
// the other. `sid` is the upstream's.
struct PollUpstream {
    std::string_view sid;
};
struct PostUpstream {
    std::string_view sid;
    std::string_view body;
};
// Judge the credential in this CONNECT payload (JSON, may be empty); answer with CredentialAccepted or
// -Refused.
struct CheckCredential {
    std::string_view connect_payload;
};
// Judge this credential, which must be of the same principal as the session's; answer with CredentialRenewed
// or RenewalRefused. Never while CheckCredential or another one of these is unanswered.
struct RenewCredential {
    std::string_view credential;
};
// The client of this fresh session says that it had another one: find it by `secret` (Setup::secret), check
// that both belong to the same identity and origin, and let it take the client over (Session::take_client);
// SessionNotFound when it cannot.
struct FindSession {
    std::string_view secret;
};
// May this request go to the app? GateSaid follows, and LeaveGate says what became of it, but for one that
// was refused. When the session is over the shell says so to the gate by itself.
struct AskGate {
    std::uint64_t request = 0;  // its number, never used twice in a session
    std::uint32_t rule = 0;
    rules::AskKind kind{};
};
struct LeaveGate {
    std::uint64_t request = 0;
    rules::Outcome outcome{};
};
// Something that an operator wants to find in the log.
struct Report {
    ReportKind kind{};
    std::uint64_t count = 0;  // of what the kind counts
    Duration duration{0};     // of what it ends; 0: nothing
    Shield shield{};          // of a shield_hit
    Limit limit{};            // of a limit_hit
};
// Tell the workspaces of the other loops: SidAliases::set. The session has told its own.
struct AliasSid {
    std::string_view known;
    std::string_view current;  // empty: forget
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
                 action::PollUpstream, action::PostUpstream, action::CheckCredential, action::RenewCredential,
                 action::AskGate, action::LeaveGate, action::FindSession, action::Report, action::AliasSid,
                 action::PauseClient, action::ResumeClient, action::PauseUpstream, action::ResumeUpstream,
                 action::CloseClient, action::CloseUpstream, action::End>;

}  // namespace forestay::session
