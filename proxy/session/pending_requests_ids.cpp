// How requests are found: by ack id, by what their rule calls their id, by content, by number.
#include <bit>
#include <boost/unordered/unordered_flat_map.hpp>

#include "proxy/session/pending_requests.h"
#include "proxy/wire/keyed_hash.h"

namespace forestay::session {

using wire::hash_text;
using wire::mix;

struct PendingRequests::Index {
    boost::unordered_flat_map<AckKey, Slot, Hash> by_ack;
    boost::unordered_flat_map<std::string, Slot, Hash> by_key;
    boost::unordered_flat_map<std::uint64_t, Slot, Hash> by_number;
};

std::size_t PendingRequests::Hash::operator()(const AckKey& key) const noexcept {
    // Ack ids have 53 bits, so that few namespaces do not meet.
    return mix(seed ^ key.ack ^ std::rotl(std::uint64_t{key.nsp}, 53));
}
std::size_t PendingRequests::Hash::operator()(const std::string& key) const noexcept {
    return mix(hash_text(seed, key));
}
std::size_t PendingRequests::Hash::operator()(std::uint64_t number) const noexcept {
    return mix(seed ^ number);
}

std::string content_digest(std::uint64_t seed, std::string_view name, std::string_view body,
                           const std::vector<std::string>& attachments) {
    std::string digest = "=";  // no id begins so
    for (const std::uint64_t key : {mix(seed), mix(~seed)}) {
        std::uint64_t state = key;
        const auto add = [&state](std::string_view text) {
            state = mix(hash_text(state, text) + text.size());  // what ends here does not begin there
        };
        add(name);
        add(body);
        for (const std::string& attachment : attachments) add(attachment);
        digest += std::to_string(state);
        digest += '.';
    }
    return digest;
}

PendingRequests::PendingRequests(const Policy& policy, Stats& stats, std::uint64_t seed)
    : policy_(policy),
      stats_(stats),
      seed_(seed),
      index_(std::make_unique<Index>(Index{decltype(Index::by_ack)(0, Hash{seed}),
                                           decltype(Index::by_key)(0, Hash{seed}),
                                           decltype(Index::by_number)(0, Hash{seed})})) {}

// What is outstanding goes on elsewhere: these are gauges.
PendingRequests::~PendingRequests() {
    for (const Entry& entry : slots_) {
        if (!entry.outstanding()) continue;
        --stats_.rules[entry.request.rule].outstanding;
        if (entry.place == Place::asked) --stats_.rules[entry.request.rule].queued;
    }
}

PendingRequests::Slot PendingRequests::claim_id(const Request& request, const Texts* texts, Slot slot) {
    switch (policy_.rules.rules()[request.rule].id_source) {
        case rules::IdSource::ack:
            return index_->by_ack.try_emplace(AckKey{request.nsp, *request.ack}, slot).first->second;
        case rules::IdSource::pointer:
            return index_->by_key.try_emplace(texts->key, slot).first->second;
        case rules::IdSource::order:
            break;
    }
    return slot;
}

void PendingRequests::drop_ids(Slot slot) {
    const Entry& entry = slots_[slot];
    switch (policy_.rules.rules()[entry.request.rule].id_source) {
        case rules::IdSource::ack:
            index_->by_ack.erase(AckKey{entry.request.nsp, *entry.request.ack});
            break;
        case rules::IdSource::pointer:
            index_->by_key.erase(entry.texts->key);
            break;
        case rules::IdSource::order:
            break;
    }
    if (entry.number != 0) index_->by_number.erase(entry.number);
    if (!entry.texts || entry.texts->content.empty()) return;
    const auto found = index_->by_key.find(entry.texts->content);
    if (found != index_->by_key.end() && found->second == slot) index_->by_key.erase(found);
}

void PendingRequests::set_content(Slot slot, std::string full) {
    Entry& entry = slots_[slot];
    if (!entry.texts) entry.texts = std::make_unique<Texts>();
    entry.texts->content = std::move(full);
    const auto [found, fresh] = index_->by_key.try_emplace(entry.texts->content, slot);
    if (fresh || found->second == slot) return;
    Entry& earlier = slots_[std::exchange(found->second, slot)];
    if (earlier.texts) earlier.texts->content.clear();
}

void PendingRequests::set_number(Slot slot, std::uint64_t number) {
    index_->by_number.erase(slots_[slot].number);
    slots_[slot].number = number;
    index_->by_number.emplace(number, slot);
}

std::optional<PendingRequests::Slot> PendingRequests::find_ack(std::uint32_t nsp, std::uint64_t ack) const {
    const auto found = index_->by_ack.find(AckKey{nsp, ack});
    return found == index_->by_ack.end() ? std::nullopt : std::optional(found->second);
}
std::optional<PendingRequests::Slot> PendingRequests::find_key(const std::string& full) const {
    const auto found = index_->by_key.find(full);
    return found == index_->by_key.end() ? std::nullopt : std::optional(found->second);
}
std::optional<PendingRequests::Slot> PendingRequests::find_number(std::uint64_t number) const {
    const auto found = index_->by_number.find(number);
    return found == index_->by_number.end() ? std::nullopt : std::optional(found->second);
}

std::string PendingRequests::full_key(std::uint32_t nsp, std::uint32_t rule, std::string_view key) {
    std::string full = std::to_string(nsp);
    full += '/';
    full += std::to_string(rule);
    full += '/';
    full += key;
    return full;
}

void PendingRequests::shrink_ids() {
    index_->by_ack.rehash(0);
    index_->by_key.rehash(0);
    index_->by_number.rehash(0);
}

}  // namespace forestay::session
