// One transport of the client, as the network and the shell see it: a websocket, HTTP exchanges, or both.
//
// It lives from the client's first byte until it is lost. The session that serves it may change: a fresh one
// hands it over to the one that the client had before. Links are kept until the world ends, because events
// point to them.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/input.h"
#include "tests/simulation/socket.h"

namespace forestay::simulation {

class ClientTransport;
class Shell;
class World;

class ClientLink {
  public:
    ClientLink(World& world, ClientTransport& transport) : world_(world), transport_(transport) {}

    // For the client.
    Socket& open_socket();
    session::ExchangeId get();
    session::ExchangeId post(std::string body, std::vector<std::function<void()>> read);
    void lose(session::ExchangeId exchange);  // a GET goes away before it is answered
    void reset(Socket& socket);               // without a goodbye
    void reads(bool reads);
    [[nodiscard]] Socket* socket() noexcept { return socket_; }

    // For the shell.
    void serve(Shell* shell) noexcept { shell_ = shell; }
    [[nodiscard]] Shell* shell() noexcept { return shell_; }
    void send(std::string_view bytes);
    void answer(session::ExchangeId exchange, unsigned status, std::string_view body);
    void pause(bool on);
    void close_socket();
    void let_go();  // the session thinks that it is gone: it is
    void report_blocked();
    void check_all_closed() const;

  private:
    void bytes(Socket& socket, std::string_view bytes);
    void arrived(session::ExchangeId exchange, std::string_view what, std::string_view body);

    World& world_;
    ClientTransport& transport_;
    Shell* shell_ = nullptr;
    std::vector<std::unique_ptr<Socket>> sockets_;  // all that ever were: events may still point to them
    Socket* socket_ = nullptr;
    std::set<session::ExchangeId> exchanges_;  // open for the session
    bool paused_ = false;
};

}  // namespace forestay::simulation
