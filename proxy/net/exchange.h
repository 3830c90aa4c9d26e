// One HTTP request as the routes see it, and what they answer: the seam between the HTTP connection
// (http_connection.*, which reads, guards and writes) and the Engine.IO endpoint (engineio_endpoint.*, which
// owns the sessions).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/auth/authenticator.h"
#include "proxy/net/client_table.h"
#include "proxy/wire/engineio/query.h"
#include "proxy/wire/http/forwarding.h"

namespace forestay::net {

struct ForwardQuestion;  // forward_auth.h

// A request that passed the gate, the origin check and (where its path is protected) the credential check.
struct GuardedRequest {
    std::string method;
    std::string target;
    wire::engineio::Query query;              // parsed
    wire::http::OwnedFields upstream_fields;  // what the upstream handshake will carry (forwarded_fields)
    std::vector<std::string> protocols;       // offered subprotocols
    std::string client_address;               // for logs: the address behind trusted proxies
    std::string origin;                       // canonical, empty when there was none
    std::optional<auth::Identity> identity;   // empty: not needed, or it comes with CONNECT
    bool credential_in_connect = false;       // protected, nothing presented yet, CONNECT may bring it
    // The credential was refused (name of the auth::errc), and auth.refuse_with is connect_error: the
    // upstream hears nothing of this client; its CONNECT is answered with CONNECT_ERROR and this code. Empty:
    // not refused.
    std::string refused_code;
    // Who it is was said by a forward-auth server, asked this. Null: by somebody else.
    std::shared_ptr<const ForwardQuestion> asked;
    ClientPlaces places;  // of a client that is new; empty: nobody counts
};

struct HttpAnswer {
    unsigned status = 200;
    std::string body;
    std::string_view content_type = "text/plain; charset=UTF-8";
    unsigned retry_after = 0;              // seconds, as the field; 0: without
    std::string_view reason = "engineio";  // of a refusal, for the journal: a literal of ours
};

// A polling exchange that waits for its answer. `done` is called exactly once, on the loop, unless lost()
// came before.
using AnswerHandler = std::function<void(HttpAnswer)>;

}  // namespace forestay::net
