// The body of a client's request, piece by piece: by length or in chunks, within a bound, not too slow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/net/http_context.h"
#include "proxy/wire/http/chunked.h"

namespace forestay::net {

class RequestBody {
  public:
    // At most `bytes_max` of body. Says "100 Continue" before the first read when the client waits for it.
    RequestBody(ClientExchange& exchange, std::uint64_t bytes_max);
    ~RequestBody();
    RequestBody(const RequestBody&) = delete;
    RequestBody& operator=(const RequestBody&) = delete;

    enum class State : std::uint8_t {
        data,         // piece() holds bytes, until the next call
        end,          // all of it was read
        refused,      // refusal() says why
        lost,         // the client is gone
        interrupted,  // by client.interrupt()
    };
    [[nodiscard]] Task<State> next();
    [[nodiscard]] std::string_view piece() const noexcept { return piece_; }
    [[nodiscard]] const Reply& refusal() const noexcept { return refusal_; }
    // Reads to the end into `body`.
    [[nodiscard]] Task<State> read_all(std::string& body);

  private:
    [[nodiscard]] Duration patience() const;
    [[nodiscard]] Task<State> fill();
    State refuse(unsigned status, std::string_view reason);
    [[nodiscard]] State take_length();
    [[nodiscard]] State take_chunks();

    ClientExchange& exchange_;
    std::uint64_t bytes_max_;
    std::uint64_t received_ = 0;  // of the body
    bool continued_ = false;
    std::chrono::steady_clock::duration waited_{};  // for the client
    wire::http::ChunkedReader chunks_;
    bool chunks_over_ = false;
    std::string joined_;    // the chunks of one read
    std::size_t used_ = 0;  // bytes of the stream's buffer that piece_ is
    std::string_view piece_;
    Reply refusal_;
};

}  // namespace forestay::net
