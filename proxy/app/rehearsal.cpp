#include "proxy/app/rehearsal.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "proxy/app/stage.h"
#include "proxy/net/routes.h"
#include "proxy/wire/socketio/packet.h"

namespace forestay::app {
namespace {

namespace socketio = wire::socketio;
using session::TimePoint;
using Number = Stage::Number;

constexpr std::size_t sessions_max = 10'000;
// That are over and wait for one that is not.
constexpr std::size_t rows_max = 10'000;
constexpr std::size_t names_max = 1'000;

void count(Rehearsal::Counts& counts, std::string_view name) {
    std::string key(name.empty() ? "(without a type)" : name);
    if (counts.size() >= names_max && !counts.contains(key)) key = "(others)";
    ++counts[key];
}

// Rules and what belongs to them; heartbeats, absence and paces are no matter of the recording.
session::Policy undisturbed(session::Policy policy) {
    policy.ping_interval = policy.ping_timeout = policy.upstream_stall = std::chrono::hours(24 * 20);
    policy.resume_client = {};
    policy.limits.message_rate = {};
    for (session::JsonWebsocket& each : policy.json_websockets)
        each.heartbeat = each.idle_timeout = session::Duration{0};
    return policy;
}

}  // namespace

struct Rehearsal::Impl {
    // A client with its session, which may end and begin again under the same label.
    struct Client {
        Number number = 0;
        std::string label;
        rules::Peer peer;  // views of these
        std::string path, who;
        const session::JsonWebsocket* json = nullptr;
        std::set<std::string, std::less<>> namespaces{};  // that it has said CONNECT to
    };
    struct Row {
        Rehearsed what;
        Number session = 0;
        bool over = false;
    };

    Impl(const config::Config& config, Report to)
        : policy(undisturbed(config.session)),
          websockets(config.net.websockets),
          report(std::move(to)),
          stage(policy),
          start(stage.now()) {}

    std::string play(const RecordedMessage& message);
    std::string client_says(const Client& client, const RecordedMessage& message);
    void app_says(const Client& client, const RecordedMessage& message);
    void upstream_lost(const std::string& label);
    std::variant<Client*, std::string> client_of(const RecordedMessage& message);
    // The text as rules see it; none: it is no event.
    static std::optional<rules::Message> read(const Client& client, std::string_view text,
                                              std::string& scratch);
    void run_until(TimePoint until);
    // What has ended since is written into its row, and rows are reported.
    std::optional<session::CloseReason> take_ends();
    void close(Row& row, Rehearsed::Fate fate);
    void emit();

    const session::Policy policy;
    const std::vector<net::WebsocketPath> websockets;
    const Report report;
    Stage stage;
    const TimePoint start;
    std::map<std::string, Client> clients;  // by what tells them apart
    std::map<TimePoint, Row> rows;          // by receipt, which is another one for each line
    std::size_t waiting = 0;                // rows that are not over
    Counts unmatched, unasked;
};

std::variant<Rehearsal::Impl::Client*, std::string> Rehearsal::Impl::client_of(
    const RecordedMessage& message) {
    const bool json = message.kind == RecordedMessage::Kind::json;
    std::string path = message.path;
    const net::WebsocketPath* named = nullptr;
    if (json) {
        if (path.empty() && websockets.size() == 1) path = websockets.front().path;
        named = net::websocket_at(path, websockets);
        if (named == nullptr || !named->json)
            return "\"path\" is none of a JSON websocket in the configuration: \"" + path + '"';
    }
    const std::string key = (json ? 'j' + path + '\n' : "s") + message.session;
    const auto known = clients.find(key);
    if (known != clients.end() && stage.has(known->second.number)) return &known->second;
    if (known != clients.end()) clients.erase(known);
    if (clients.size() >= sessions_max) return "more than " + std::to_string(sessions_max) + " sessions";

    Client& client = clients[key];
    client.label = message.session;
    client.path = path;
    client.who = message.who;
    client.peer = {client.path, client.who};
    session::Setup setup;
    setup.dialect = json ? session::Dialect::json : session::Dialect::engineio4;
    if (json) {
        setup.json_websocket = static_cast<std::uint32_t>(*named->json);
        client.json = &policy.json_websockets[setup.json_websocket];
    }
    setup.sid = "rehearsal";
    setup.seed = message.line;  // backoffs differ, and are the same each time
    setup.websocket = true;
    setup.path = path;
    setup.who = message.who;
    client.number = stage.enter(setup, client.who.empty() ? "session " + key : "subject " + client.who);
    return &client;
}

std::optional<rules::Message> Rehearsal::Impl::read(const Client& client, std::string_view text,
                                                    std::string& scratch) {
    if (client.json != nullptr) return rules::json_message(text, client.json->type, scratch);
    const auto packet = socketio::scan_server_packet(text);
    if (!packet || !socketio::is_event(packet->type)) return std::nullopt;
    return rules::socketio_message(*packet, scratch);
}

std::string Rehearsal::Impl::play(const RecordedMessage& message) {
    const TimePoint at = start + message.at + std::chrono::nanoseconds(message.line);
    run_until(at);
    stage.set_now(at);
    if (message.kind == RecordedMessage::Kind::upstream_lost) {
        upstream_lost(message.session);
        return {};
    }
    const auto found = client_of(message);
    if (const auto* problem = std::get_if<std::string>(&found)) return *problem;
    Client& client = *std::get<Client*>(found);
    if (client.json == nullptr) {
        const auto packet = socketio::scan_server_packet(message.text);
        if (!packet) return packet.error().message();
        const std::string nsp(packet->nsp.substr(0, packet->nsp.find('?')));
        if (client.namespaces.insert(nsp).second)
            stage.client_says(client.number, nsp == "/" ? "0" : '0' + nsp + ',');
        if (packet->type == socketio::PacketType::connect) return {};  // said; and the reply comes by itself
    }
    if (message.from_client) return client_says(client, message);
    app_says(client, message);
    return {};
}

std::string Rehearsal::Impl::client_says(const Client& client, const RecordedMessage& message) {
    std::string scratch;
    const auto seen = read(client, message.text, scratch);
    const auto rule = seen ? policy.rules.match(*seen, client.peer) : std::nullopt;
    if (seen && !rule) count(unmatched, seen->name);
    Row* row = nullptr;
    session::RuleStats before;
    if (rule) {
        before = stage.stats().rules[*rule];
        row = &rows[stage.now()];
        row->what.line = message.line;
        row->what.at = message.at;
        row->what.session = message.session;
        row->what.name = seen->name;
        row->what.rule = static_cast<std::uint32_t>(*rule);
        row->session = client.number;
        ++waiting;
    }
    stage.client_says(client.number, message.text);
    if (row != nullptr) {
        const session::RuleStats& after = stage.stats().rules[*rule];
        if (after.started == before.started) {
            close(*row, after.joined > before.joined       ? Rehearsed::Fate::joined
                        : after.repeated > before.repeated ? Rehearsed::Fate::repeated
                        : after.invalid > before.invalid   ? Rehearsed::Fate::refused
                                                           : Rehearsed::Fate::untracked);
        }
    }
    const auto why = take_ends();
    if (why != session::CloseReason::protocol_violation && why != session::CloseReason::limit) return {};
    return "forestay would close the client's connection: " +
           std::string(session::close_reason_names[static_cast<std::size_t>(*why)]);
}

void Rehearsal::Impl::app_says(const Client& client, const RecordedMessage& message) {
    const auto heard = [this] {
        std::uint64_t sum = 0;
        for (const session::RuleStats& rule : stage.stats().rules)
            sum += rule.answered_by_upstream + rule.late + rule.progress;
        return sum;
    };
    const std::uint64_t before = heard();
    stage.app_says(client.number, message.text);
    take_ends();
    if (heard() > before) return;
    std::string scratch;
    const auto seen = read(client, message.text, scratch);
    count(unasked, seen ? seen->name : std::string_view("(an ACK)"));
}

void Rehearsal::Impl::upstream_lost(const std::string& label) {
    for (const auto& [key, client] : clients) {
        if (label.empty() || client.label == label) stage.tell(client.number, session::input::UpstreamLost{});
    }
    take_ends();
}

std::optional<session::CloseReason> Rehearsal::Impl::take_ends() {
    for (session::RequestEnd& end : stage.take_ends()) {
        const auto row = rows.find(end.received);
        if (row == rows.end() || row->second.over) continue;
        Rehearsed& what = row->second.what;
        what.event = std::move(end.event);
        what.text = std::move(end.text);
        if (end.fallback) what.code = *end.fallback;
        close(row->second, end.fallback ? Rehearsed::Fate::fallback : Rehearsed::Fate::answered);
    }
    std::optional<session::CloseReason> last;
    for (const auto& [session, reason] : stage.take_overs()) {
        last = reason;
        for (auto& [received, row] : rows) {
            if (!row.over && row.session == session) close(row, Rehearsed::Fate::abandoned);
        }
    }
    emit();
    return last;
}

void Rehearsal::Impl::close(Row& row, Rehearsed::Fate fate) {
    row.what.fate = fate;
    row.what.ended = std::chrono::floor<std::chrono::milliseconds>(stage.now() - start);
    row.over = true;
    --waiting;
}

void Rehearsal::Impl::emit() {
    const bool crowded = rows.size() - waiting > rows_max;
    for (auto row = rows.begin(); row != rows.end();) {
        if (row->second.over) {
            report(row->second.what);
            row = rows.erase(row);
        } else if (crowded) {
            ++row;
        } else {
            return;
        }
    }
}

void Rehearsal::Impl::run_until(TimePoint until) {
    while (stage.step(until)) take_ends();
}

Rehearsal::Rehearsal(const config::Config& config, Report report)
    : impl_(std::make_unique<Impl>(config, std::move(report))) {}
Rehearsal::~Rehearsal() = default;

std::string Rehearsal::play(const RecordedMessage& message) {
    return impl_->play(message);
}

void Rehearsal::finish() {
    // A deadline is at most a day away, and a request may be taken up again.
    const TimePoint until = impl_->stage.now() + std::chrono::hours(72);
    while (impl_->waiting > 0 && impl_->stage.step(until)) impl_->take_ends();
    for (auto& [received, row] : impl_->rows) {
        if (!row.over) impl_->close(row, Rehearsed::Fate::abandoned);
    }
    impl_->emit();
}

const std::vector<rules::Rule>& Rehearsal::rules() const {
    return impl_->policy.rules.rules();
}
const session::Stats& Rehearsal::stats() const {
    return impl_->stage.stats();
}
const std::vector<rules::GateStats>& Rehearsal::gate() const {
    return impl_->stage.gate().stats();
}
const Rehearsal::Counts& Rehearsal::unmatched() const {
    return impl_->unmatched;
}
const Rehearsal::Counts& Rehearsal::unasked() const {
    return impl_->unasked;
}

}  // namespace forestay::app
