#include "tests/simulation/shell.h"

#include <utility>
#include <variant>

#include "tests/simulation/memory_meter.h"
#include "tests/simulation/upstream_model.h"
#include "tests/simulation/world.h"

namespace forestay::simulation {

using namespace std::chrono_literals;
using session::UpstreamState;

namespace {

std::size_t bytes_of(const session::Workspace& workspace) {
    std::size_t bytes =
        workspace.unmasked.capacity() + workspace.actions.capacity() * sizeof(session::Action);
    for (const auto& made : workspace.made) bytes += made.capacity() + sizeof made;
    return bytes;
}

}  // namespace

Shell::Shell(World& world, unsigned number, session::Setup setup, ClientLink& link)
    : world_(world), number_(number), secret_(setup.secret), link_(&link) {
    const MemoryMeter meter;
    session_ = std::make_unique<session::Session>(world.scenario().policy, world.stats(), world.workspace(),
                                                  std::move(setup), world.schedule().now());
}

Shell::~Shell() = default;

void Shell::start() {
    link_->serve(this);
    if (world_.scenario().kind == Kind::plain) open_upstream_socket();
    tick_when_due();
}

void Shell::trace(std::string_view what, std::string_view bytes, std::uint64_t number) {
    world_.trace(number_, what, bytes, number);
}

bool Shell::attached() const {
    if (!session_) return false;
    const auto state = session_->upstream_state();
    return state == UpstreamState::attached || state == UpstreamState::stalled;
}

void Shell::input(const session::Input& one) {
    if (over_) return;
    require(!taking_, "the simulator handed in an input between two actions");
    {
        const MemoryMeter meter;
        session_->handle(one, world_.schedule().now());
    }
    after_input();
}

void Shell::after_input() {
    take_actions();
    if (!over_) {
        if ((attached() && joined_ && life_->owes_nothing()) ||
            session_->upstream_state() == UpstreamState::idle)
            outage_over();
        else if (outage_since_ == session::never)
            outage_since_ =
                world_.schedule().now() < outage_over_at_ + 3s ? last_outage_since_ : world_.schedule().now();
        if (wanted_) return reunite(*std::exchange(wanted_, std::nullopt));
        if (link_ != nullptr) link_->report_blocked();
    }
    if (!over_) report_upstream_blocked();
    if (over_) return;
    check_bounds();
    world_.ledger().check_deadlines();
    world_.gate().check_places();
    tick_when_due();
    if (world_.move_now()) move_session();
}

// To bytes and back: nobody may notice, so nothing of it is traced.
void Shell::move_session() {
    world_.note("moved");
    const auto now = world_.schedule().now();
    const std::string bytes = session_->snapshot(now);
    {
        const MemoryMeter meter;
        session_.reset();
        auto restored = session::Session::restore(world_.scenario().policy, world_.stats(),
                                                  world_.workspace(), bytes, now);
        auto* const session = std::get_if<session::Session>(&restored);
        require(session != nullptr, "a session cannot be restored");
        session_ = std::make_unique<session::Session>(std::move(*session));
    }
    require(session_->snapshot(now) == bytes, "a restored session is another one");
}

void Shell::outage_over() {
    if (outage_since_ == session::never) return;
    last_outage_since_ = std::exchange(outage_since_, session::never);
    outage_over_at_ = world_.schedule().now();
}

// So long that the session may end by it. For the session it lasts until all its CONNECTs have their replies,
// some of which may be on their way.
bool Shell::outage_too_long() const {
    const auto hold = world_.scenario().policy.resume_upstream.hold;
    const auto now = world_.schedule().now();
    if (hold == 0ms) return false;
    if (outage_since_ != session::never) return now >= outage_since_ + hold;
    return now < outage_over_at_ + 3s && now >= last_outage_since_ + hold;
}

void Shell::take_actions() {
    taking_ = true;
    while (const auto action = session_->next_action()) {
        require(!over_, "an action after the end");
        std::visit([this](const auto& one) { on(one); }, *action);
    }
    taking_ = false;
    require(goodbyes_.empty(), "a second POST at the upstream");
    require(session_->ended() == over_, "ended() and the End action do not agree");
}

void Shell::tick_when_due() {
    const TimePoint due = session_->next_deadline();
    if (due == tick_at_) return;
    tick_at_ = due;
    const std::uint64_t mine = ++ticks_;
    if (due == session::never) return;
    auto& schedule = world_.schedule();
    const TimePoint when = due < TimePoint{} ? schedule.now() : due + world_.scenario().tick_lateness;
    schedule.at(when, [this, mine] {
        if (mine != ticks_ || over_) return;
        tick_at_ = session::never;
        trace("Tick");
        const TimePoint due_now = session_->next_deadline();
        input(session::input::Tick{});
        // A backoff may happen to be 0: then the next attempt is due at the same moment.
        const bool stays =
            !over_ && session_->next_deadline() == due_now && due_now <= world_.schedule().now();
        overdue_ = stays ? overdue_ + 1 : 0;
        if (overdue_ > 1) throw Violation("a deadline that is due stays due after a Tick");
    });
}

void Shell::check_bounds() {
    const auto& policy = world_.scenario().policy;
    const auto& limits = policy.limits;
    const auto pending = [](const Socket* socket) {
        return socket != nullptr && socket->open && socket->blocked ? socket->to_peer->waiting() : 0;
    };
    // What one input can bring on top of the bound: a message and its frame heads, some fallbacks and pings.
    const std::size_t record = policy.resume_client.max_bytes;  // a replay brings all of it at once
    require(pending(link_ == nullptr ? nullptr : link_->socket()) <=
                2 * limits.message_bytes + limits.outbox_bytes + record + 65536,
            "a client that does not read has too much waiting for it");
    require(pending(upstream_socket_) <=
                2 * limits.message_bytes + limits.held_bytes + policy.resume_upstream.max_bytes + 65536,
            "an upstream that does not read has too much waiting for it");
    const auto requests = 600 * world_.ledger().client_sent();
    const auto bound =
        512 * 1024 + 12 * limits.message_bytes + 4 * (limits.outbox_bytes + limits.held_bytes) +
        2 * (policy.resume_upstream.max_bytes + record) + requests + bytes_of(world_.workspace());
    require(MemoryMeter::held() <= static_cast<std::ptrdiff_t>(bound), "the sessions hold too much memory");
}

void Shell::check_end() {
    require(over_, "a session does not end");
    if (!session_) return;  // another one took its client
    require(session_->ended() && session_->next_deadline() == session::never,
            "a session has a deadline after its end");
    session_->handle(session::input::Tick{}, world_.schedule().now());
    require(!session_->next_action(), "a session acts after its end");
    session_.reset();
}

// ---- a client that comes back

void Shell::reunite(const std::string& secret) {
    Shell* home = world_.find(secret);
    if (home == this) home = nullptr;
    if (home != nullptr && home->link_ != nullptr) {
        // Half open: the client is back before its old connection is known to be gone.
        ClientLink* old = home->link_;
        home->trace("ClientLost taken over");
        home->input(session::input::ClientLost{});
        if (home->link_ == old) home->link_ = nullptr;
        old->let_go();
    }
    const bool there = home != nullptr && !home->over_;
    if (there && give_client_to(*home)) return;
    trace("SessionNotFound");
    world_.ledger().client_is_with(number_);
    input(session::input::SessionNotFound{});
    if (!there || home->over_) return;
    home->trace("Superseded");
    world_.ledger().allow(session::CloseReason::superseded);
    home->input(session::input::Superseded{});
}

bool Shell::give_client_to(Shell& home) {
    {
        const MemoryMeter meter;
        if (!home.session_->take_client(*session_, world_.schedule().now())) return false;
    }
    home.trace("take_client", {}, number_);
    world_.note("client: is with its session again");
    home.link_ = std::exchange(link_, nullptr);
    home.link_->serve(&home);
    over_ = true;
    world_.gate().forget(*this);
    world_.taken();
    world_.ledger().taken(number_, home.number_);
    {
        const MemoryMeter meter;
        session_.reset();
    }
    home.after_input();
    return true;
}

// ---- the upstream's socket

void Shell::new_life() {
    life_ = &world_.new_life(*this);
    ++lives_;
    joined_ = world_.scenario().kind == Kind::plain;
}

void Shell::open_upstream_socket() {
    sockets_.push_back(std::make_unique<Socket>());
    Socket& socket = *sockets_.back();
    upstream_socket_ = &socket;
    upstream_paused_ = false;
    new_life();
    UpstreamModel* life = life_;
    const auto latency = world_.scenario().upstream_latency;
    socket.to_session = std::make_unique<Pipe>(
        world_.schedule(), latency, &world_.cuts(),
        [this, &socket](std::string_view bytes) { upstream_bytes(socket, bytes); },
        [this, &socket] {
            if (!std::exchange(socket.open, false)) return;
            trace("UpstreamLost");
            world_.ledger().upstream_lost();
            input(session::input::UpstreamLost{});
        });
    socket.to_peer = std::make_unique<Pipe>(
        world_.schedule(), latency, nullptr, [life](std::string_view bytes) { life->socket_bytes(bytes); },
        [life] { life->socket_ended(); });
    life->opened(&socket);
}

void Shell::upstream_bytes(Socket& socket, std::string_view bytes) {
    if (!socket.open || over_) return;
    const std::vector<char> copy(bytes.begin(), bytes.end());
    const std::string_view view(copy.data(), copy.size());
    trace("UpstreamBytes", view);
    input(session::input::UpstreamBytes{view});
}

void Shell::upstream_gone(bool reset) {
    world_.ledger().upstream_lost();
    if (upstream_socket_ != nullptr) {
        upstream_socket_->to_session->cut();
        upstream_socket_->to_peer->cut();
        if (!std::exchange(upstream_socket_->open, false)) return;
        trace("UpstreamLost reset");
        input(session::input::UpstreamLost{reset});
    }
}

void Shell::upstream_reads(bool reads) {
    if (upstream_socket_ == nullptr || !upstream_socket_->open) return;
    Socket& socket = *upstream_socket_;
    socket.to_peer->hold(!reads);
    if (!reads) return;
    world_.schedule().after(2us, [this, &socket] {
        socket.reported = 0;
        if (!std::exchange(socket.blocked, false) || !socket.open) return;
        trace("UpstreamDrained");
        input(session::input::UpstreamDrained{});
    });
}

void Shell::report_upstream_blocked() {
    if (upstream_socket_ == nullptr || !upstream_socket_->open) return;
    const std::size_t pending = upstream_socket_->to_peer->held_back();
    if (pending <= upstream_socket_->reported) return;
    upstream_socket_->reported = pending;
    upstream_socket_->blocked = true;
    trace("UpstreamBlocked", {}, pending);
    input(session::input::UpstreamBlocked{pending});
}

}  // namespace forestay::simulation
