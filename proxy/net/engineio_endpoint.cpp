#include "proxy/net/engineio_endpoint.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proxy/net/client_limits.h"
#include "proxy/net/loop.h"
#include "proxy/net/routes.h"
#include "proxy/net/session_driver.h"
#include "proxy/net/upstream_set.h"

namespace forestay::net {

using wire::engineio::Revision;
using wire::engineio::Transport;

namespace {

HttpAnswer refusal(unsigned status, std::string body) {
    return {status, std::move(body), "application/json"};
}

// The bodies of the reference server: clients show them.
HttpAnswer unknown_sid() {
    return refusal(400, R"({"code":1,"message":"Session ID unknown"})");
}
HttpAnswer bad_method() {
    return refusal(400, R"({"code":2,"message":"Bad handshake method"})");
}
HttpAnswer bad_request() {
    return refusal(400, R"({"code":3,"message":"Bad request"})");
}
HttpAnswer forbidden() {
    return refusal(403, R"({"code":4,"message":"Forbidden"})");
}
HttpAnswer too_many(std::string_view limit) {
    HttpAnswer refused = refusal(503, R"({"code":3,"message":"Too many sessions"})");
    refused.retry_after = 1;
    refused.reason = limit;
    return refused;
}

// What the upstream is asked: the client's own path and query, with our transport. Some clients leave the
// last slash out; python answers that with the web application's 404.
std::unique_ptr<UpstreamHandshakeRequest> upstream_handshake(GuardedRequest& request) {
    auto handshake = std::make_unique<UpstreamHandshakeRequest>();
    handshake->target = request.target.substr(0, request.target.find('?'));
    if (!handshake->target.ends_with('/')) handshake->target += '/';
    handshake->revision = request.query.revision == Revision::v3 ? 3 : 4;
    handshake->query = std::move(request.query.user);
    handshake->fields = std::move(request.upstream_fields);
    return handshake;
}

// A session is good only for who opened it, whoever knows its name. Browsers send no Origin with a
// same-origin GET, so a request without one is held to the identity alone.
bool is_bound_to(const SessionOrigins& bound, std::string_view subject, std::string_view origin) {
    return bound.subject == subject && (origin.empty() || bound.origin.empty() || origin == bound.origin);
}

}  // namespace

struct EngineIoEndpoint::Impl final : SessionHost {
    explicit Impl(Loop& l) : loop(l) {
        for (auto& part : label_key) part = l.new_seed();
    }

    void session_over(SessionDriver& driver) override {
        const std::string sid = driver.sid();
        for (const std::string& name : {sid, driver.secret()}) forget_elsewhere(name);
        by_secret.erase(driver.secret());
        loop.shared().common->sessions -= sessions.erase(sid);
    }
    [[nodiscard]] Found take_over(SessionDriver& fresh, const std::string& secret) override;
    void move_session(SessionMove move) override;
    void arrive(SessionMove move);
    // A name that another loop gave out is known here no more: it need not send anybody any more.
    void forget_elsewhere(const std::string& name);
    void forget(const std::string& name, unsigned home);
    void post_to(unsigned index, std::function<void(Impl&)> task);
    void sids_swapped(SessionDriver& one, SessionDriver& other) override {
        std::swap(sessions.at(one.sid()), sessions.at(other.sid()));
    }
    [[nodiscard]] unsigned home_of(const std::string& name) const;
    [[nodiscard]] std::string label(const std::string& sid) const;
    [[nodiscard]] bool full() const {
        return loop.shared().common->sessions >= connections_most(loop.shared().options.limits);
    }
    // Why no session can begin now; empty: it can.
    [[nodiscard]] std::optional<HttpAnswer> refuse_session() const;
    // The session of a request that names one, or why not.
    [[nodiscard]] SessionDriver* find(const GuardedRequest& request, HttpAnswer& refused) const;
    SessionDriver& open(GuardedRequest request, session::Dialect dialect, bool websocket);

    Loop& loop;
    std::array<std::uint64_t, 4> label_key{};
    std::unordered_map<std::string, std::unique_ptr<SessionDriver>> sessions;  // by sid
    std::unordered_map<std::string, SessionDriver*> by_secret;                 // whose clients may come back
    // Sids and secrets of sessions that have begun here and gone to another loop: which.
    std::unordered_map<std::string, unsigned> moved;
    std::vector<EngineIoEndpoint*> all;  // by index of their loops
    bool closing = false;                // no session may come any more
};

// During an outage new clients are held like all others, but not for ever: whoever comes later is better off
// knowing.
std::optional<HttpAnswer> EngineIoEndpoint::Impl::refuse_session() const {
    if (full()) return too_many(loop.stats().hit(fullness(loop.shared().options.limits)));
    const auto down_since = loop.upstreams().down_since();
    if (!down_since || loop.now() - *down_since <= loop.shared().options.upstream.hold) return {};
    HttpAnswer refused = refusal(503, R"({"code":3,"message":"Upstream down"})");
    refused.retry_after = static_cast<unsigned>(loop.new_seed() % 5 + 1);
    return refused;
}

// What stands for a sid in logs: a sid is a secret, and lines of one session should be found together.
std::string EngineIoEndpoint::Impl::label(const std::string& sid) const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    HMAC(EVP_sha256(), label_key.data(), sizeof label_key, reinterpret_cast<const unsigned char*>(sid.data()),
         sid.size(), digest.data(), &size);
    std::string text;
    for (std::size_t i = 0; i < 4; ++i) {
        text += "0123456789abcdef"[digest[i] >> 4];
        text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
}

SessionDriver* EngineIoEndpoint::Impl::find(const GuardedRequest& request, HttpAnswer& refused) const {
    const auto found = sessions.find(request.query.sid);
    if (found == sessions.end() || found->second->is_plain()) {
        refused = unknown_sid();
        return nullptr;
    }
    const std::string_view subject =
        request.identity ? std::string_view(request.identity->subject) : std::string_view();
    if (!is_bound_to(found->second->origins(), subject, request.origin)) {
        ++loop.stats().sid_mismatches;
        refused = forbidden();
        return nullptr;
    }
    found->second->heard_again(request.upstream_fields);
    return found->second.get();
}

// A client that may not have the session leaves it as it was; one whose position is unknown ends it.
SessionHost::Found EngineIoEndpoint::Impl::take_over(SessionDriver& fresh, const std::string& secret) {
    auto found = by_secret.find(secret);
    if (found == by_secret.end()) {
        const unsigned index = home_of(secret);
        return index < all.size() && index != loop.index() ? Found::elsewhere : Found::no;
    }
    if (found->second == &fresh) return Found::no;
    const SessionOrigins& bound = found->second->origins();
    const SessionOrigins& claimed = fresh.origins();
    if (!is_bound_to(bound, claimed.subject, claimed.origin) || bound.path != claimed.path ||
        bound.connect_subject != claimed.connect_subject) {
        ++loop.stats().sid_mismatches;
        return Found::no;
    }
    found->second->leave_client();
    found = by_secret.find(secret);
    const bool taken = found != by_secret.end() && found->second->take_client(fresh);
    return taken ? Found::taken : Found::no;
}

unsigned EngineIoEndpoint::Impl::home_of(const std::string& name) const {
    const auto found = moved.find(name);
    return found == moved.end() ? Loop::index_in(name) : found->second;
}

void EngineIoEndpoint::Impl::post_to(unsigned index, std::function<void(Impl&)> task) {
    Impl& there = *all[index]->impl_;
    there.loop.post([&there, task = std::move(task)] {
        there.loop.read_clock();
        task(there);
    });
}

void EngineIoEndpoint::Impl::move_session(SessionMove move) {
    const unsigned index = home_of(move.wanted);
    moved.insert_or_assign(move.sid, index);
    moved.insert_or_assign(move.secret, index);
    const auto shared = std::make_shared<SessionMove>(std::move(move));
    post_to(index, [shared](Impl& there) { there.arrive(std::move(*shared)); });
}

void EngineIoEndpoint::Impl::arrive(SessionMove move) {
    auto session = session::Session::restore(loop.shared().policy, loop.stats().sessions, loop.workspace(),
                                             move.state, loop.now());
    if (closing || !std::holds_alternative<session::Session>(session)) {
        for (const std::string& name : {move.sid, move.secret}) forget_elsewhere(name);
        return;  // its connections close
    }
    std::string sid = std::move(move.sid);
    std::string wanted = std::move(move.wanted);
    const std::string secret = move.secret;
    auto driver = std::make_unique<SessionDriver>(loop, *this, std::move(std::get<session::Session>(session)),
                                                  std::move(move));
    SessionDriver& arrived = *driver;
    ++loop.shared().common->sessions;
    for (const std::string& name : {sid, secret}) moved.erase(name);
    by_secret.emplace(secret, driver.get());
    sessions.emplace(std::move(sid), std::move(driver));
    arrived.arrived(std::move(wanted));
}

void EngineIoEndpoint::Impl::forget_elsewhere(const std::string& name) {
    const unsigned index = Loop::index_in(name);
    if (index >= all.size() || index == loop.index() || moved.contains(name)) return;
    post_to(index, [name, home = loop.index()](Impl& there) { there.forget(name, home); });
}

// It may have gone from loop to loop.
void EngineIoEndpoint::Impl::forget(const std::string& name, unsigned home) {
    const auto found = moved.find(name);
    if (found == moved.end()) return;
    const unsigned next = found->second;
    moved.erase(found);
    if (next != home) post_to(next, [name, home](Impl& there) { there.forget(name, home); });
}

SessionDriver& EngineIoEndpoint::Impl::open(GuardedRequest request, session::Dialect dialect,
                                            bool websocket) {
    session::Setup setup;
    setup.dialect = dialect;
    setup.path = request.target.substr(0, request.target.find('?'));
    if (dialect == session::Dialect::plain) {
        const WebsocketPath* named = websocket_at(setup.path, loop.shared().options.websockets);
        if (named != nullptr && named->json) {
            setup.dialect = dialect = session::Dialect::json;
            setup.json_websocket = static_cast<std::uint32_t>(*named->json);
        }
    }
    setup.sid = loop.new_sid();
    setup.seed = loop.new_seed();
    setup.websocket = websocket;
    setup.credential_in_connect = request.credential_in_connect || !request.refused_code.empty();
    const session::ResumeClient& resume = loop.shared().policy.resume_client;
    if ((dialect == session::Dialect::json && resume.envelope) ||
        (dialect == session::Dialect::engineio4 && resume.recovery != session::Recovery::off)) {
        setup.secret = loop.new_sid();
    }
    SessionOrigins origins{
        {}, std::move(request.origin), setup.path, std::move(request.client_address), label(setup.sid), {},
        {}};
    if (request.identity) {
        if (loop.shared().authenticator) {
            setup.expires = identity_deadline(*request.identity, *loop.shared().authenticator, loop.now());
        }
        setup.who = request.identity->subject;
        origins.subject = std::move(request.identity->subject);
        origins.asked = std::move(request.asked);
    }
    std::unique_ptr<UpstreamHandshakeRequest> connect;
    if (dialect == session::Dialect::engineio3 || dialect == session::Dialect::engineio4)
        connect = upstream_handshake(request);
    std::string sid = setup.sid;
    const std::string secret = setup.secret;
    ClientPlaces places = std::move(request.places);
    auto driver = std::make_unique<SessionDriver>(loop, *this, std::move(setup), std::move(origins),
                                                  std::move(connect), std::move(request.refused_code));
    driver->take_places(std::move(places));
    ++loop.shared().common->sessions;
    if (!secret.empty()) by_secret.emplace(secret, driver.get());
    return *sessions.emplace(std::move(sid), std::move(driver)).first->second;
}

EngineIoEndpoint::EngineIoEndpoint(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}
EngineIoEndpoint::~EngineIoEndpoint() {
    impl_->loop.shared().common->sessions -= impl_->sessions.size();
}

EngineIoEndpoint::Exchange EngineIoEndpoint::poll(GuardedRequest request, AnswerHandler done) {
    impl_->loop.read_clock();
    HttpAnswer refused = bad_request();
    SessionDriver* driver = nullptr;
    if (request.query.transport == Transport::polling) {
        if (!request.query.sid.empty()) {
            driver = impl_->find(request, refused);
        } else if (std::optional<HttpAnswer> not_now = impl_->refuse_session()) {
            refused = std::move(*not_now);
        } else {
            const bool eio3 = request.query.revision == Revision::v3;
            driver = &impl_->open(std::move(request),
                                  eio3 ? session::Dialect::engineio3 : session::Dialect::engineio4, false);
        }
    }
    if (driver == nullptr) {
        done(std::move(refused));
        return {};
    }
    Exchange exchange{0, driver->sid()};
    exchange.id = driver->poll(std::move(done));
    return exchange;
}

EngineIoEndpoint::Exchange EngineIoEndpoint::post(GuardedRequest request, std::string body,
                                                  AnswerHandler done) {
    impl_->loop.read_clock();
    HttpAnswer refused = request.query.sid.empty() ? bad_method() : bad_request();
    SessionDriver* driver = nullptr;
    if (request.query.transport == Transport::polling && !request.query.sid.empty())
        driver = impl_->find(request, refused);
    if (driver == nullptr) {
        done(std::move(refused));
        return {};
    }
    Exchange exchange{0, driver->sid()};
    exchange.id = driver->post(body, std::move(done));
    return exchange;
}

void EngineIoEndpoint::written(const Exchange& exchange) {
    impl_->loop.read_clock();
    const auto found = impl_->sessions.find(exchange.sid);
    if (found != impl_->sessions.end()) found->second->exchange_written(exchange.id);
}

void EngineIoEndpoint::lost(const Exchange& exchange) {
    impl_->loop.read_clock();
    const auto found = impl_->sessions.find(exchange.sid);
    if (found != impl_->sessions.end()) found->second->exchange_lost(exchange.id);
}

std::optional<HttpAnswer> EngineIoEndpoint::refuse_upgrade(const GuardedRequest& request) const {
    if (request.query.transport != Transport::websocket) return bad_request();
    if (request.query.sid.empty()) return impl_->refuse_session();
    HttpAnswer refused;
    const SessionDriver* driver = impl_->find(request, refused);
    if (driver == nullptr) return refused;
    const bool polling = driver->client_state() == session::ClientState::polling;
    if (!polling || driver->has_websocket()) return bad_request();
    return std::nullopt;
}

void EngineIoEndpoint::upgraded(GuardedRequest request, Socket socket, std::string early) {
    impl_->loop.read_clock();
    if (refuse_upgrade(request)) return;  // things have changed while the 101 was written
    SessionDriver* driver = nullptr;
    if (request.query.sid.empty()) {
        const bool eio3 = request.query.revision == Revision::v3;
        driver = &impl_->open(std::move(request),
                              eio3 ? session::Dialect::engineio3 : session::Dialect::engineio4, true);
    } else {
        HttpAnswer refused;
        driver = impl_->find(request, refused);
    }
    if (driver != nullptr) driver->upgraded(std::move(socket), early);
}

void EngineIoEndpoint::plain(GuardedRequest request, Socket client, std::string early_client, Socket upstream,
                             std::string early_upstream) {
    impl_->loop.read_clock();
    impl_->open(std::move(request), session::Dialect::plain, true)
        .plain(std::move(client), early_client, std::move(upstream), early_upstream);
}

void EngineIoEndpoint::introduce(const std::vector<EngineIoEndpoint*>& all) {
    impl_->all = all;
}

unsigned EngineIoEndpoint::home_of(const std::string& sid) const {
    return impl_->sessions.contains(sid) ? impl_->loop.index() : impl_->home_of(sid);
}

void EngineIoEndpoint::shutdown() {
    impl_->loop.read_clock();
    impl_->closing = true;
    std::vector<std::string> sids;
    for (const auto& [sid, driver] : impl_->sessions) sids.push_back(sid);
    for (const std::string& sid : sids) {
        const auto found = impl_->sessions.find(sid);
        if (found != impl_->sessions.end()) found->second->shutdown();
    }
}

void EngineIoEndpoint::shed(std::size_t bytes) {
    constexpr std::size_t worth_it = 16 << 10;
    impl_->loop.read_clock();
    std::vector<std::pair<std::size_t, std::string>> heavy;
    for (const auto& [sid, driver] : impl_->sessions) {
        if (driver->bytes() >= worth_it) heavy.emplace_back(driver->bytes(), sid);
    }
    std::sort(heavy.begin(), heavy.end(), std::greater<>());
    std::size_t freed = 0;
    for (const auto& [size, sid] : heavy) {
        if (freed >= bytes) return;
        freed += size;
        const auto found = impl_->sessions.find(sid);
        if (found != impl_->sessions.end()) found->second->shed();
    }
}

std::size_t EngineIoEndpoint::sessions() const {
    return impl_->sessions.size();
}

}  // namespace forestay::net
