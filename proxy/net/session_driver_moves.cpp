// A client that comes back is let go by its fresh session, or goes with it to another loop.
#include <algorithm>
#include <utility>

#include "proxy/net/forward_recheck.h"
#include "proxy/net/loop.h"
#include "proxy/net/session_driver.h"

namespace forestay::net {

namespace action = session::action;
namespace input = session::input;

namespace {

bool has_engineio(session::Dialect dialect) {
    return dialect == session::Dialect::engineio3 || dialect == session::Dialect::engineio4;
}

}  // namespace

SessionDriver::SessionDriver(Loop& loop, SessionHost& host, session::Session session, SessionMove move)
    : loop_(loop),
      host_(host),
      session_(std::move(session)),
      dialect_(move.dialect),
      secret_(std::move(move.secret)),
      origins_(std::move(move.origins)),
      places_(std::move(move.places)),
      connect_(has_engineio(dialect_) ? std::make_unique<UpstreamHandshakeRequest>(std::move(move.connect))
                                      : nullptr),
      refused_code_(std::move(move.refused_code)),
      last_exchange_(move.last_exchange),
      begun_(move.begun),
      from_client_(move.from_client),
      to_client_(move.to_client),
      transport_(move.transport),
      transports_(std::move(move.transports)) {
    constexpr auto connected = UpgradedSockets::Start::connected;
    if (move.client) client_ = &loop_.sockets().add(std::move(move.client), *this, connected);
    if (move.upstream) upstream_ = &loop_.sockets().add(std::move(move.upstream), *this, connected);
    watch_identity();
    if (transport_) ++loop_.stats().client_connections[static_cast<std::size_t>(*transport_)];
}

bool SessionDriver::depart(const std::string& wanted, Answers& answers) {
    // The places of its requests are this loop's to give back.
    if (gate_number_ != 0) return false;
    UpgradedSockets& sockets = loop_.sockets();
    for (UpgradedSocket* socket : {client_, upstream_}) {
        if (socket != nullptr && sockets.waits(*socket)) return false;
    }
    // Exchanges stay with their connections; the next ones go the right way.
    for (session::ExchangeId id = 1; id <= last_exchange_; ++id) {
        const auto waiting = std::find_if(exchanges_.begin(), exchanges_.end(),
                                          [id](const auto& each) { return each.first == id; });
        if (waiting == exchanges_.end()) {
            session_.handle(input::ExchangeWritten{id}, loop_.now());
        } else {
            answers.emplace_back(std::move(waiting->second), HttpAnswer{200, "6"});
            session_.handle(input::ExchangeLost{id}, loop_.now());
        }
    }
    exchanges_.clear();
    SessionMove move{session_.snapshot(loop_.now()),
                     sid(),
                     secret_,
                     wanted,
                     dialect_,
                     origins_,
                     std::move(places_),
                     connect_ ? *connect_ : UpstreamHandshakeRequest{},
                     refused_code_,
                     {},
                     {},
                     last_exchange_,
                     begun_,
                     from_client_,
                     to_client_,
                     transport_,
                     transports_};
    if (client_ != nullptr) move.client = sockets.release(*std::exchange(client_, nullptr));
    if (upstream_ != nullptr) move.upstream = sockets.release(*std::exchange(upstream_, nullptr));
    host_.move_session(std::move(move));
    end_ = action::End{session::CloseSide::client, session::CloseReason::superseded};
    departed_ = true;
    return true;
}

void SessionDriver::leave_client() {
    if (session_.client_state() == session::ClientState::away) return;
    if (client_ != nullptr) loop_.sockets().abort(*std::exchange(client_, nullptr));
    drive({input::ClientLost{.reset = false, .replaced = true}});
}

}  // namespace forestay::net
