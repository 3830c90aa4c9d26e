// Who is asking, as far as the peers that we trust say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/certificate.h"
#include "proxy/net/options.h"
#include "proxy/wire/http/head.h"

namespace forestay::net {

struct ClientFacts {
    std::string address;  // the first address from the right that is no trusted proxy
    std::string
        forwarded_for;   // X-Forwarded-For for the upstream: that address, and the trusted hops behind it
    std::string scheme;  // http or https, as the client used it
    std::string host;    // Host as the client used it
    bool by_trusted_proxy = false;                   // the other end of the socket is one
    const auth::Certificate* certificate = nullptr;  // of the connection, which outlives this; null: none
};

// `peer` is the address of the other end of the socket, a unix socket's is 127.0.0.1; `scheme` is how it came
// to us.
[[nodiscard]] ClientFacts client_facts(const wire::http::RequestHead& head, std::string_view peer,
                                       std::string_view scheme, const std::vector<Network>& trusted);
[[nodiscard]] bool is_trusted(std::string_view address, const std::vector<Network>& trusted);

}  // namespace forestay::net
