// All that can happen to a session. Views are read during handle() only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "proxy/session/time.h"
#include "rules/gate.h"

namespace forestay::session {

// One HTTP exchange of a polling client, numbered by the shell; never 0, never used twice in a session.
using ExchangeId = std::uint64_t;

namespace input {

// A polling GET arrived and waits for its answer.
struct PollOpened {
    ExchangeId exchange = 0;
};
// A polling POST arrived, whole.
struct PostReceived {
    ExchangeId exchange = 0;
    std::string_view body;
};
// The answer to this exchange has been written: what was in it is delivered.
struct ExchangeWritten {
    ExchangeId exchange = 0;
};
// The client's socket went before the answer was written: what was in it is not delivered.
struct ExchangeLost {
    ExchangeId exchange = 0;
};

// A websocket of the client is there (its 101 is written): the first transport, or a probe beside polling.
struct ClientUpgraded {};
// Bytes from the client's websocket, cut anywhere.
struct ClientBytes {
    std::string_view bytes;
};
// The client's websocket is gone without our doing.
struct ClientLost {
    bool reset = false;
    bool replaced = false;  // by another connection of the same client; true of polling clients too
};
// The client's websocket does not take more: `pending` bytes wait in the shell. Said again when it grows.
struct ClientBlocked {
    std::size_t pending = 0;
};
// Everything that waited has gone out.
struct ClientDrained {};

// The verdict on a CheckCredential action. `expires`: when the identity ends; never if it does not. `subject`
// is who it is from now on, to the rules; empty: as before.
struct CredentialAccepted {
    TimePoint expires = never;
    std::string_view subject = {};
};
// `code` is stable and short ("token_expired"); it goes to the client.
struct CredentialRefused {
    std::string_view code;
};
// The verdict on RenewCredential: the identity ends later, or as before.
struct CredentialRenewed {
    TimePoint expires = never;
};
struct RenewalRefused {
    std::string_view code;
};

// The upstream's websocket is there, its 101 checked.
struct UpstreamOpened {};
// This attempt came to nothing: `status` is its HTTP answer, 0 when it did not answer.
struct UpstreamRefused {
    unsigned status = 0;
};
struct UpstreamBytes {
    std::string_view bytes;
};
struct UpstreamLost {
    bool reset = false;
};
struct UpstreamBlocked {
    std::size_t pending = 0;
};
struct UpstreamDrained {};

// The upstream is reached by polling: `body` is its answer to the handshake, OPEN packet and all.
struct UpstreamPollingOpened {
    std::string_view body;
};
// The answer to PollUpstream and to PostUpstream; `status` 0: none came.
struct UpstreamPolled {
    unsigned status = 0;
    std::string_view body;
};
struct UpstreamPosted {
    unsigned status = 0;
};

// The gate's word on a request (action::AskGate). One that is not asked for any more is harmless.
struct GateSaid {
    std::uint64_t request = 0;
    rules::Verdict::What what{};
    rules::Code code{};       // refused
    std::size_t place = 0;    // in line, from 1
    std::size_t waiting = 0;  // its length
};

// No session can be taken up again with what FindSession named: the client gets a fresh one.
struct SessionNotFound {};
// Our client came back and goes on with a fresh session.
struct Superseded {};

// There is hardly any memory left, and this session is one of the heaviest: end.
struct Shed {};
// The process is going away: say goodbye and end.
struct Shutdown {};
// A deadline is due. Harmless when none is.
struct Tick {};

}  // namespace input

using Input =
    std::variant<input::PollOpened, input::PostReceived, input::ExchangeWritten, input::ExchangeLost,
                 input::ClientUpgraded, input::ClientBytes, input::ClientLost, input::ClientBlocked,
                 input::ClientDrained, input::CredentialAccepted, input::CredentialRefused,
                 input::CredentialRenewed, input::RenewalRefused, input::UpstreamOpened,
                 input::UpstreamRefused, input::UpstreamBytes, input::UpstreamLost, input::UpstreamBlocked,
                 input::UpstreamDrained, input::UpstreamPollingOpened, input::UpstreamPolled,
                 input::UpstreamPosted, input::GateSaid, input::SessionNotFound, input::Superseded,
                 input::Shed, input::Shutdown, input::Tick>;

}  // namespace forestay::session
