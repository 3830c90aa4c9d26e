// What the client connections of a server share, and what one exchange of them is.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/byte_stream.h"
#include "proxy/net/client_facts.h"
#include "proxy/net/engineio_endpoint.h"
#include "proxy/net/loop.h"
#include "proxy/net/reply.h"
#include "proxy/net/socket.h"
#include "proxy/net/upstream_pool.h"
#include "proxy/wire/http/head.h"

namespace forestay::net {

class HttpConnection;

// One of Common::connections, from the accept to the end and wherever the connection goes meanwhile.
struct LeavePlace {
    void operator()(Common* common) const noexcept { --common->connections; }
};
using Place = std::unique_ptr<Common, LeavePlace>;

// A client's connection as it comes to a loop: from a listener, or from another loop.
struct Arrival {
    Socket socket;
    std::string peer;  // the other end's address
    Place place;
    std::string early;  // read already, from the start of a head
};

struct HttpContext : std::enable_shared_from_this<HttpContext> {
    explicit HttpContext(Loop& l) : loop(l), endpoint(l), pool(l, streams) {}

    Loop& loop;
    StreamGroup streams;  // to clients and to the upstream; first: outlives the pool's
    EngineIoEndpoint endpoint;
    UpstreamPool pool;
    std::set<HttpConnection*> connections;
    std::list<HttpConnection*> waiting;  // of these, without a whole head of a request; the longest first
    std::vector<HttpContext*> loops;     // of the process, by index; empty: this is the only one
    bool draining = false;               // exchanges end, connections with them
    std::chrono::steady_clock::time_point dropped_fields_told{};  // not again until then
};

// To another loop, which serves it as its own; closed when that one is draining. Nobody waits for it.
void hand_over(HttpContext& to, Arrival arrival);

// One request and its answer, while it lasts. The handlers of the routes read and write through it.
struct ClientExchange {
    HttpContext& context;
    ByteStream& client;
    const wire::http::RequestHead& head;  // views into bytes that live as long
    const ClientFacts& facts;
    wire::http::OwnedFields cors;  // goes with every answer of ours

    wire::http::OwnedFields cookies{};  // what a forward-auth server sets; with every answer, the app's too

    bool keep_alive = false;    // may another request follow? Cleared by whoever finds out that it may not
    bool body_pending = false;  // the request's body has not been read to its end
    bool released = false;      // the socket is not ours any more
    bool aborted = false;       // the client went, or must see that its answer is not whole
    unsigned status = 0;        // answered with; 0: not at all
    std::string_view reason{};  // why we refused
    std::uint64_t request_bytes = 0;
};

// Writes an answer of ours. Sets `aborted` when the client does not take it.
[[nodiscard]] Task<void> send_reply(ClientExchange& exchange, Reply reply);
// It did not take its answer within limits.slow_client_timeout.
void note_slow_client(ClientExchange& exchange);

}  // namespace forestay::net
