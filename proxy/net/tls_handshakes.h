// How TLS handshakes end: counted, and failures told to the log.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/net/socket.h"

namespace forestay::net {

class Loop;

enum class TlsSide : std::uint8_t { client, upstream };

void count_tls(Loop& loop, TlsSide side);  // one that succeeded
// After Socket::handshake() has failed, before anything else is done with TLS on this thread; or it took too
// long.
void tell_client_tls_failure(Loop& loop, const Socket& socket, std::string_view address, bool timed_out);
void tell_upstream_tls_failure(Loop& loop, const Socket& socket);

}  // namespace forestay::net
