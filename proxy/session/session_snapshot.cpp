// A session as bytes, and back: to survive this process, or to go on in another one.
#include "proxy/session/session_state.h"
#include "proxy/session/snapshot.h"

namespace forestay::session {

using wire::engineio::Revision;

namespace {

// Goes up when anything is written that an older reader would take for something else.
constexpr std::uint32_t version = 3;

// Requests know their rules by number: the same number must be the same rule (FNV-1a over the names).
std::uint64_t fingerprint(const rules::RuleSet& rules) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    const auto add = [&hash](char c) { hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL; };
    for (const rules::Rule& rule : rules.rules()) {
        for (const char c : rule.name) add(c);
        add('\n');
    }
    return hash;
}

}  // namespace

template <class Archive>
void Session::State::archive(Archive& archive) {
    archive(client, upstream);
    if (conversation) archive(*conversation);
    if (json) archive(*json);
    archive(expires, warn_due, time, away_since, away_until, unclaimed_until);
    bool is_closing = closing.has_value();
    CloseSide side = closing.value_or(CloseSide::client);
    archive(is_closing);
    archive.one_of(side, CloseSide::forestay);
    if (Archive::reading && is_closing) closing = side;
    archive(close_due, finding, opened, probed);
    archive(pace, pace_due, pace_report_due);
    archive(client_socket_paused, upstream_paused, was_attached, over);

    archive.check(close_due == never || is_closing);
    archive.check(away_until == never || away_since != never);
    if (conversation) return;
    const bool websocket = client.state() == ClientState::websocket;
    archive.check(websocket || (json && client.state() == ClientState::away));
    archive.check(!upstream.polling() && unclaimed_until == never);
}

// The sids of one client turn up in the messages of others, so the loops know them, and not only the session.
void Session::State::tell_aliases() {
    actions.clear();
    if (!conversation || !policy.resume_upstream.sid_alias) return;
    conversation->tell_aliases();
    if (revision == Revision::v3 && upstream.attached()) conversation->alias(setup.sid, upstream.sid());
}

std::string Session::snapshot(TimePoint now) {
    SnapshotWriter writer(now);
    std::uint32_t written = version;
    std::uint64_t rules = fingerprint(state_->policy.rules);
    writer(written, rules, state_->setup);
    state_->archive(writer);
    return writer.take();
}

std::variant<Session, SnapshotFault> Session::restore(const Policy& policy, Stats& stats,
                                                      Workspace& workspace, std::string_view bytes,
                                                      TimePoint now) {
    SnapshotReader reader(bytes, now);
    std::uint32_t written = 0;
    std::uint64_t rules = 0;
    reader(written);
    if (reader.failed()) return SnapshotFault::garbage;
    if (written != version) return SnapshotFault::other_version;
    reader(rules);
    if (reader.failed()) return SnapshotFault::garbage;
    if (rules != fingerprint(policy.rules)) return SnapshotFault::other_rules;
    Setup setup;
    reader(setup);
    reader.check(setup.dialect != Dialect::json || setup.json_websocket < policy.json_websockets.size());
    if (reader.failed()) return SnapshotFault::garbage;
    Session session(policy, stats, workspace, std::move(setup), now);
    --stats.sessions;  // it was counted where it began
    session.state_->archive(reader);
    if (!reader.finished()) return SnapshotFault::garbage;
    session.state_->tell_aliases();
    return session;
}

}  // namespace forestay::session
