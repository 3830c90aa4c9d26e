// What is said about a session: in the journal, and in the gauge of client connections.
#include <chrono>
#include <string>
#include <utility>

#include "proxy/net/loop.h"
#include "proxy/net/session_driver.h"

namespace forestay::net {

namespace action = session::action;

namespace {

// Of the journal's history: a client may come and go for days.
constexpr std::size_t transports_bytes = 200;

// A warning: somebody was told less than there was, or something is lost.
Level level_of(session::ReportKind kind) {
    switch (kind) {
        case session::ReportKind::messages_dropped:
        case session::ReportKind::recovery_refused:
        case session::ReportKind::replay_given_up:
        case session::ReportKind::envelope_name_taken:
        case session::ReportKind::rate_limited:
        case session::ReportKind::shield_hit:
        case session::ReportKind::event_refused:
        case session::ReportKind::limit_hit:
            return Level::warning;
        case session::ReportKind::upstream_lost:
        case session::ReportKind::upstream_back:
        case session::ReportKind::client_away:
        case session::ReportKind::client_back:
            break;
    }
    return Level::info;
}

// What a report counts, as the name of a field; empty: nothing.
std::string_view counted(session::ReportKind kind) {
    switch (kind) {
        case session::ReportKind::upstream_lost:
            return "in_doubt_messages";
        case session::ReportKind::upstream_back:
            return "waited_messages";
        case session::ReportKind::messages_dropped:
            return "dropped_messages";
        case session::ReportKind::client_back:
            return "replayed_messages";
        case session::ReportKind::client_away:
        case session::ReportKind::recovery_refused:
        case session::ReportKind::replay_given_up:
        case session::ReportKind::envelope_name_taken:
        case session::ReportKind::rate_limited:
        case session::ReportKind::shield_hit:
        case session::ReportKind::event_refused:
        case session::ReportKind::limit_hit:
            break;
    }
    return {};
}

}  // namespace

// The gauge of client connections, and the journal's history.
void SessionDriver::follow_transport() {
    const session::ClientState state = session_.client_state();
    std::optional<ClientTransport> now;
    if (state != session::ClientState::away) {
        now = is_plain()                                 ? ClientTransport::plain_websocket
              : state == session::ClientState::websocket ? ClientTransport::websocket
                                                         : ClientTransport::polling;
    }
    if (transport_ == now) return;
    auto& gauge = loop_.stats().client_connections;
    if (transport_) --gauge[static_cast<std::size_t>(*transport_)];
    transport_ = now;
    const bool first = transports_.empty();
    if (transports_.size() < transports_bytes) {
        if (!first) transports_ += '>';
        transports_ += now ? client_transport_names[static_cast<std::size_t>(*now)] : "away";
    }
    if (!now) return places_.reset();
    ++gauge[static_cast<std::size_t>(*now)];
    if (first) journal_open(*now);
}

void SessionDriver::journal_open(ClientTransport transport) const {
    if (!loop_.shared().journal) return;
    loop_.shared().journal(
        {Level::info,
         "session_open",
         {{"session", origins_.label},
          {"client", origins_.client},
          {"transport", std::string(client_transport_names[static_cast<std::size_t>(transport)])}},
         true});
}

void SessionDriver::journal_close() const {
    if (!loop_.shared().journal) return;
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() - begun_);
    loop_.shared().journal(
        {Level::info,
         "session_close",
         {{"session", origins_.label},
          {"client", origins_.client},
          {"side", std::string(session::close_side_names[static_cast<std::size_t>(end_->side)])},
          {"reason", std::string(session::close_reason_names[static_cast<std::size_t>(end_->reason)])},
          {"duration_ms", std::to_string(age.count())},
          {"transports", transports_},
          {"messages_in", std::to_string(from_client_.messages)},
          {"bytes_in", std::to_string(from_client_.bytes)},
          {"messages_out", std::to_string(to_client_.messages)},
          {"bytes_out", std::to_string(to_client_.bytes)}},
         true});
}

void SessionDriver::journal_refused_identity(std::string_view limit) const {
    if (!loop_.shared().journal) return;
    loop_.shared().journal(
        {Level::warning,
         "limit_hit",
         {{"session", origins_.label}, {"client", origins_.client}, {"limit", std::string(limit)}}});
}

// What a peer can do again and again is said once of each session; the counters have it all.
bool SessionDriver::said_before(const action::Report& report) {
    std::size_t what = session::shield_names.size();
    if (report.kind == session::ReportKind::shield_hit)
        what = static_cast<std::size_t>(report.shield);
    else if (report.kind != session::ReportKind::event_refused)
        return false;
    const bool before = said_[what];
    said_[what] = true;
    return before;
}

void SessionDriver::journal_report(const action::Report& report) {
    if (!loop_.shared().journal || said_before(report)) return;
    JournalEntry entry{level_of(report.kind),
                       session::report_names[static_cast<std::size_t>(report.kind)],
                       {{"session", origins_.label}}};
    if (report.kind == session::ReportKind::rate_limited) {
        entry.fields.emplace_back("client", origins_.client);
        entry.fields.emplace_back("limit", "message_rate");
    }
    if (report.kind == session::ReportKind::limit_hit) {
        entry.fields.emplace_back("client", origins_.client);
        entry.fields.emplace_back("limit", session::limit_names[static_cast<std::size_t>(report.limit)]);
    }
    if (report.kind == session::ReportKind::shield_hit)
        entry.fields.emplace_back("shield", session::shield_names[static_cast<std::size_t>(report.shield)]);
    if (const std::string_view what = counted(report.kind); !what.empty())
        entry.fields.emplace_back(what, std::to_string(report.count));
    if (report.duration > session::Duration{0})
        entry.fields.emplace_back("duration_ms", std::to_string(report.duration.count()));
    loop_.shared().journal(entry);
}

}  // namespace forestay::net
