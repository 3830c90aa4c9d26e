#include "proxy/net/tls_handshakes.h"

#include <string>

#include "proxy/net/loop.h"

namespace forestay::net {
namespace {

std::string name(TlsResult result) {
    return std::string(tls_result_names[static_cast<std::size_t>(result)]);
}

void count(Loop& loop, TlsSide side, TlsResult result) {
    ++loop.stats().tls_handshakes[static_cast<std::size_t>(side)][static_cast<std::size_t>(result)];
}

}  // namespace

void count_tls(Loop& loop, TlsSide side) {
    count(loop, side, TlsResult::ok);
}

void tell_client_tls_failure(Loop& loop, const Socket& socket, std::string_view address, bool timed_out) {
    TlsError error{TlsResult::timed_out, "no handshake within limits.header_timeout"};
    if (!timed_out) error = handshake_error(socket.tls(), socket.last_result());
    count(loop, TlsSide::client, error.result);
    if (!loop.shared().journal) return;
    loop.shared().journal(
        {Level::info,
         "tls_failed",
         {{"client", std::string(address)}, {"reason", name(error.result)}, {"detail", error.text}}});
}

void tell_upstream_tls_failure(Loop& loop, const Socket& socket) {
    const TlsError error = handshake_error(socket.tls(), socket.last_result());
    count(loop, TlsSide::upstream, error.result);
    if (!loop.shared().journal) return;
    loop.shared().journal(
        {Level::warning, "upstream_tls_failed", {{"reason", name(error.result)}, {"detail", error.text}}});
}

}  // namespace forestay::net
