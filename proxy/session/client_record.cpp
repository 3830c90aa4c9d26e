#include "proxy/session/client_record.h"
#include "proxy/session/grammar.h"

#include <algorithm>
#include <utility>

#include "proxy/wire/json/scan.h"

namespace forestay::session {

using EngineType = wire::engineio::PacketType;
using wire::socketio::PacketType;

namespace {

// A marker further behind its units than one network packet may be cut off from them.
constexpr std::size_t run_bytes_max = 1200;
// Who is lost so soon after a replay, and comes back to the same position, has failed at it; so often.
constexpr std::chrono::seconds failure_window{10};
constexpr unsigned failures_max = 2;

}  // namespace

ClientRecord::ClientRecord(const Policy& policy, Stats& stats, ActionList& actions, ClientLeg& client,
                           wire::engineio::Revision revision, std::uint64_t seed, std::string secret)
    : policy_(policy), stats_(stats), actions_(actions), client_(client), seed_(seed) {
    const bool wanted = policy.resume_client.recovery != Recovery::off;
    if (wanted && revision == wire::engineio::Revision::v4) secret_ = std::move(secret);
}

ClientRecord::Track* ClientRecord::find(std::uint32_t serial) {
    const auto found = std::find_if(tracks_.begin(), tracks_.end(),
                                    [serial](const Track& track) { return track.serial == serial; });
    return found == tracks_.end() ? nullptr : &*found;
}

const ClientRecord::Track* ClientRecord::find(std::uint32_t serial) const {
    return const_cast<ClientRecord*>(this)->find(serial);
}

void ClientRecord::begin(std::uint32_t serial, std::string_view name) {
    Track& track = tracks_.emplace_back();
    track.serial = serial;
    track.name = name;
}

void ClientRecord::forget(std::uint32_t serial) {
    for (auto unit = units_.begin(); unit != units_.end();) {
        unit = unit->serial == serial ? erase(unit) : std::next(unit);
    }
    std::erase_if(tracks_, [serial](const Track& track) { return track.serial == serial; });
}

bool ClientRecord::announce(std::uint32_t serial, std::string_view text, std::string_view raw) {
    Track* track = find(serial);
    if (track == nullptr) return client_.send(EngineType::message, text, raw);
    track->reply = text;
    ++track->announced;
    return !track->claimed || say_reply(*track, raw);
}

bool ClientRecord::say_reply(Track& track, std::string_view raw) {
    if (track.reply.empty()) return true;
    std::string& with_pid = actions_.made();
    const auto packet = wire::socketio::scan_server_packet(track.reply, grammar(policy_));
    track.foreign = !packet || !write_with_pid(with_pid, track.reply, packet->payload,
                                               {secret_, track.serial, track.announced});
    const bool room = track.foreign ? client_.send(EngineType::message, track.reply, raw)
                                    : client_.send(EngineType::message, with_pid);
    client_.end_run();
    return room;
}

bool ClientRecord::send(std::uint32_t serial, std::string_view text, std::string_view raw,
                        const std::vector<std::string>& attachments) {
    Track* track = find(serial);
    Unit unit;
    unit.serial = serial;
    unit.text = text;
    unit.attachments = attachments;
    if (track == nullptr || track->foreign) {
        if (track == nullptr || track->claimed) return write(unit, raw);
        stats_.count(Drop::record_overflow);
        return true;
    }
    unit.sequence = ++sequence_;
    if (policy_.resume_client.recovery == Recovery::append) {
        const auto packet = wire::socketio::scan_server_packet(text, grammar(policy_));
        unit.carries = packet && stamp(unit, *packet);
        unit.repeatable = packet && is_ack(packet->type);
    }
    const bool room = !track->claimed || write(unit, unit.carries ? std::string_view() : raw);
    if (track->claimed) place(*track, unit);
    record(std::move(unit));
    return room;
}

// The position of an event behind its arguments; what wants an ack has no place for it.
bool ClientRecord::stamp(Unit& unit, const wire::socketio::Packet& packet) const {
    const std::size_t end = unit.text.rfind(']');
    if (!is_event(packet.type) || packet.id || end == std::string::npos) return false;
    std::string position = ",\"";
    write_position(position, seed_, unit.serial, unit.sequence);
    position += '"';
    unit.text.insert(end, position);
    return true;
}

bool ClientRecord::write(Unit& unit, std::string_view raw) {
    // A run and the markers of all its namespaces fit into one polling body, and a ping beside them.
    const std::size_t packets = 1 + unit.attachments.size();
    const auto waiting = static_cast<std::size_t>(std::count_if(
        tracks_.begin(), tracks_.end(), [](const Track& track) { return track.wanted > track.marked; }));
    const bool full = run_packets_ + packets + waiting + 1 > policy_.limits.answer_packets;
    if (run_packets_ > 0 && (full || run_bytes_ > run_bytes_max)) mark_all();
    bool room = client_.send(EngineType::message, unit.text, raw);
    run_bytes_ += unit.text.size();
    for (const std::string& attachment : unit.attachments) {
        room = client_.send_binary(attachment) && room;
        run_bytes_ += attachment.size();
    }
    run_packets_ += packets;
    unit.sent = client_.sent();
    return room;
}

// Who has this unit should have its position.
void ClientRecord::place(Track& track, const Unit& unit) {
    if (!unit.repeatable) track.wanted = unit.sequence;
    if (unit.carries) track.marked = unit.sequence;
}

void ClientRecord::mark() {
    if (client_.writes_now()) mark_all();
}

void ClientRecord::mark_all() {
    for (Track& track : tracks_) mark(track);
    client_.end_run();
    run_packets_ = run_bytes_ = 0;
}

void ClientRecord::mark(Track& track) {
    if (track.wanted <= track.marked || !track.claimed || track.reply.empty() || track.foreign) return;
    std::string& position = actions_.made();
    position += '"';
    write_position(position, seed_, track.serial, track.wanted);
    position += '"';
    std::string& marker = actions_.made();
    wire::socketio::write_event(marker, track.name, marker_event, position);
    static_cast<void>(
        client_.send(EngineType::message, marker));  // its units have said that there is no room
    track.marked = track.wanted;
}

void ClientRecord::record(Unit unit) {
    bytes_ += cost(unit);
    units_.push_back(std::move(unit));
    while (bytes_ > policy_.resume_client.max_bytes || units_.size() > policy_.resume_client.max_messages) {
        Track& track = *find(units_.front().serial);
        track.gone = units_.front().sequence;
        // Who is there is about to get it, and only cannot come back for a while.
        if (!track.claimed) stats_.count(Drop::record_overflow);
        erase(units_.begin());
    }
}

std::list<ClientRecord::Unit>::iterator ClientRecord::erase(std::list<Unit>::iterator unit) {
    bytes_ -= cost(*unit);
    return units_.erase(unit);
}

std::size_t ClientRecord::cost(const Unit& unit) {
    std::size_t bytes = sizeof(Unit) + unit.text.size();
    for (const std::string& attachment : unit.attachments) bytes += sizeof attachment + attachment.size();
    return bytes;
}

bool ClientRecord::restored() {
    bytes_ = 0;
    std::uint64_t last = 0;
    for (const Unit& unit : units_) {
        if (unit.sequence <= last || find(unit.serial) == nullptr) return false;
        last = unit.sequence;
        bytes_ += cost(unit);
    }
    return last <= sequence_ && units_.size() <= policy_.resume_client.max_messages &&
           bytes_ <= policy_.resume_client.max_bytes;
}

void ClientRecord::confirmed() {
    for (Track& track : tracks_) track.replays = 0;
    for (auto unit = units_.begin(); unit != units_.end();) {
        if (unit->sent == 0 || unit->sent > client_.confirmed()) {
            ++unit;
            continue;
        }
        Track& track = *find(unit->serial);
        track.seen = std::max(track.seen, unit->sequence);
        unit = erase(unit);
    }
}

bool ClientRecord::can_return() const {
    return std::any_of(tracks_.begin(), tracks_.end(),
                       [](const Track& track) { return !track.reply.empty() && !track.foreign; });
}

void ClientRecord::client_away(bool failed, TimePoint now) {
    for (Track& track : tracks_) {
        track.claimed = false;
        if (track.replays > 0 && (!failed || track.replayed + failure_window < now)) track.replays = 0;
    }
    for (Unit& unit : units_) unit.sent = 0;
    run_packets_ = run_bytes_ = 0;
}

bool ClientRecord::claimed(std::uint32_t serial) const {
    const Track* track = find(serial);
    return track == nullptr || track->claimed;
}

bool ClientRecord::can_claim(std::uint32_t serial, const std::optional<Claim>& claim) const {
    const Track* track = find(serial);
    if (track == nullptr || track->foreign) return false;
    if (!claim || !is_of(*track, *claim)) return track->seen == 0 && track->gone == 0;
    const auto behind = position(*track, *claim);
    return behind && track->gone <= std::max(*behind, track->seen);
}

// A pid of another session, or of an earlier life of the namespace: the client has not seen the reply to its
// CONNECT, nor anything behind it.
bool ClientRecord::is_of(const Track& track, const Claim& claim) const {
    return gave(claim.pid) && claim.pid.serial == track.serial && claim.pid.announced <= track.announced;
}

std::optional<std::uint64_t> ClientRecord::position(const Track& track, const Claim& claim) const {
    if (!claim.offset) return track.seen;
    if (const auto own = parse_position(*claim.offset, seed_, track.serial)) return own;
    return foreign_position(track, *claim.offset);
}

// Between an event and its marker a client takes the event's last argument for its position, if it is a
// string. And before its first marker it may have a position of an earlier session.
std::optional<std::uint64_t> ClientRecord::foreign_position(const Track& track, std::string_view last) const {
    std::optional<std::uint64_t> found;
    for (const Unit& unit : units_) {
        if (unit.serial != track.serial) continue;
        const auto packet = wire::socketio::scan_server_packet(unit.text, grammar(policy_));
        if (!packet || !is_event(packet->type) || packet->id) continue;
        std::optional<std::string_view> argument;
        for (std::size_t i = 0; const auto next = wire::socketio::argument(*packet, i); ++i) argument = next;
        if (!argument || wire::json::unescape(*argument) != last) continue;
        if (found) return std::nullopt;
        found = unit.sequence;
    }
    if (!found && track.seen == 0) found = 0;
    return found;
}

ClientRecord::Replay ClientRecord::replay(std::uint32_t serial, const std::optional<Claim>& claim,
                                          TimePoint now) {
    Replay done;
    Track& track = *find(serial);
    track.claimed = true;
    if (claim && is_of(track, *claim)) {
        const auto own = claim->offset ? parse_position(*claim->offset, seed_, serial) : std::nullopt;
        track.marked = own.value_or(0);
        track.seen = std::max(track.seen, *position(track, *claim));
        track.wanted = track.seen;
    } else {
        track.marked = track.wanted = 0;
    }
    const auto is_due = [&](const Unit& unit) { return unit.serial == serial; };
    for (auto unit = units_.begin(); unit != units_.end();) {
        unit = is_due(*unit) && unit->sequence <= track.seen ? erase(unit) : std::next(unit);
    }
    const auto first = std::find_if(units_.begin(), units_.end(), is_due);
    if (first != units_.end()) {
        if (track.replayed_from != track.seen) track.replays = 0;
        track.replayed_from = track.seen;
        track.replayed = now;
        if (track.replays++ == failures_max) {
            done.given_up = true;
            track.replays = 0;
            track.seen = track.wanted = first->sequence;
            erase(first);
        }
    }
    static_cast<void>(say_reply(track, {}));
    for (Unit& unit : units_) {
        if (!is_due(unit)) continue;
        static_cast<void>(write(unit, {}));
        place(track, unit);
        // Each has its own: who fails at one comes back to the one before.
        mark(track);
        client_.end_run();
        ++done.units;
    }
    return done;
}

}  // namespace forestay::session
