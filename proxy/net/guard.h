// Who may pass: the origin of a page and the credential of a client, before the upstream hears anything.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/client_facts.h"
#include "proxy/net/exchange.h"
#include "proxy/net/forward_auth.h"
#include "proxy/net/loop.h"
#include "proxy/net/reply.h"
#include "proxy/net/routes.h"
#include "proxy/wire/http/head.h"

namespace forestay::net {

// What the guard cannot say alone.
struct ForwardPending {
    std::shared_ptr<const ForwardQuestion> question;
    auth::errc local{};  // why the other methods let nobody in
    std::string given;   // the credential that was given on purpose
};

struct Guarded {
    std::optional<Reply> refusal;  // or another answer of ours: nobody else hears of the request. Counted
    GuardedRequest request;
    std::optional<ForwardPending> pending;  // the forward-auth server has to be asked; guard_further() next
    wire::http::OwnedFields cookies;        // that it sets
    wire::http::OwnedFields cors;  // for whatever is answered, refusals behind the origin check included
};

// Checks what the route asks for. `protocols`: offered subprotocols of an upgrade. Views are read during the
// call only.
[[nodiscard]] Guarded guard(Loop& loop, const wire::http::RequestHead& head, Route route,
                            const ClientFacts& client, const std::vector<std::string_view>& protocols);

// The same request, with what the forward-auth server says to guarded.pending.
void guard_further(Loop& loop, const wire::http::RequestHead& head, Route route, const ClientFacts& client,
                   const std::vector<std::string_view>& protocols, const ForwardAnswer& answer,
                   Guarded& guarded);

// The marker of a credential among the offered subprotocols ("bearer"): what we answer when the upstream
// selects nothing, because browsers close a websocket that offered some and got none. Empty: there is none.
[[nodiscard]] std::string_view credential_marker(const auth::AuthOptions& options,
                                                 const std::vector<std::string_view>& protocols);

}  // namespace forestay::net
