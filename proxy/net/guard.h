// Who may pass: the origin of a page and the credential of a client, before the upstream hears anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/client_facts.h"
#include "proxy/net/exchange.h"
#include "proxy/net/loop.h"
#include "proxy/net/reply.h"
#include "proxy/net/routes.h"
#include "proxy/wire/http/head.h"

namespace forestay::net {

struct Guarded {
    std::optional<Reply> refusal;  // or another answer of ours: nobody else hears of the request. Counted
    GuardedRequest request;
    wire::http::OwnedFields cors;  // for whatever is answered, refusals behind the origin check included
};

// Checks what the route asks for. `protocols`: offered subprotocols of an upgrade. Views are read during the
// call only.
[[nodiscard]] Guarded guard(Loop& loop, const wire::http::RequestHead& head, Route route,
                            const ClientFacts& client, const std::vector<std::string_view>& protocols);

// The marker of a credential among the offered subprotocols ("bearer"): what we answer when the upstream
// selects nothing, because browsers close a websocket that offered some and got none. Empty: there is none.
[[nodiscard]] std::string_view credential_marker(const auth::AuthOptions& options,
                                                 const std::vector<std::string_view>& protocols);

}  // namespace forestay::net
