// One client connection that speaks HTTP: requests in order, one at a time, until it closes or becomes a
// websocket.
//
// It lives as long as its coroutine. The server keeps the set of those that are open
// (HttpContext::connections). A request for a session of another loop takes the connection there, before
// anything else is done about it.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "proxy/net/http_context.h"

namespace forestay::net {

class HttpConnection {
  public:
    enum class Admission : std::uint8_t { welcome, full };
    // When we are full, the first request gets a 503, and that is all.
    static void serve(const std::shared_ptr<HttpContext>& context, Arrival arrival, Admission admission);
    ~HttpConnection();

    // Closes the one that has been without a request for the longest, when we are full: a slow head, or a
    // kept connection that nobody needs now. False: there is none.
    [[nodiscard]] static bool make_room(HttpContext& context);
    // No further request: closes at once when none is in flight, else behind its answer.
    void drain();

  private:
    HttpConnection(std::shared_ptr<HttpContext> context, Arrival arrival, Admission admission);

    void begin_waiting();
    void end_waiting();

    enum class Next : std::uint8_t { request, refused, over };
    static Task<void> run(std::unique_ptr<HttpConnection> self);
    [[nodiscard]] Task<bool> begin_tls();
    [[nodiscard]] Task<Next> read_head();
    [[nodiscard]] HttpContext* home() const;
    [[nodiscard]] std::string_view scheme() const { return client_.socket().encrypted() ? "https" : "http"; }
    [[nodiscard]] Task<void> refuse_head(wire::http::HeadRefusal refusal);
    [[nodiscard]] Task<void> serve_request();
    void count_dropped_fields(std::chrono::steady_clock::time_point now);
    [[nodiscard]] Task<void> dispatch(ClientExchange& exchange);
    [[nodiscard]] Task<void> linger();
    void account(const ClientExchange& exchange, std::chrono::steady_clock::time_point begun,
                 std::uint64_t bytes);
    void journal_refusal(const ClientExchange& exchange) const;

    std::shared_ptr<HttpContext> context_;
    std::string peer_;
    Place place_;
    ByteStream client_;
    Admission admission_;
    std::optional<std::list<HttpConnection*>::iterator> waiting_;  // its place in HttpContext::waiting
    bool idle_ = true;                                             // between requests
    bool keep_alive_ = true;
    bool released_ = false;
    bool unread_ = false;     // the client may still be sending: it must get to see our answer
    bool measured_ = true;    // the exchange's duration says how fast the app is
    std::string head_bytes_;  // what head_ looks into
    wire::http::RequestHead head_;
};

}  // namespace forestay::net
