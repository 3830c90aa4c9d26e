// What the app says to the requests of a session.
#include <algorithm>
#include <charconv>

#include "proxy/session/request_desk.h"
#include "proxy/session/request_desk_book.h"

namespace forestay::session {

using Phase = PendingRequests::Phase;
using Stand = PendingRequests::Stand;

RequestDesk::Hearing RequestDesk::hear(const rules::Message& message, std::uint32_t nsp, TimePoint now) {
    if (!book_) return {};
    Hearing other;  // than an answer that is waited for
    for (const rules::Hearing& signal : policy_.rules.hearing(message)) {
        const auto slot = find_signal(signal, message, nsp);
        if (!slot) continue;
        Hearing found = heard(*slot);
        if (found.what == Heard::late) {
            if (signal.kind != rules::SignalKind::answer) {
                found.what = Heard::progress;
                found.deliver = found.deliver && found.rename == nullptr;  // it has no name but its own
                found.rename = nullptr;
            }
            if (other.what == Heard::nothing) other = found;
            continue;
        }
        if (signal.kind == rules::SignalKind::answer) return found;
        found.what = Heard::progress;
        found.deliver = true;
        if (policy_.rules.rules()[signal.rule].id_source != rules::IdSource::ack) {
            progressed(*slot, signal.kind, now);
            return found;
        }
        // Nothing in it says whose: all that it could be about, of this rule and of others.
        progressed_all(*slot, signal, now);
        other = found;
    }
    return other;
}

RequestDesk::Hearing RequestDesk::hear_ack(std::uint32_t nsp, std::uint64_t ack) const {
    if (!book_) return {};
    const auto slot = book_->requests.find_ack(nsp, ack);
    return slot ? heard(*slot) : Hearing{};
}

RequestDesk::Hearing RequestDesk::heard(Slot slot) const {
    const Entry& entry = book_->requests.at(slot);
    const rules::Rule& rule = rule_of(entry);
    if (entry.outstanding()) {
        const bool own = !(rule.id_source == rules::IdSource::ack && entry.own_answered);
        return {Heard::answer, slot, own, nullptr};
    }
    if (entry.spent || rule.late_answer == rules::LateAnswer::drop)
        return {Heard::late, slot, false, nullptr};
    return {Heard::late, slot, true,
            rule.late_answer == rules::LateAnswer::rename ? &rule.late_name : nullptr};
}

std::optional<RequestDesk::Slot> RequestDesk::find_signal(const rules::Hearing& signal,
                                                          const rules::Message& message,
                                                          std::uint32_t nsp) const {
    const rules::Rule& rule = policy_.rules.rules()[signal.rule];
    const rules::Signal& what = signal.kind == rules::SignalKind::answer     ? rule.answer
                                : signal.kind == rules::SignalKind::progress ? rule.progress
                                                                             : rule.partial;
    switch (rule.id_source) {
        case rules::IdSource::order:
            return find_oldest(nsp, signal.rule);
        case rules::IdSource::ack: {
            if (!what.id) return find_oldest(nsp, signal.rule);
            // An app that tells the ack id in its progress.
            const auto text = rules::id_text(*what.id, message.body);
            std::uint64_t ack = 0;
            if (!text) return std::nullopt;
            const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), ack);
            if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
            const auto slot = book_->requests.find_ack(nsp, ack);
            if (!slot || book_->requests.at(*slot).request.rule != signal.rule) return std::nullopt;
            return slot;
        }
        case rules::IdSource::pointer:
            break;
    }
    const auto key = rules::id_key(what.id.value_or(rule.id), message.body);
    if (!key) return std::nullopt;
    return book_->requests.find_key(PendingRequests::full_key(nsp, signal.rule, *key));
}

// Of those that the app has; else of those that it had, since it may go on with them after a restart; else of
// those that had their fallback.
std::optional<RequestDesk::Slot> RequestDesk::find_oldest(std::uint32_t nsp, std::uint32_t rule) const {
    const PendingRequests& requests = book_->requests;
    const auto is_of = [&](const Entry& entry) {
        return entry.request.nsp == nsp && entry.request.rule == rule;
    };
    std::optional<Slot> lost;
    for (Slot slot = requests.oldest(); slot != PendingRequests::none; slot = requests.after(slot)) {
        const Entry& entry = requests.at(slot);
        if (!is_of(entry) || entry.sends == 0) continue;
        if (entry.sends_here > 0) return slot;
        if (!lost) lost = slot;
    }
    if (lost) return lost;
    for (Slot slot = requests.oldest_tombstone(); slot != PendingRequests::none;
         slot = requests.after(slot)) {
        if (is_of(requests.at(slot))) return slot;
    }
    return std::nullopt;
}

// All of the same rule and namespace that the app has; else the one that was found, which it had.
void RequestDesk::progressed_all(Slot found, const rules::Hearing& signal, TimePoint now) {
    const PendingRequests& requests = book_->requests;
    if (requests.at(found).sends_here == 0) return progressed(found, signal.kind, now);
    const std::uint32_t nsp = requests.at(found).request.nsp;
    for (Slot slot = requests.oldest(); slot != PendingRequests::none; slot = requests.after(slot)) {
        const Entry& entry = requests.at(slot);
        if (entry.request.nsp == nsp && entry.request.rule == signal.rule && entry.sends_here > 0)
            progressed(slot, signal.kind, now);
    }
}

void RequestDesk::progressed(Slot slot, rules::SignalKind kind, TimePoint now) {
    Entry& entry = book_->requests.at(slot);
    const rules::Rule& rule = rule_of(entry);
    ++counters(entry).progress;
    entry.progressed = true;
    if (kind == rules::SignalKind::partial) entry.parts = true;
    if (entry.sends_here > 0) {
        cancel_retry(entry);
        if (!rule.quotes_request() && (entry.parts || !rule.retry.upstream_lost))
            book_->requests.forget_text(slot);
    }
    entry.patience = rule.idle_next > Duration{0} ? now + rule.idle_next : never;
    if (entry.phase == Phase::waiting) set_due(slot);
}

void RequestDesk::answered(Slot slot, std::string_view text, const std::vector<std::string>& attachments,
                           TimePoint now) {
    if (!is_outstanding(slot)) return;
    Entry& entry = book_->requests.at(slot);
    const rules::Rule& rule = rule_of(entry);
    leave_gate(entry, rules::Outcome::answered);
    RuleStats& count = counters(entry);
    ++count.answered_by_upstream;
    if (auto* ends = actions_.ends())
        ends->push_back({entry.request.received, entry.request.rule, std::nullopt, {}, std::string(text)});
    count.duration.observe(now - entry.request.received);
    if (rule.repeat.window > Duration{0}) record(entry, text, attachments, now);
    if (rule.id_source == rules::IdSource::ack && entry.texts) {
        for (const std::uint64_t ack : entry.texts->joined)
            queue_again(entry.request.nsp, entry.request.rule, ack, text, attachments);
    }
    if (entry.sends_here < 2) return book_->requests.free(slot);
    // The app was asked twice: another answer may come, and is nobody's.
    entry.spent = true;
    if (entry.texts) entry.texts->joined.clear();
    book_->requests.bury(slot, now);
}

void RequestDesk::late_answered(Slot slot, std::string_view text, unsigned attachments, TimePoint now) {
    if (!book_ || !book_->requests.has(slot)) return;
    Entry& entry = book_->requests.at(slot);
    if (entry.phase != Phase::tombstone) return;
    const rules::Rule& rule = rule_of(entry);
    ++counters(entry).late;
    if (rule.repeat.window > Duration{0} && attachments == 0 && !entry.spent) record(entry, text, {}, now);
    entry.sends_here = 0;  // the app has done with it
    // By order the next late answer is another request's; by id an app may say the same again.
    if (rule.id_source == rules::IdSource::order) book_->requests.free(slot);
}

}  // namespace forestay::session
