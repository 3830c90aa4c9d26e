// What the rest of the program is told: plain structs, no YAML, no units to parse.
#pragma once

#include <optional>
#include <vector>

#include "proxy/auth/options.h"
#include "proxy/net/options.h"
#include "proxy/net/tls_options.h"
#include "proxy/session/policy.h"
#include "proxy/telemetry/log.h"

namespace forestay::config {

struct Config {
    net::Options net;                          // without UpstreamUrl::tls
    std::optional<net::TlsServerOptions> tls;  // for the listeners that say so
    // By net.upstream.urls; empty where the URL is not https.
    std::vector<std::optional<net::TlsClientOptions>> upstream_tls;
    session::Policy session;
    auth::AuthOptions auth;
    auth::OriginOptions origins;
    telemetry::LogOptions log;
    unsigned threads = 1;  // loops; `auto` is resolved
};

}  // namespace forestay::config
