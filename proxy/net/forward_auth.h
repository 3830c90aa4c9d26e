// Forward authentication: another server judges a request by what it is told of it. The semantics of nginx's
// auth_request and of Traefik's forwardAuth.
//
// It fails closed: what is neither an allowance (2xx) nor a denial (401, 403, a redirect) lets nobody in.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/auth/authenticator.h"
#include "proxy/net/client_facts.h"
#include "proxy/net/routes.h"
#include "proxy/wire/http/forwarding.h"
#include "proxy/wire/http/head.h"

namespace forestay::net {

class Loop;

// All that the server is told of a request. Two that are the same get the same answer.
struct ForwardQuestion {
    wire::http::OwnedFields fields;
    std::string client;  // who asks, as addresses are counted
};

// Cookie, Authorization and the other headers of auth.from, Accept, X-Requested-With; and of the request what
// nginx's and Traefik's users expect. The parameters of Engine.IO stay here: a sid is a secret.
[[nodiscard]] ForwardQuestion forward_question(const wire::http::RequestHead& head, Route route,
                                               const ClientFacts& client, const auth::AuthOptions& options);

struct ForwardAnswer {
    enum class What : std::uint8_t { allowed, denied, redirected, failed };
    What what = What::failed;
    unsigned status = 503;    // for the client, unless it is allowed
    auth::Identity identity;  // allowed
    auth::errc refusal{};     // denied, redirected
    // For the client. Allowed: Set-Cookie; denied: WWW-Authenticate; redirected: Location and Set-Cookie.
    wire::http::OwnedFields fields;
};

// What an answer of the server means.
[[nodiscard]] ForwardAnswer read_forward_answer(unsigned status, const wire::http::OwnedFields& fields,
                                                const auth::ForwardOptions& options);
// For how long an answer may be given again: its Cache-Control max-age, at most a minute.
[[nodiscard]] std::chrono::seconds forward_answer_lasts(const wire::http::OwnedFields& fields);

class ForwardAuth {
  public:
    // Throws std::runtime_error when the URL is none.
    ForwardAuth(Loop& loop, const auth::ForwardOptions& options);
    ~ForwardAuth();

    using Done = std::function<void(const ForwardAnswer&)>;
    // One request for all who ask the same at once. Denials are remembered for 2 s, allowances as long as the
    // server says. `done` is called once, on the loop, maybe before this returns; never after the loop ended.
    void ask(const ForwardQuestion& question, Done done);
    [[nodiscard]] const auth::ForwardOptions& options() const noexcept;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace forestay::net
