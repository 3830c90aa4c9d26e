// The client leg may be gone, and come back on that of a fresh session (of JSON websockets:
// session_json.cpp).
//
//   here ── lost, silent, too slow ──> away ── take_client() ──> here        away too long: the session ends
#include "proxy/session/session_state.h"

namespace forestay::session {

using wire::websocket::CloseCode;

void Session::State::lose_client(const Ending& otherwise, Duration hold, bool failed, TimePoint now) {
    if (over || away_until != never) return;
    const bool can_return =
        json ? json_client_can_return() : conversation && conversation->client_can_return();
    if (!can_return) return end(otherwise);
    note_limit(otherwise);
    if (client.websocket_open()) {
        client.write_close(static_cast<std::uint16_t>(otherwise.code), otherwise.text);
        actions.push(action::CloseClient{});
    }
    client.lost();
    if (conversation) conversation->client_away(failed, now);
    if (json) json->client_away();
    probed = client_socket_paused = false;
    pace_due = never;
    away_since = now;
    away_until = now + hold;
    unclaimed_until = never;
    actions.report(stats, ReportKind::client_away);
}

// Its own goodbye to the transport. Whoever has left his namespaces before has said goodbye to us.
void Session::State::client_left(const Ending& goodbye, TimePoint now) {
    lose_client(goodbye, policy.resume_client.left_hold, true, now);
}

void Session::State::client_away_tick(TimePoint now) {
    if (away_until <= now)
        return end({CloseSide::client, CloseReason::away_too_long, CloseCode::going_away, {}});
    if (unclaimed_until <= now) {
        unclaimed_until = never;
        conversation->leave_unclaimed(now);
    }
}

bool Session::State::take_socketio_client(State& fresh, TimePoint now) {
    if (away_until == never || !conversation->can_take(*fresh.conversation)) return false;
    take_leg(fresh);
    probed = fresh.probed;
    fresh.over = true;
    unclaimed_until = now + policy.resume_client.left_hold;

    const std::uint64_t replayed = stats.replayed;
    end_if(conversation->take(*fresh.conversation, now));
    client_is_back(stats.replayed - replayed, now);
    return true;
}

void Session::State::take_leg(State& fresh) {
    client.take(fresh.client);
    setup.sid.swap(fresh.setup.sid);
    set_expiry(fresh.expires);  // its credential is the newer one
    client_socket_paused = fresh.client_socket_paused;
    pace_due = fresh.pace_due;
    if (fresh.pace.full_at() > pace.full_at()) pace = fresh.pace;  // coming back is no way around it
    away_until = never;
}

void Session::State::client_is_back(std::uint64_t replayed, TimePoint now) {
    const auto absence = now - away_since;
    stats.absence.observe(absence);
    if (over) return;
    actions.report(stats, ReportKind::client_back, replayed, std::chrono::duration_cast<Duration>(absence));
}

}  // namespace forestay::session
