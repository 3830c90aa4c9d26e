// One client's conversation: a client leg, an upstream leg, and what joins them. A value: no socket, no
// clock.
//
// The shell says what happened (handle), does what it is asked (next_action until empty), and comes back at
// next_deadline() when nothing else happens. Same inputs and times, same actions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/session/action.h"
#include "proxy/session/input.h"
#include "proxy/session/policy.h"
#include "proxy/session/stats.h"
#include "proxy/session/time.h"
#include "proxy/session/workspace.h"

namespace forestay::session {

// What the client speaks.
enum class Dialect : std::uint8_t {
    engineio3,  // Socket.IO clients 1.x and 2.x; the upstream must speak it too
    engineio4,  // Socket.IO clients 3.x and 4.x
    plain,      // a websocket without Engine.IO: both legs are there from the start
    json  // the same, and its messages are JSON (JsonWebsocket): rules see them, and with our envelope the
          // client may come back
};

struct Setup {
    Dialect dialect = Dialect::engineio4;
    std::string sid;         // the client's; [A-Za-z0-9_-]{20}, unguessable
    std::uint64_t seed = 0;  // for mask keys
    bool websocket = false;  // the first transport is a websocket; else a polling GET (PollOpened follows)
    bool credential_in_connect = false;  // ask CheckCredential before the first CONNECT goes anywhere
    TimePoint expires = never;           // when the identity of the handshake ends
    std::uint32_t json_websocket = 0;    // Dialect::json: which of the policy's
    std::string path;                    // of the handshake, without query: rules may ask for it
    std::string who;                     // subject of the identity; empty: none. The same
    std::string secret;  // names the session to a client that comes back; [A-Za-z0-9_-]{20}, unguessable;
                         // wanted when the policy's resume_client is on

    template <class Archive>
    void archive(Archive& archive) {
        archive.one_of(dialect, Dialect::json);
        archive(sid, seed, websocket, credential_in_connect, expires, json_websocket, path, who, secret);
    }
};

// Why bytes are no session.
enum class SnapshotFault : std::uint8_t {
    other_version,  // written by another release
    other_rules,    // written under other rules: its requests are not ours
    garbage         // or within other limits
};

class Session {
  public:
    // `policy`, `stats` and `workspace` outlive the session; `workspace` is shared by all sessions of the
    // loop.
    Session(const Policy& policy, Stats& stats, Workspace& workspace, Setup setup, TimePoint now);
    ~Session();
    Session(Session&&) noexcept;
    Session& operator=(Session&&) = delete;

    void handle(const Input& input, TimePoint now);
    // What to do about it. Call until empty after each handle().
    [[nodiscard]] std::optional<Action> next_action();
    // When to call handle(Tick) if nothing else happens.
    [[nodiscard]] TimePoint next_deadline() const;

    // The client of `fresh` (which asked FindSession, of the same loop and policy) is ours and comes back:
    // its leg, its sid and what it has said move here, actions follow. The caller has told us ClientLost
    // before, if our own client leg was still there, and destroys `fresh`, which is over. False: its position
    // is unknown to us; nothing has changed, tell `fresh` SessionNotFound and us Superseded.
    [[nodiscard]] bool take_client(Session& fresh, TimePoint now);

    // All that it is, between two inputs with their actions done, and back. Points in time count from `now`.
    // Its connections and polling exchanges are the shell's to bring along; actions follow restore(). The
    // original is to be destroyed unheard: gauges would count both.
    [[nodiscard]] std::string snapshot(TimePoint now);
    [[nodiscard]] static std::variant<Session, SnapshotFault> restore(const Policy& policy, Stats& stats,
                                                                      Workspace& workspace,
                                                                      std::string_view bytes, TimePoint now);

    [[nodiscard]] bool ended() const noexcept;
    [[nodiscard]] ClientState client_state() const noexcept;
    [[nodiscard]] UpstreamState upstream_state() const noexcept;
    [[nodiscard]] const std::string& sid() const noexcept;
    // What waits in it or is recorded, roughly: the part that grows with what is said.
    [[nodiscard]] std::size_t bytes() const noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace forestay::session
