#include "proxy/auth/verdict_cache.h"

#include <algorithm>

#include "proxy/auth/digest.h"

namespace forestay::auth {
namespace {

constexpr std::size_t entry_overhead = 400;  // nodes of three containers and the key in each, about

std::size_t bytes_of(const Verdict& verdict) {
    const Identity& identity = verdict.identity;
    std::size_t bytes = entry_overhead + identity.subject.size() + identity.claims.size();
    for (const auto* fields : {&identity.fields, &verdict.challenge}) {
        for (const auto& [name, value] : *fields) bytes += name.size() + value.size() + sizeof(*fields);
    }
    return bytes;
}

}  // namespace

VerdictCache::VerdictCache(std::string key, std::size_t entries, std::size_t bytes)
    : key_(std::move(key)), bound_entries_(std::max(entries, client_share)), bound_bytes_(bytes) {}

// The kind's end cannot be moved into the credential: there is no NUL in it.
VerdictCache::Key VerdictCache::key_of(std::string_view kind, std::string_view credential) const {
    std::string text;
    text.reserve(kind.size() + 1 + credential.size());
    text.append(kind).append(1, '\0').append(credential);
    const std::string digest = hmac(Digest::sha256, key_, text);
    Key key;
    std::copy(digest.begin(), digest.end(), key.begin());
    return key;
}

// A clock that was set back makes nothing last longer.
const Verdict* VerdictCache::find(const Key& key, std::int64_t now_unix) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || now_unix < found->second.from || now_unix > found->second.until) {
        if (found != entries_.end()) erase(key);
        ++counts_.misses;
        return nullptr;
    }
    ++counts_.hits;
    Entry& entry = found->second;
    order_.splice(order_.end(), order_, entry.place);
    Order& mine = clients_.at(entry.client).order;
    mine.splice(mine.end(), mine, entry.place_of_client);
    return &entry.verdict;
}

void VerdictCache::store(const Key& key, std::string_view client, Verdict verdict, std::int64_t now_unix,
                         std::int64_t longest) {
    if (entries_.contains(key)) erase(key);
    const std::size_t bytes = bytes_of(verdict);
    if (bytes > bound_bytes_ / client_share) return;

    Client whose = 0;
    std::memcpy(&whose, key_of("client", client).data(), sizeof whose);
    const auto full = [&] {
        const auto mine = clients_.find(whose);
        return mine != clients_.end() && (mine->second.order.size() >= bound_entries_ / client_share ||
                                          mine->second.bytes + bytes > bound_bytes_ / client_share);
    };
    while (full()) erase(Key(clients_.at(whose).order.front()));
    while (entries_.size() >= bound_entries_ || bytes_ + bytes > bound_bytes_) erase(Key(order_.front()));

    ClientEntries& mine = clients_[whose];
    const std::int64_t until = std::min(verdict.identity.expires.value_or(INT64_MAX), now_unix + longest);
    entries_.emplace(key, Entry{std::move(verdict), now_unix, until, bytes, whose,
                                order_.insert(order_.end(), key), mine.order.insert(mine.order.end(), key)});
    mine.bytes += bytes;
    bytes_ += bytes;
}

void VerdictCache::keys_are(std::uint64_t generation) {
    if (generation_ == generation) return;
    generation_ = generation;
    entries_.clear();
    order_.clear();
    clients_.clear();
    bytes_ = 0;
}

void VerdictCache::erase(const Key& key) {
    const auto found = entries_.find(key);
    Entry& entry = found->second;
    bytes_ -= entry.bytes;
    order_.erase(entry.place);
    const auto whose = clients_.find(entry.client);
    whose->second.bytes -= entry.bytes;
    whose->second.order.erase(entry.place_of_client);
    if (whose->second.order.empty()) clients_.erase(whose);
    entries_.erase(found);
}

}  // namespace forestay::auth
