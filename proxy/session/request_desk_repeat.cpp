// The same request again (Rule::repeat): joined to the one that is outstanding, or answered from the record.
#include <algorithm>
#include <utility>

#include "proxy/session/request_desk.h"
#include "proxy/session/request_desk_book.h"

namespace forestay::session {

using Phase = PendingRequests::Phase;

bool RequestDesk::repeats(const Incoming& incoming, std::uint32_t index, TimePoint now) {
    if (!book_) return false;
    const rules::Rule& rule = policy_.rules.rules()[index];
    std::string key;
    if (rule.repeat.by == rules::RepeatBy::content) {
        if (incoming.attachments > 0) return false;  // repeats_whole()
        key = content_digest(seed_, incoming.message.name, incoming.message.body, {});
    } else {  // IdSource::pointer: no other id is the same in a repetition
        key = rules::id_key(rule.id, incoming.message.body).value_or(std::string());
    }
    if (key.empty()) return false;
    key = PendingRequests::full_key(incoming.nsp, index, key);
    const auto slot = book_->requests.find_key(key);
    if (slot && book_->requests.at(*slot).outstanding()) {
        if (!join(*slot, incoming.ack, now)) refuse(incoming, index, rules::Code::overload_memory, {}, now);
        return true;
    }
    if (say_again(incoming, index, key, now)) return true;
    return slot && join(*slot, incoming.ack, now);
}

std::string RequestDesk::repeat_key(const Entry& entry) const {
    if (!entry.texts) return {};
    return rule_of(entry).repeat.by == rules::RepeatBy::content ? entry.texts->content : entry.texts->key;
}

// False: it can not be joined to that one.
bool RequestDesk::join(Slot slot, const std::optional<std::uint64_t>& ack, TimePoint now) {
    PendingRequests& requests = book_->requests;
    Entry& entry = requests.at(slot);
    const rules::Rule& rule = rule_of(entry);
    const bool own = !ack || ack == entry.request.ack;
    if (!entry.outstanding()) {
        // Its fallback was given, and the app still has it: its late answer counts.
        const bool had = entry.sends_here > 0 && !entry.spent;
        if (!had || entry.request.received + rule.repeat.window <= now ||
            requests.outstanding() >= policy_.limits.outstanding)
            return false;
        requests.revive(slot);
        ++counters(entry).started;
        entry.request.received = now;
        entry.deadline = now + rule.timeout;
        const Duration patience = entry.progressed ? rule.idle_next : rule.idle_first;
        entry.patience = patience > Duration{0} ? now + patience : never;
        entry.again = never;
        entry.given_up = entry.retrying = false;
        entry.own_answered = !own;
        set_due(slot);
    }
    if (own) {
        entry.own_answered = false;
    } else {
        if (!entry.texts) entry.texts = std::make_unique<PendingRequests::Texts>();
        auto& joined = entry.texts->joined;
        if (std::find(joined.begin(), joined.end(), *ack) == joined.end()) {
            if (joined.size() >= policy_.limits.joined) return false;
            joined.push_back(*ack);
        }
    }
    ++counters(entry).joined;
    return true;
}

bool RequestDesk::say_again(const Incoming& incoming, std::uint32_t index, const std::string& key,
                            TimePoint now) {
    const auto* record = book_->records.find(key, now);
    if (record == nullptr) return false;
    // A client that asks for a large answer over and over, faster than it is said.
    if (book_->waiting_bytes > 0 &&
        book_->waiting_bytes + Book::said_bytes(record->text, record->attachments) >
            policy_.limits.repeat_bytes) {
        refuse(incoming, index, rules::Code::overload_memory, {}, now);
        return true;
    }
    ++stats_.rules[index].repeated;
    queue_again(incoming.nsp, index, incoming.ack, record->text, record->attachments);
    return true;
}

void RequestDesk::queue_again(std::uint32_t nsp, std::uint32_t rule, std::optional<std::uint64_t> ack,
                              std::string_view text, const std::vector<std::string>& attachments) {
    book_->waiting.push_back(
        {Say::What::again, std::nullopt, nsp, rule, ack, Book::Words::none, std::string(text), attachments});
    book_->waiting_bytes += book_->waiting.back().bytes();
}

bool RequestDesk::repeats_whole(Slot slot, TimePoint now) {
    PendingRequests& requests = book_->requests;
    Entry& entry = requests.at(slot);
    const rules::Rule& rule = rule_of(entry);
    if (rule.repeat.window == Duration{0} || rule.repeat.by != rules::RepeatBy::content) return false;
    const PendingRequests::Texts& texts = *entry.texts;
    const std::string key =
        PendingRequests::full_key(entry.request.nsp, entry.request.rule,
                                  content_digest(seed_, texts.event.empty() ? rule.match.name : texts.event,
                                                 texts.quoted(), texts.attachments));
    Incoming incoming;
    incoming.nsp = entry.request.nsp;
    incoming.ack = entry.request.ack;
    const auto earlier = requests.find_key(key);
    const bool outstanding = earlier && requests.at(*earlier).outstanding();
    const TimePoint received = entry.request.received;  // before its attachments
    bool known = outstanding && join(*earlier, incoming.ack, received);
    if (outstanding && !known) {  // too many have joined it; the app has it all the same
        give_up(slot, rules::Code::overload_memory, now);
        return true;
    }
    if (!known) known = say_again(incoming, entry.request.rule, key, now);
    if (!known) known = earlier && join(*earlier, incoming.ack, received);
    if (!known) {
        requests.set_content(slot, key);
        return false;
    }
    --counters(entry).started;
    requests.free(slot);
    return true;
}

void RequestDesk::record(const Entry& entry, std::string_view text,
                         const std::vector<std::string>& attachments, TimePoint now) {
    const TimePoint until = entry.request.received + rule_of(entry).repeat.window;
    std::string key = repeat_key(entry);
    if (key.empty() || until <= now) return;
    book_->records.add({std::move(key), entry.request.nsp, until, std::string(text), attachments});
}

}  // namespace forestay::session
