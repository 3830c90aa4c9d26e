// The upstream's answer to one request, read and passed on to the client with framing of our own.
//
// Flushed as it comes (event streams, long polls), in fixed memory. While the upstream is silent the client
// is watched: when it goes, the upstream's work is not waited for.
#pragma once

#include <string>
#include <string_view>

#include "proxy/net/http_context.h"
#include "proxy/wire/http/chunked.h"
#include "proxy/wire/http/response.h"

namespace forestay::net {

class ResponseRelay {
  public:
    ResponseRelay(ClientExchange& exchange, ByteStream& upstream)
        : exchange_(exchange), upstream_(upstream) {}

    enum class Head : std::uint8_t {
        done,     // relay_body() next
        nothing,  // the connection ended before a byte came
        bad,      // no answer that can be passed on: problem()
        late,     // not in upstream.response_timeout
        client_gone,
    };
    // Skips interim answers.
    [[nodiscard]] Task<Head> read_head();
    [[nodiscard]] std::string_view problem() const noexcept { return problem_; }
    // Writes head and body to the client. True: the answer was whole, and the upstream's connection can be
    // used again. An answer that ends too early makes the exchange `aborted`: the client must not take it for
    // whole.
    [[nodiscard]] Task<bool> relay_body();

  private:
    enum class Body : std::uint8_t { piece, end, cut };

    [[nodiscard]] Task<Io> read(Duration timeout);
    [[nodiscard]] Task<Body> next_piece();
    [[nodiscard]] Body take_piece();
    [[nodiscard]] Body take_chunks();
    [[nodiscard]] std::string client_head() const;
    [[nodiscard]] Task<bool> write(std::string_view first, std::string_view piece, bool last);

    ClientExchange& exchange_;
    ByteStream& upstream_;
    std::string head_bytes_;  // what head_ looks into
    wire::http::ResponseHead head_;
    std::string_view problem_ = "upstream_closed";
    bool client_gone_ = false;
    bool to_chunks_ = false;  // how the client gets it
    wire::http::ChunkedReader chunks_;
    std::uint64_t left_ = 0;  // of a body with a length
    bool chunks_over_ = false;
    std::string joined_;    // the chunks of one read
    std::size_t used_ = 0;  // bytes of the stream's buffer that piece_ is
    std::string_view piece_;
};

}  // namespace forestay::net
