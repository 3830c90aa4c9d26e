// The reverse proxy: one ordinary request to the app and its answer back, streamed both ways in fixed memory.
//
// The request is framed anew with Content-Length: a body in chunks goes to a temporary file first, because
// WSGI servers mishandle chunks. The answer is framed anew too: by length, in chunks, or (HTTP/1.0 clients)
// by the end of the connection.
#pragma once

#include "proxy/net/http_context.h"

namespace forestay::net {

// `fields`: of forwarded_fields().
[[nodiscard]] Task<void> forward_http(ClientExchange& exchange, const wire::http::OwnedFields& fields);

}  // namespace forestay::net
