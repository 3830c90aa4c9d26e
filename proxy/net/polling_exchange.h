// One Engine.IO request over polling: its body to the session, the session's answer back.
#pragma once

#include "proxy/net/http_context.h"

namespace forestay::net {

[[nodiscard]] Task<void> serve_polling(ClientExchange& exchange, GuardedRequest request);

}  // namespace forestay::net
