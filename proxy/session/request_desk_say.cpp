// What the client is told in the app's place.
#include <algorithm>
#include <utility>

#include "proxy/session/request_desk.h"
#include "proxy/session/request_desk_book.h"

namespace forestay::session {

using Phase = PendingRequests::Phase;

std::optional<RequestDesk::Say> RequestDesk::next_say(TimePoint now, const MaySay& may_say) {
    if (!book_) return std::nullopt;
    PendingRequests& requests = book_->requests;
    requests.age_tombstones(now);
    book_->records.age(now);
    for (;;) {
        auto& waiting = book_->waiting;
        const auto next = std::find_if(waiting.begin(), waiting.end(), [&](const Book::Waiting& one) {
            return !may_say || may_say(one.nsp);
        });
        if (next != waiting.end()) {
            Book::Waiting one = std::move(*next);
            waiting.erase(next);
            Say say{one.what,
                    one.slot,
                    one.nsp,
                    one.ack,
                    nullptr,
                    std::move(one.text),
                    std::move(one.attachments)};
            const rules::Rule& rule = policy_.rules.rules()[one.rule];
            switch (one.words) {
                case Book::Words::none:
                    book_->waiting_bytes -= Book::said_bytes(say.text, say.attachments);
                    break;
                case Book::Words::fallback:
                    say.words = &rule.fallback;
                    break;
                case Book::Words::abort:
                    say.words = &*rule.abort;
                    break;
                case Book::Words::status: {
                    say.words = &*rule.queue.status;
                    // It may be over, or have its turn.
                    if (!requests.has(*one.slot)) continue;
                    Entry& entry = requests.at(*one.slot);
                    const bool in_line = entry.outstanding() && entry.place == PendingRequests::Place::asked;
                    if (!std::exchange(entry.telling, false) || !in_line) continue;
                    render(say.text, *say.words, entry, rules::Code::timeout, {}, now);
                    break;
                }
            }
            return say;
        }
        const auto slot = requests.next_due(now);
        if (!slot) return std::nullopt;
        if (const auto why = decide(*slot, now)) give_fallback(*slot, *why, may_say, now);
    }
}

void RequestDesk::give_fallback(Slot slot, rules::Code why, const MaySay& may_say, TimePoint now) {
    PendingRequests& requests = book_->requests;
    Entry& entry = requests.at(slot);
    const bool failed = entry.sends > 0 && why != rules::Code::shutdown;  // what was not asked has not
    leave_gate(entry, failed ? rules::Outcome::failed : rules::Outcome::released);
    entry.stand = PendingRequests::Stand::owner;
    if (may_say && !may_say(entry.request.nsp)) {
        entry.phase = Phase::deferred;
        entry.why = why;
        if (!rule_of(entry).quotes_request()) requests.forget_text(slot);
        return;
    }
    count_fallback(entry, why, now);
    queue_fallback(entry, slot, rule_of(entry), why, {}, now);
    if (entry.texts) entry.texts->joined.clear();
    requests.bury(slot, now);
}

void RequestDesk::joined(std::uint32_t nsp, TimePoint now) {
    if (!book_) return;
    PendingRequests& requests = book_->requests;
    for (Slot slot = requests.oldest(); slot != PendingRequests::none; slot = requests.after(slot)) {
        Entry& entry = requests.at(slot);
        if (entry.phase != Phase::deferred || entry.request.nsp != nsp) continue;
        entry.phase = Phase::waiting;
        entry.given_up = false;
        give_up(slot, entry.why, now);
    }
}

void RequestDesk::count_fallback(const Entry& entry, rules::Code why, TimePoint now) {
    RuleStats& count = counters(entry);
    ++count.answered_by_fallback;
    ++count.fallbacks[static_cast<std::size_t>(why)];
    if (entry.parts) ++count.aborted;
    count.duration.observe(now - entry.request.received);
}

void RequestDesk::refuse(const Incoming& incoming, std::uint32_t index, rules::Code why,
                         std::string_view detail, TimePoint now) {
    const rules::Rule& rule = policy_.rules.rules()[index];
    // Before its CONNECT is answered, a namespace may be told nothing: so much waits for that, and no more.
    if (book().waiting.size() >= policy_.limits.outstanding) {
        const bool invalid = why == rules::Code::protocol_schema;
        return stats_.count(invalid ? Drop::invalid_message : Drop::untracked_request);
    }
    Entry entry;
    entry.request = {incoming.nsp, index, incoming.ack, now};
    entry.texts = std::make_unique<PendingRequests::Texts>();
    entry.texts->event = incoming.message.name;
    if (rule.id_source == rules::IdSource::pointer)
        entry.texts->id = rules::id_text(rule.id, incoming.message.body).value_or("null");
    if (rule.quotes_request()) {
        entry.texts->packet = incoming.message.body;
        entry.texts->body_size = static_cast<std::uint32_t>(incoming.message.body.size());
    }
    ++stats_.rules[index].started;
    count_fallback(entry, why, now);
    queue_fallback(entry, std::nullopt, rule, why, detail, now);
}

// An ACK to each ack id that has none yet, or the event, or the message, once.
void RequestDesk::queue_fallback(const Entry& entry, std::optional<Slot> slot, const rules::Rule& rule,
                                 rules::Code why, std::string_view detail, TimePoint now) {
    const bool abort = entry.parts && rule.abort;
    const rules::Fallback& words = abort ? *rule.abort : rule.fallback;
    std::string text;
    render(text, words, entry, why, detail, now);
    if (auto* ends = actions_.ends())
        ends->push_back({entry.request.received, entry.request.rule, why, words.event, text});
    const auto queue = [&](std::optional<std::uint64_t> ack, std::string said) {
        book_->waiting.push_back({Say::What::fallback,
                                  slot,
                                  entry.request.nsp,
                                  entry.request.rule,
                                  ack,
                                  abort ? Book::Words::abort : Book::Words::fallback,
                                  std::move(said),
                                  {}});
    };
    const bool by_ack = !rule.match.json && words.event.empty();
    if (!by_ack) return queue(entry.request.ack, std::move(text));
    if (entry.texts) {
        for (const std::uint64_t ack : entry.texts->joined) queue(ack, text);
    }
    if (!entry.own_answered) queue(entry.request.ack, std::move(text));
}

void RequestDesk::render(std::string& out, const rules::Fallback& words, const Entry& entry, rules::Code why,
                         std::string_view detail, TimePoint now) const {
    const rules::Rule& rule = rule_of(entry);
    const PendingRequests::Texts* texts = entry.texts.get();
    std::string id;
    if (texts != nullptr) id = texts->id;
    if (id.empty()) id = entry.request.ack ? std::to_string(*entry.request.ack) : "null";
    rules::TemplateValues values;
    values.id = id;
    values.event = rule.match.name;
    if (texts != nullptr && !texts->event.empty()) values.event = texts->event;
    values.rule = rule.name;
    values.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - entry.request.received);
    values.code = why;
    values.attempt = entry.sends;
    values.place = entry.line_place;
    values.waiting = entry.line_length;
    if (texts != nullptr) values.request = texts->quoted();
    values.detail = detail;
    words.data.render(out, values);
}

TimePoint RequestDesk::next_deadline() const {
    if (!book_) return never;
    return std::min(book_->requests.next_deadline(), book_->records.next_deadline());
}

bool RequestDesk::quiet(TimePoint now) const {
    return !book_ || (book_->waiting.empty() && book_->ready.empty() && next_deadline() > now);
}

}  // namespace forestay::session
