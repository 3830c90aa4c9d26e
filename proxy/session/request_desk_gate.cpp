// When a request may go to the app, and go again: the gate, backoff, the loss of the upstream.
#include <algorithm>
#include <utility>

#include "proxy/session/request_desk.h"
#include "proxy/session/request_desk_book.h"

namespace forestay::session {

using Phase = PendingRequests::Phase;
using Place = PendingRequests::Place;
using Stand = PendingRequests::Stand;

namespace {

constexpr Duration longest_backoff{30'000};

// Full jitter, and the same for the same session, request and attempt.
Duration jitter(Duration most, std::uint64_t seed, std::uint64_t number, unsigned attempt) {
    std::uint64_t state = seed + number * 0x9e3779b97f4a7c15ULL + attempt;
    for (const std::uint64_t factor : {0xbf58476d1ce4e5b9ULL, 0x94d049bb133111ebULL}) {
        state = (state ^ state >> 30U) * factor;
    }
    state ^= state >> 31U;
    return Duration(static_cast<Duration::rep>(state % (static_cast<std::uint64_t>(most.count()) + 1)));
}

}  // namespace

void RequestDesk::set_place(Entry& entry, Place place) {
    RuleStats& count = counters(entry);
    if (entry.place == Place::asked) --count.queued;
    if (place == Place::asked) ++count.queued;
    entry.place = place;
}

// Afresh, or again: of one that runs, or of one whose place was given back with the upstream.
void RequestDesk::ask_gate(Slot slot) {
    Entry& entry = book_->requests.at(slot);
    if (entry.place == Place::none) set_place(entry, Place::asked);
    entry.retrying = entry.retries > 0;
    actions_.push(action::AskGate{entry.number, entry.request.rule,
                                  entry.retrying ? rules::AskKind::retry : rules::AskKind::fresh});
}

// A failure is that of an app that was asked.
void RequestDesk::leave_gate(Entry& entry, rules::Outcome outcome) {
    if (entry.place == Place::none) return;
    if (entry.place == Place::asked) outcome = rules::Outcome::released;
    set_place(entry, Place::none);
    actions_.push(action::LeaveGate{entry.number, outcome});
}

void RequestDesk::make_ready(Slot slot) {
    book_->requests.at(slot).stand = Stand::ready;
    book_->ready.push_back(slot);
}

void RequestDesk::gate_said(const input::GateSaid& said, TimePoint now) {
    if (!book_) return;
    const auto slot = book_->requests.find_number(said.request);
    if (!slot) return;
    Entry& entry = book_->requests.at(*slot);
    // What was said before our word reached it.
    if (entry.place == Place::none || (entry.place == Place::running && !entry.retrying)) return;
    switch (said.what) {
        case rules::Verdict::What::place:
            entry.line_place = static_cast<std::uint32_t>(said.place);
            entry.line_length = static_cast<std::uint32_t>(said.waiting);
            if (!rule_of(entry).queue.status || std::exchange(entry.telling, true)) return;
            book_->waiting.push_back({Say::What::status,
                                      *slot,
                                      entry.request.nsp,
                                      entry.request.rule,
                                      entry.request.ack,
                                      Book::Words::status,
                                      {},
                                      {}});
            return;
        case rules::Verdict::What::go:
            set_place(entry, Place::running);
            if (std::exchange(entry.retrying, false)) ++counters(entry).resent;
            return make_ready(*slot);
        case rules::Verdict::What::refused: {
            const bool lost = entry.place == Place::asked && entry.retrying;
            if (entry.place == Place::asked) set_place(entry, Place::none);
            entry.retrying = false;
            // The budget has no room for it: it is lost as one without `retry` is.
            if (lost && said.code == rules::Code::connection_lost &&
                rule_of(entry).on_upstream_lost == rules::OnUpstreamLost::hold)
                return;
            return give_up(*slot, said.code, now);
        }
    }
}

bool RequestDesk::may_say_again(const Entry& entry) const {
    return entry.retries < rule_of(entry).retry.attempts && entry.texts && !entry.texts->packet.empty() &&
           entry.whole && !entry.parts;
}

void RequestDesk::back_off(Slot slot, TimePoint now) {
    Entry& entry = book_->requests.at(slot);
    Duration most = std::min(rule_of(entry).retry.backoff, longest_backoff);
    for (unsigned i = 0; i < entry.retries && most < longest_backoff; ++i)
        most = std::min(most * 2, longest_backoff);
    ++entry.retries;
    entry.stand = Stand::kept;
    entry.again = now + jitter(most, seed_, entry.number, entry.retries);
    set_due(slot);
}

// The app works on it: it is not said again, whatever was under way.
void RequestDesk::cancel_retry(Entry& entry) {
    if (entry.sends_here == 0) return;
    entry.again = never;
    entry.retrying = false;
    entry.stand = Stand::owner;
}

std::optional<rules::Code> RequestDesk::decide(Slot slot, TimePoint now) {
    Entry& entry = book_->requests.at(slot);
    if (entry.given_up) return entry.why;
    if (entry.deadline <= now) return rules::Code::timeout;
    if (entry.again <= now) {
        entry.again = never;
        ask_gate(slot);
    }
    if (entry.patience <= now) {
        entry.patience = never;
        if (!rule_of(entry).retry.timeout || entry.progressed || !may_say_again(entry))
            return rules::Code::timeout_idle;
        back_off(slot, now);
    }
    set_due(slot);
    return std::nullopt;
}

void RequestDesk::upstream_lost(TimePoint now) {
    if (!book_) return;
    PendingRequests& requests = book_->requests;
    for (Slot slot = requests.oldest_tombstone(); slot != PendingRequests::none; slot = requests.after(slot))
        requests.at(slot).sends_here = 0;
    for (Slot slot = requests.oldest(); slot != PendingRequests::none; slot = requests.after(slot)) {
        Entry& entry = requests.at(slot);
        if (std::exchange(entry.sends_here, std::uint8_t{0}) == 0 || entry.phase != Phase::waiting) continue;
        const rules::Rule& rule = rule_of(entry);
        // It was to be said again anyway, and is counted so.
        const bool again = entry.again != never || entry.retrying || entry.stand == Stand::ready;
        entry.patience = never;
        entry.progressed = false;
        if (entry.stand == Stand::ready) {
            set_due(slot);
        } else if (again || (rule.retry.upstream_lost && may_say_again(entry))) {
            leave_gate(entry, rules::Outcome::released);
            // It asks under a new number: a go that is on its way is for the place that it gave back.
            requests.set_number(slot, ++book_->last_number);
            entry.retrying = false;
            if (again) --entry.retries;
            back_off(slot, now);
        } else if (rule.on_upstream_lost == rules::OnUpstreamLost::answer) {
            give_up(slot, rules::Code::connection_lost, now);
        } else {
            leave_gate(entry, rules::Outcome::released);
            set_due(slot);
        }
    }
}

bool RequestDesk::says_again(std::uint32_t nsp, std::string_view text) const {
    if (!book_) return false;
    const PendingRequests& requests = book_->requests;
    for (Slot slot = requests.oldest(); slot != PendingRequests::none; slot = requests.after(slot)) {
        const Entry& entry = requests.at(slot);
        if (entry.request.nsp == nsp && entry.retries > 0 && entry.sends_here == 0 && entry.texts &&
            entry.texts->packet == text)
            return true;
    }
    return false;
}

std::optional<HeldMessage> RequestDesk::next_send(TimePoint now) {
    while (book_ && !book_->ready.empty()) {
        const Slot slot = book_->ready.front();
        book_->ready.pop_front();
        if (!is_outstanding(slot)) continue;
        Entry& entry = book_->requests.at(slot);
        if (entry.stand != Stand::ready || entry.phase != Phase::waiting || entry.given_up) continue;
        entry.stand = Stand::owner;
        const PendingRequests::Texts& texts = *entry.texts;
        return HeldMessage{entry.request.nsp, slot, now, texts.packet, texts.attachments, 0};
    }
    return std::nullopt;
}

}  // namespace forestay::session
