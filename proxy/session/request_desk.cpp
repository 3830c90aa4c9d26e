#include "proxy/session/request_desk.h"

#include <algorithm>
#include <utility>

#include "proxy/session/request_desk_book.h"

namespace forestay::session {

using Phase = PendingRequests::Phase;
using Stand = PendingRequests::Stand;

namespace {

// Of a name, by whole characters. On a JSON websocket it may be as long as a message, and is kept.
std::string beginning(std::string_view name, std::size_t bytes) {
    while (bytes < name.size() && bytes > 0 && (static_cast<unsigned char>(name[bytes]) & 0xC0U) == 0x80)
        --bytes;
    return std::string(name.substr(0, bytes));
}

}  // namespace

RequestDesk::RequestDesk(const Policy& policy, Stats& stats, ActionList& actions, std::uint64_t seed)
    : policy_(policy), stats_(stats), actions_(actions), seed_(seed) {}
RequestDesk::~RequestDesk() = default;

RequestDesk::Book& RequestDesk::book() {
    if (!book_) book_ = std::make_unique<Book>(policy_, stats_, seed_);
    return *book_;
}

const rules::Rule& RequestDesk::rule_of(const Entry& entry) const {
    return policy_.rules.rules()[entry.request.rule];
}
RuleStats& RequestDesk::counters(const Entry& entry) const {
    return stats_.rules[entry.request.rule];
}

RequestDesk::Intake RequestDesk::take(const Incoming& incoming, const rules::Peer& peer, TimePoint now) {
    if (!policy_.rules.any(incoming.message.json)) return {};
    const auto match = policy_.rules.match(incoming.message, peer);
    if (!match) return {};
    const auto index = static_cast<std::uint32_t>(*match);
    const rules::Rule& rule = policy_.rules.rules()[index];
    if (rule.schema) {
        const std::string_view body = incoming.message.body;
        if (auto problem = rule.schema->problem(body.empty() ? std::string_view("null") : body)) {
            ++stats_.rules[index].invalid;
            if (incoming.message.json) return {Verdict::invalid, {}, std::move(*problem)};
            refuse(incoming, index, rules::Code::protocol_schema, *problem, now);
            return {Verdict::done, {}, {}};
        }
    }
    if (!rule.tracks) return {};
    if (rule.repeat.window > Duration{0} && repeats(incoming, index, now)) return {Verdict::done, {}, {}};
    return register_request(incoming, index, now);
}

RequestDesk::Intake RequestDesk::register_request(const Incoming& incoming, std::uint32_t index,
                                                  TimePoint now) {
    const rules::Rule& rule = policy_.rules.rules()[index];
    PendingRequests& requests = book().requests;
    std::unique_ptr<PendingRequests::Texts> texts;
    if (rule.match.name == "*") {
        texts = std::make_unique<PendingRequests::Texts>();
        texts->event = beginning(incoming.message.name, policy_.limits.event_name_bytes);
    }
    if (rule.id_source == rules::IdSource::pointer) {
        const auto key = rules::id_key(rule.id, incoming.message.body);
        if (!key) {
            stats_.count(Drop::untracked_request);
            return {};
        }
        if (!texts) texts = std::make_unique<PendingRequests::Texts>();
        texts->key = PendingRequests::full_key(incoming.nsp, index, *key);
        texts->id = *rules::id_text(rule.id, incoming.message.body);
    }
    // Two with the same content and different attachments are two.
    const bool by_content = rule.repeat.window > Duration{0} && rule.repeat.by == rules::RepeatBy::content;
    const bool kept = rule.gated() || (by_content && incoming.attachments > 0);
    const bool wants_text = kept || rule.quotes_request();
    if (wants_text && !requests.has_room(incoming.text.size())) {
        refuse(incoming, index, rules::Code::overload_memory, {}, now);
        return {Verdict::done, {}, {}};
    }
    const auto slot = requests.add({incoming.nsp, index, incoming.ack, now}, std::move(texts));
    if (!slot) {
        stats_.count(Drop::untracked_request);
        if (!rule.gated()) return {};
        // Nobody gets past the gate by naming one id twice; with another id there is no room.
        if (requests.outstanding() >= policy_.limits.outstanding)
            refuse(incoming, index, rules::Code::overload_memory, {}, now);
        return {Verdict::done, {}, {}};
    }
    ++stats_.rules[index].started;
    Entry& entry = requests.at(*slot);
    entry.deadline = now + rule.timeout;
    if (wants_text) {
        requests.keep_text(*slot, std::string(incoming.text));
        if (const std::string_view body = incoming.message.body; !body.empty()) {
            entry.texts->body = static_cast<std::uint32_t>(body.data() - incoming.text.data());
            entry.texts->body_size = static_cast<std::uint32_t>(body.size());
        }
    }
    if (by_content && incoming.attachments == 0) {
        requests.set_content(*slot, PendingRequests::full_key(incoming.nsp, index,
                                                              content_digest(seed_, incoming.message.name,
                                                                             incoming.message.body, {})));
    }
    if (rule.gated()) requests.set_number(*slot, ++book_->last_number);
    set_due(*slot);
    if (!kept) return {Verdict::forward, slot, {}};
    entry.stand = Stand::kept;
    entry.whole = incoming.attachments == 0;
    if (entry.whole) ask_gate(*slot);
    return {Verdict::keep, slot, {}};
}

void RequestDesk::kept_whole(HeldMessage message, TimePoint now) {
    if (!message.request || !keeps(*message.request)) return;
    const Slot slot = *message.request;
    PendingRequests& requests = book_->requests;
    std::size_t bytes = 0;
    for (const std::string& attachment : message.attachments)
        bytes += sizeof(std::string) + attachment.size();
    if (!requests.has_room(bytes)) return give_up(slot, rules::Code::overload_memory, now);
    Entry& entry = requests.at(slot);
    requests.keep_attachments(slot, std::move(message.attachments));
    entry.whole = true;
    if (repeats_whole(slot, now)) return;
    if (rule_of(entry).gated())
        ask_gate(slot);
    else
        make_ready(slot);
}

bool RequestDesk::keeps(Slot slot) const {
    return is_outstanding(slot) && book_->requests.at(slot).stand != Stand::owner;
}

void RequestDesk::sent(Slot slot, TimePoint now) {
    if (!is_outstanding(slot)) return;
    Entry& entry = book_->requests.at(slot);
    const rules::Rule& rule = rule_of(entry);
    if (entry.sends < UINT8_MAX) ++entry.sends;
    if (entry.sends_here < UINT8_MAX) ++entry.sends_here;
    entry.stand = Stand::owner;
    if (rule.idle_first > Duration{0}) entry.patience = now + rule.idle_first;
    if (!may_say_again(entry) && !rule.quotes_request()) book_->requests.forget_text(slot);
    if (entry.phase == Phase::waiting) set_due(slot);
}

void RequestDesk::give_up(Slot slot, rules::Code why, TimePoint now) {
    if (!is_outstanding(slot)) return;
    Entry& entry = book_->requests.at(slot);
    if (entry.phase != Phase::waiting || entry.given_up) return;
    entry.given_up = true;
    entry.why = why;
    book_->requests.set_due(slot, now);
}

void RequestDesk::give_up_all(rules::Code why, TimePoint now) {
    if (!book_) return;
    PendingRequests& requests = book_->requests;
    for (Slot slot = requests.oldest(); slot != PendingRequests::none; slot = requests.after(slot)) {
        wait_again(slot);
        give_up(slot, why, now);
    }
}

void RequestDesk::expect_late(const rules::Message& message, std::uint32_t nsp, const rules::Peer& peer,
                              TimePoint now) {
    const auto match = policy_.rules.match(message, peer);
    if (!match) return;
    const auto index = static_cast<std::uint32_t>(*match);
    const rules::Rule& rule = policy_.rules.rules()[index];
    if (!rule.tracks || rule.id_source == rules::IdSource::ack) return;
    auto texts = std::make_unique<PendingRequests::Texts>();
    if (rule.id_source == rules::IdSource::pointer) {
        const auto key = rules::id_key(rule.id, message.body);
        if (!key) return;
        texts->key = PendingRequests::full_key(nsp, index, *key);
    }
    if (const auto slot = book().requests.add({nsp, index, {}, now}, std::move(texts)))
        book_->requests.bury(*slot, now);
}

void RequestDesk::suspend(Slot slot) {
    if (!is_outstanding(slot)) return;
    Entry& entry = book_->requests.at(slot);
    if (entry.phase != Phase::waiting) return;
    entry.phase = Phase::suspended;
    cancel_retry(entry);
    book_->requests.set_due(slot, never);
}

void RequestDesk::resume(Slot slot, TimePoint now) {
    wait_again(slot);
    give_up(slot, rules::Code::timeout, now);
}

void RequestDesk::wait_again(Slot slot) {
    if (!is_outstanding(slot)) return;
    Entry& entry = book_->requests.at(slot);
    if (entry.phase != Phase::suspended) return;
    entry.phase = Phase::waiting;
    set_due(slot);
}

void RequestDesk::set_due(Slot slot) {
    const Entry& entry = book_->requests.at(slot);
    if (entry.given_up) return;  // and due already
    book_->requests.set_due(slot, std::min({entry.deadline, entry.patience, entry.again}));
}

void RequestDesk::forget_nsp(std::uint32_t nsp) {
    if (!book_) return;
    PendingRequests& requests = book_->requests;
    for (Slot slot = 0; slot < requests.size(); ++slot) {
        if (requests.at(slot).phase != Phase::free && requests.at(slot).request.nsp == nsp) abandon(slot);
    }
    std::erase_if(book_->waiting, [&](const Book::Waiting& one) {
        if (one.nsp != nsp) return false;
        if (one.what == Say::What::again) book_->waiting_bytes -= one.bytes();
        return true;
    });
    book_->records.forget_nsp(nsp);
}

void RequestDesk::abandon(Slot slot) {
    Entry& entry = book_->requests.at(slot);
    if (entry.outstanding()) {
        leave_gate(entry, rules::Outcome::released);
        ++counters(entry).abandoned;
    }
    book_->requests.free(slot);
}

void RequestDesk::forget_all() {
    if (!book_) return;
    PendingRequests& requests = book_->requests;
    for (Slot slot = requests.oldest(); slot != PendingRequests::none; slot = requests.after(slot))
        ++counters(requests.at(slot)).abandoned;
    book_.reset();
}

bool RequestDesk::is_outstanding(Slot slot) const {
    return book_ && book_->requests.is_outstanding(slot);
}

}  // namespace forestay::session
