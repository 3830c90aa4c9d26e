#include "tests/simulation/world.h"

#include <utility>

#include "tests/simulation/client_model.h"
#include "tests/simulation/memory_meter.h"
#include "tests/simulation/upstream_model.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using session::CloseReason;

namespace {

constexpr std::string_view sid = "simulatedsession0001";

std::size_t bytes_of(const session::Workspace& workspace) {
    std::size_t bytes =
        workspace.unmasked.capacity() + workspace.actions.capacity() * sizeof(session::Action);
    for (const auto& made : workspace.made) bytes += made.capacity() + sizeof made;
    return bytes;
}

std::string shown(std::string_view bytes) {
    std::string text;
    for (const char c : bytes.substr(0, 160)) {
        const auto byte = static_cast<unsigned char>(c);
        constexpr std::string_view digits = "0123456789abcdef";
        if (byte >= 0x20 && byte < 0x7f)
            text += c;
        else
            text.append({'\\', digits[byte >> 4U], digits[byte & 15U]});
    }
    return text + (bytes.size() > 160 ? "..." : "");
}

}  // namespace

World::World(const Scenario& scenario, std::uint64_t cutting, session::Workspace& workspace, Detail detail,
             Moving moving)
    : scenario_(scenario),
      shell_random_(scenario.seed ^ 0x1),
      network_random_(scenario.seed ^ 0x2),
      cut_random_(cutting),
      ledger_(scenario, stats_, schedule_),
      workspace_(workspace),
      detail_(detail),
      client_(std::make_unique<ClientModel>(*this, Random(scenario.seed ^ 0x3))),
      upstream_(std::make_unique<UpstreamModel>(*this, Random(scenario.seed ^ 0x4))) {
    if (moving == Moving::at_random) move_random_.emplace(scenario.seed ^ 0x5);
}

World::~World() = default;

void World::note(std::string what) {
    if (detail_ == Detail::none) return;
    const auto since = std::chrono::duration<double>(schedule_.now().time_since_epoch() - 1h).count();
    char time[32];
    std::snprintf(time, sizeof time, "%10.6f  ", since);
    result_.log.push_back(time + std::move(what));
}

void World::trace(std::string_view what, std::string_view bytes, std::uint64_t number) {
    std::uint64_t hash = result_.trace;
    for (const std::string_view part : {what, bytes})
        for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash = (hash ^ number) * 0x100000001b3ULL;
    result_.trace =
        (hash ^ static_cast<std::uint64_t>(schedule_.now().time_since_epoch().count())) * 0x100000001b3ULL;
    if (detail_ == Detail::everything)
        note("    " + std::string(what) + " " + (number != 0 ? std::to_string(number) + " " : "") +
             shown(bytes));
}

Result World::run() {
    try {
        live();
    } catch (const Violation& violation) {
        result_.violation = violation.what();
        note("VIOLATION: " + result_.violation);
    }
    result_.outcome = ledger_.outcome();
    return std::move(result_);
}

void World::live() {
    MemoryMeter::reset();
    session::Setup setup;
    setup.dialect = scenario_.kind == Kind::plain ? session::Dialect::plain
                    : is_v3(scenario_.kind)       ? session::Dialect::engineio3
                                                  : session::Dialect::engineio4;
    setup.sid = sid;
    setup.seed = scenario_.seed;
    setup.websocket = !starts_polling(scenario_.kind);
    setup.credential_in_connect = scenario_.credential;
    {
        const MemoryMeter meter;
        session_ =
            std::make_unique<session::Session>(scenario_.policy, stats_, workspace_, setup, schedule_.now());
    }
    result_.steps = 0;
    if (scenario_.kind == Kind::plain) open_upstream_socket();
    client_->start();
    upstream_->start();
    tick_when_due();
    run_until(schedule_.now() + scenario_.length);
    resting_ = true;
    note("rest");
    client_->rest();
    upstream_->rest();
    // A client that polls over a long way catches up slowly: so many packets per answer.
    run_until(schedule_.now() + (starts_polling(scenario_.kind) ? 180s : 45s));
    if (!over_) {
        client_->check_at_rest();
        upstream_->check_at_rest();
        ledger_.check_complete(client_->left_a_namespace());
        client_->leave();
        run_until(schedule_.now() + scenario_.policy.ping_interval + scenario_.policy.ping_timeout * 2 + 20s);
    }
    require(over_, "the session does not end");
    run_until(schedule_.now() + 1s);
    require(session_->ended() && session_->next_deadline() == session::never,
            "a session has a deadline after its end");
    session_->handle(session::input::Tick{}, schedule_.now());
    require(!session_->next_action(), "a session acts after its end");
    session_.reset();
    ledger_.check_totals();
}

void World::run_until(TimePoint when) {
    while (schedule_.next() <= when) {
        schedule_.run_next();
        if (++result_.steps > 3'000'000) throw Violation("the world does not come to rest");
    }
    schedule_.advance(when);
}

void World::input(const session::Input& one) {
    if (over_) return;
    require(!taking_, "the simulator handed in an input between two actions");
    {
        const MemoryMeter meter;
        session_->handle(one, schedule_.now());
    }
    take_actions();
    if (over_) return;
    report_blocked(true);
    report_blocked(false);
    if (over_) return;
    check_bounds();
    ledger_.check_deadlines();
    tick_when_due();
    if (move_random_ && move_random_->chance(5)) move_session();
}

// To bytes and back: nobody may notice, so nothing of it is traced.
void World::move_session() {
    note("moved");
    const std::string bytes = session_->snapshot(schedule_.now());
    {
        const MemoryMeter meter;
        session_.reset();
        auto restored =
            session::Session::restore(scenario_.policy, stats_, workspace_, bytes, schedule_.now());
        auto* const session = std::get_if<session::Session>(&restored);
        require(session != nullptr, "a session cannot be restored");
        session_ = std::make_unique<session::Session>(std::move(*session));
    }
    require(session_->snapshot(schedule_.now()) == bytes, "a restored session is another one");
}

void World::take_actions() {
    taking_ = true;
    while (const auto action = session_->next_action()) {
        require(!over_, "an action after the end");
        std::visit([this](const auto& one) { on(one); }, *action);
    }
    taking_ = false;
    require(session_->ended() == over_, "ended() and the End action do not agree");
}

void World::tick_when_due() {
    const TimePoint due = session_->next_deadline();
    if (due == tick_at_) return;
    tick_at_ = due;
    const std::uint64_t mine = ++ticks_;
    if (due == session::never) return;
    const TimePoint when = due < TimePoint{} ? schedule_.now() : due + scenario_.tick_lateness;
    schedule_.at(when, [this, mine] {
        if (mine != ticks_ || over_) return;
        tick_at_ = session::never;
        trace("Tick");
        const TimePoint due_now = session_->next_deadline();
        input(session::input::Tick{});
        if (!over_ && session_->next_deadline() == due_now && due_now <= schedule_.now())
            throw Violation("a deadline that is due stays due after a Tick");
    });
}

void World::check_bounds() {
    const auto& limits = scenario_.policy.limits;
    const auto pending = [](const Socket* socket) {
        return socket != nullptr && socket->open && socket->blocked ? socket->to_peer->waiting() : 0;
    };
    // What one input can bring on top of the bound: a message and its frame heads, some fallbacks and pings.
    require(pending(client_socket_) <= 2 * limits.message_bytes + limits.outbox_bytes + 65536,
            "a client that does not read has too much waiting for it");
    require(pending(upstream_socket_) <= 2 * limits.message_bytes + limits.held_bytes + 65536,
            "an upstream that does not read has too much waiting for it");
    const auto requests = 600 * ledger_.client_sent();
    const auto bound = 512 * 1024 + 12 * limits.message_bytes +
                       4 * (limits.outbox_bytes + limits.held_bytes) + requests + bytes_of(workspace_);
    require(MemoryMeter::held() <= static_cast<std::ptrdiff_t>(bound), "the session holds too much memory");
}

// ---- sockets

Socket& World::new_socket(bool client) {
    sockets_.push_back(std::make_unique<Socket>());
    Socket& socket = *sockets_.back();
    const auto latency = client ? scenario_.client_latency : scenario_.upstream_latency;
    socket.to_session = std::make_unique<Pipe>(
        schedule_, latency, &cut_random_,
        [this, client, &socket](std::string_view bytes) { bytes_from(client, socket, bytes); },
        [this, client, &socket] {
            if (!std::exchange(socket.open, false)) return;
            trace(client ? "ClientLost" : "UpstreamLost");
            if (client)
                input(session::input::ClientLost{});
            else
                input(session::input::UpstreamLost{});
        });
    socket.to_peer = std::make_unique<Pipe>(
        schedule_, latency, nullptr,
        [this, client, &socket](std::string_view bytes) {
            if (client)
                client_->socket_bytes(socket, bytes);
            else
                upstream_->socket_bytes(socket, bytes);
        },
        [this, client, &socket] {
            if (client)
                client_->socket_ended(socket);
            else
                upstream_->socket_ended(socket);
        });
    return socket;
}

void World::bytes_from(bool client, Socket& socket, std::string_view bytes) {
    if (!socket.open || over_) return;
    // Exactly these bytes, in memory of their own: reading past them, or after the actions, is found by a
    // sanitizer.
    const std::vector<char> copy(bytes.begin(), bytes.end());
    const std::string_view view(copy.data(), copy.size());
    trace(client ? "ClientBytes" : "UpstreamBytes", view);
    if (client)
        input(session::input::ClientBytes{view});
    else
        input(session::input::UpstreamBytes{view});
}

Socket& World::open_client_socket() {
    Socket& socket = new_socket(true);
    if (scenario_.kind == Kind::plain) {  // both legs are there from the start
        client_socket_ = &socket;
        return socket;
    }
    socket.open = false;
    schedule_.after(scenario_.client_latency, [this, &socket] {
        const bool busy = client_socket_ != nullptr && client_socket_->open;
        if (over_ || busy) {  // the shell refuses a second one
            socket.to_session->cut();
            socket.to_peer->finish();
            return;
        }
        socket.open = true;
        client_socket_ = &socket;
        trace("ClientUpgraded");
        input(session::input::ClientUpgraded{});
    });
    return socket;
}

void World::open_upstream_socket() {
    upstream_socket_ = &new_socket(false);
    upstream_->opened(*upstream_socket_);
}

void World::reset(Socket& socket) {
    socket.to_session->cut();
    socket.to_peer->cut();
    if (!std::exchange(socket.open, false)) return;
    const bool client = &socket == client_socket_;
    trace(client ? "ClientLost reset" : "UpstreamLost reset");
    if (client)
        input(session::input::ClientLost{true});
    else
        input(session::input::UpstreamLost{true});
}

void World::client_reads(bool reads) {
    if (client_socket_ == nullptr || !client_socket_->open) return;
    Socket& socket = *client_socket_;
    socket.to_peer->hold(!reads);
    if (!reads) return;
    schedule_.after(2us, [this, &socket] {
        socket.reported = 0;
        if (!std::exchange(socket.blocked, false) || !socket.open) return;
        trace("ClientDrained");
        input(session::input::ClientDrained{});
    });
}

void World::upstream_reads(bool reads) {
    if (upstream_socket_ == nullptr || !upstream_socket_->open) return;
    Socket& socket = *upstream_socket_;
    socket.to_peer->hold(!reads);
    if (!reads) return;
    schedule_.after(2us, [this, &socket] {
        socket.reported = 0;
        if (!std::exchange(socket.blocked, false) || !socket.open) return;
        trace("UpstreamDrained");
        input(session::input::UpstreamDrained{});
    });
}

// What was written while the peer does not read waits in the shell, which says so.
void World::report_blocked(bool client) {
    Socket* socket = client ? client_socket_ : upstream_socket_;
    if (socket == nullptr || !socket->open || over_) return;
    const std::size_t pending = socket->to_peer->held_back();
    if (pending <= socket->reported) return;
    socket->reported = pending;
    socket->blocked = true;
    trace(client ? "ClientBlocked" : "UpstreamBlocked", {}, pending);
    if (client)
        input(session::input::ClientBlocked{pending});
    else
        input(session::input::UpstreamBlocked{pending});
}

}  // namespace forestay::simulation
