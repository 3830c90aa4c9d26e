// GETs something from one other server, off the data path: key sets, verdicts.
//
// It trusts that server with little: a deadline on the whole, bounds on head and body, redirects are answers
// like others and not followed, certificates are verified. What is odd closes the connection. One io_context;
// nothing here is thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/net/options.h"
#include "proxy/net/task.h"
#include "proxy/wire/http/forwarding.h"
#include "proxy/wire/http/url.h"

namespace boost::asio {
class io_context;
}

namespace forestay::net {

struct HttpClientOptions {
    wire::http::Url url;  // the server; its target is for the user to give
    std::string ca_file;  // PEM, https only; empty: the system's authorities
    Duration timeout{5'000};
    std::size_t header_bytes = 16 << 10;
    std::size_t body_bytes = 256 << 10;
    std::size_t connections = 64;  // at once; one more request is `busy`
    std::size_t idle_connections = 4;
    Duration idle_time{15'000};
};

// What became of a request.
enum class Fetch : std::uint8_t {
    ok,            // there is an answer, of any status
    unresolved,    // no address for the name
    unreachable,   // no connection
    bad_tls,       // no handshake, or a certificate that does not verify
    timed_out,     // not whole in time
    closed,        // the connection ended before the answer
    bad_response,  // no HTTP/1.x, or bytes that could be read in two ways
    too_large,     // head or body beyond the bound
    bad_request,   // a target or field with a control character: not sent
    busy           // too many at once: not sent
};
constexpr Fetch fetch_last = Fetch::busy;
// "ok", "unresolved", ...
[[nodiscard]] std::string_view name(Fetch what) noexcept;

struct Fetched {
    Fetch what = Fetch::ok;
    std::string detail;  // of a failure, for the log: "certificate verify failed"
    unsigned status = 0;
    wire::http::OwnedFields fields;
    std::string body;

    // The first field of that name (ASCII case-insensitive); null: none.
    [[nodiscard]] const std::string* find(std::string_view field) const noexcept;
};

class HttpClient {
  public:
    // Throws std::runtime_error when `ca_file` cannot be used.
    HttpClient(boost::asio::io_context& context, HttpClientOptions options);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // Host and Connection are ours, all other fields the caller's. Never throws for what the network does.
    // May outlive the client.
    [[nodiscard]] Task<Fetched> get(std::string target, wire::http::OwnedFields fields);

  private:
    struct Pool;
    struct Job;
    std::shared_ptr<Pool> pool_;
};

}  // namespace forestay::net
