// One session with its sockets, its exchanges and its deadline: does what the session asks, tells it what
// happened. No opinions of its own.
//
// Owned by the endpoint. Whatever calls a driver may find it destroyed afterwards: the endpoint is told
// session_over() as the last thing a driver does.
#pragma once

#include <sys/uio.h>

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/net/exchange.h"
#include "proxy/net/shared_gate.h"
#include "proxy/net/stats.h"
#include "proxy/net/timer_wheel.h"
#include "proxy/net/upgraded_sockets.h"
#include "proxy/net/upstream_handshake.h"
#include "proxy/net/upstream_polling.h"
#include "proxy/net/upstream_set.h"
#include "proxy/session/session.h"

namespace forestay::net {

class ForwardRecheck;
class Loop;
class SessionDriver;
struct SessionMove;

// When a session with this identity ends by the loop's clock; never if the configuration lets it outlive its
// token.
[[nodiscard]] session::TimePoint identity_deadline(const auth::Identity& identity,
                                                   const auth::Authenticator& authenticator,
                                                   session::TimePoint now);

class SessionHost {
  public:
    // What a handle() has to be written; shared by all sessions, nothing stays in it.
    struct Spans {
        std::vector<iovec> client;
        std::vector<iovec> upstream;
    };
    Spans spans;
    // Destroys the driver.
    virtual void session_over(SessionDriver& driver) = 0;
    // Lets the session of this secret go on with the client of `fresh`, if it is the same client's; may
    // destroy the driver that had it. `elsewhere`: it would be on another loop, where `fresh` has to go first
    // (move_session).
    enum class Found : std::uint8_t { no, taken, elsewhere };
    [[nodiscard]] virtual Found take_over(SessionDriver& fresh, const std::string& secret) = 0;
    virtual void move_session(SessionMove move) = 0;
    // The sessions have changed sids with their clients.
    virtual void sids_swapped(SessionDriver& one, SessionDriver& other) = 0;

  protected:
    ~SessionHost() = default;
};

// What a session is bound to, and what is said about it in the journal.
struct SessionOrigins {
    std::string subject;                             // of the identity, empty: none
    std::string origin;                              // canonical, empty: none was sent
    std::string path;                                // of the request that began it
    std::string client;                              // address
    std::string label;                               // instead of the sid: a keyed hash
    std::string connect_subject;                     // of the identity that CONNECT brought
    std::shared_ptr<const ForwardQuestion> asked{};  // who the subject is was said by a forward-auth server
};

// A session on its way to the loop where its client had an earlier one. It has no upstream leg that the shell
// would have to know about: Socket.IO sessions have none yet, others have but a socket.
struct SessionMove {
    std::string state;  // Session::snapshot
    std::string sid;
    std::string secret;
    std::string wanted;  // the secret of the earlier one
    session::Dialect dialect{};
    SessionOrigins origins;
    ClientPlaces places;
    UpstreamHandshakeRequest connect;
    std::string refused_code;
    Socket client, upstream;
    session::ExchangeId last_exchange = 0;
    session::TimePoint begun;
    session::Traffic from_client, to_client;
    std::optional<ClientTransport> transport;
    std::string transports;
};

class SessionDriver final : private SocketOwner, private TimerEntry, private GateAsker {
  public:
    // `connect`: what ConnectUpstream asks the upstream. `refused_code`: the credential of the handshake was
    // refused; said when the session asks.
    SessionDriver(Loop& loop, SessionHost& host, session::Setup setup, SessionOrigins origins,
                  std::unique_ptr<UpstreamHandshakeRequest> connect, std::string refused_code);
    // One that comes from another loop; arrived() follows.
    SessionDriver(Loop& loop, SessionHost& host, session::Session session, SessionMove move);
    ~SessionDriver();

    // Looks for the session that it has come for.
    void arrived(std::string wanted);

    session::ExchangeId poll(AnswerHandler done);
    session::ExchangeId post(std::string_view body, AnswerHandler done);
    void exchange_written(session::ExchangeId exchange);
    void exchange_lost(session::ExchangeId exchange);
    void upgraded(Socket socket, std::string_view early);
    void plain(Socket client, std::string_view early_client, Socket upstream,
               std::string_view early_upstream);
    void shutdown();
    // There is hardly any memory left.
    void shed();
    [[nodiscard]] std::size_t bytes() const noexcept { return session_.bytes(); }
    // Those of its client, given back when that is away.
    void take_places(ClientPlaces places) { places_ = std::move(places); }
    // Another request of this client, with these fields for the upstream: its cookies may be newer.
    void heard_again(const wire::http::OwnedFields& fields);

    // Our client is back on another connection: what is left of the old one is closed. May end the session.
    void leave_client();
    // Its session goes on with this client, which comes with its connection and its sid. When that is refused
    // our session ends. Either way `fresh` is told by its caller.
    [[nodiscard]] bool take_client(SessionDriver& fresh);

    [[nodiscard]] const std::string& sid() const noexcept { return session_.sid(); }
    [[nodiscard]] const std::string& secret() const noexcept { return secret_; }
    [[nodiscard]] const SessionOrigins& origins() const noexcept { return origins_; }
    // A websocket of the client is open, or was: polling is over, or being tried out.
    [[nodiscard]] bool has_websocket() const noexcept { return client_ != nullptr; }
    [[nodiscard]] session::ClientState client_state() const noexcept { return session_.client_state(); }
    // Without Engine.IO.
    [[nodiscard]] bool is_plain() const noexcept {
        return dialect_ == session::Dialect::plain || dialect_ == session::Dialect::json;
    }

  private:
    // Answers that the session gave; called when it has said everything, because what they set off may come
    // back to us.
    using Answers = std::vector<std::pair<AnswerHandler, HttpAnswer>>;

    void on_bytes(UpgradedSocket& socket, std::string_view bytes) override;
    void on_drained(UpgradedSocket& socket) override;
    void on_lost(UpgradedSocket& socket, bool reset) override;
    void due(session::TimePoint now) override;
    void gate_said(const session::input::GateSaid& said) override;

    // Inputs in this order, as far as the session lives. The last thing a caller does.
    void drive(std::initializer_list<session::Input> inputs);
    template <class Work>
    void run(const Work& work);
    // Nothing of it stays here but the answers. False when it cannot be moved now.
    [[nodiscard]] bool depart(const std::string& wanted, Answers& answers);
    // The forward-auth server is asked about our client from now on, if it let it in.
    void watch_identity();
    // Does what the session asks and says what came of it, until nothing does.
    void do_what_is_asked(Answers& answers);
    void end_without_a_word();
    void perform(const session::Action& action, Answers& answers);
    static void gather(std::vector<iovec>& out, std::string_view bytes);
    void flush(UpgradedSocket& socket, std::vector<iovec>& out, std::size_t& waits);
    void close(UpgradedSocket*& socket, std::vector<iovec>& out);
    void answer_exchange(const session::action::AnswerExchange& answer, Answers& answers);
    void connect_upstream();
    void upstream_answered(UpstreamHandshakeResult result);
    void poll_upstream(std::string_view sid);
    void post_upstream(std::string_view sid, std::string_view body);
    void leave_upstream();
    void ask_gate(const session::action::AskGate& ask);
    [[nodiscard]] session::Input check_credential(std::string_view connect_payload);
    [[nodiscard]] session::Input renew_credential(std::string_view credential);
    void take_identity_headers(const auth::Identity& identity);
    void fail(const char* what, Answers& answers);
    void follow_transport();
    void journal_open(ClientTransport transport) const;
    void journal_close() const;
    void journal_refused_identity(std::string_view limit) const;
    void journal_report(const session::action::Report& report);
    [[nodiscard]] bool said_before(const session::action::Report& report);

    Loop& loop_;
    SessionHost& host_;
    session::Session session_;
    session::Dialect dialect_;
    std::string secret_;
    SessionOrigins origins_;
    ClientPlaces places_;
    const std::unique_ptr<UpstreamHandshakeRequest>
        connect_;  // null: a plain websocket, which never connects
    std::string refused_code_;
    UpstreamPin pin_;                                // where the upstream leg is, or was
    std::unique_ptr<UpstreamHandshake> handshake_;   // while it runs
    std::unique_ptr<UpstreamExchange> poll_, post_;  // to an upstream that is polled, while they run
    UpgradedSocket* client_ = nullptr;
    UpgradedSocket* upstream_ = nullptr;
    std::vector<std::pair<session::ExchangeId, AnswerHandler>> exchanges_;  // that wait for their answer
    session::ExchangeId last_exchange_ = 0;

    std::uint64_t gate_number_ = 0;          // at the loop's gate, once the session has asked
    std::string wanted_;                     // the secret of the session that ours looks for
    std::optional<session::Input> verdict_;  // on a credential; for the session, when it has said everything
    std::optional<session::action::End> end_;
    bool departed_ = false;

    std::unique_ptr<ForwardRecheck> recheck_;  // while a forward-auth server answers for the client

    // For the journal.
    session::TimePoint begun_;
    session::Traffic from_client_,
        to_client_;  // messages as the session counts them, bytes as they are on the wire
    std::optional<ClientTransport> transport_;            // counted as open
    std::string transports_;                              // "polling>websocket"
    std::bitset<session::shield_names.size() + 1> said_;  // of shields; the last: event_refused
};

}  // namespace forestay::net
