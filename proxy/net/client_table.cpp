#include "proxy/net/client_table.h"

#include <arpa/inet.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "proxy/auth/digest.h"
#include "proxy/wire/keyed_hash.h"

namespace forestay::net {

using session::TimePoint;
using std::chrono::seconds;

namespace {

// When one of all places becomes free nobody knows; clients come back at this pace.
constexpr seconds full_retry{5};

std::string random_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size)) != 1)
        throw std::runtime_error("RAND_bytes failed");
    return bytes;
}

std::uint64_t number_in(std::string_view bytes) {
    std::uint64_t number = 0;
    for (const char byte : bytes.substr(0, sizeof number))
        number = number << 8 | static_cast<unsigned char>(byte);
    return number;
}

}  // namespace

struct ClientEntry {
    const ClientTable::Key* key = nullptr;
    std::size_t clients = 0;
    session::TokenBucket rate;
    ClientTable::Idle::iterator idle;  // when there are no clients
};

std::size_t ClientTable::Hash::operator()(const Key& key) const noexcept {
    return wire::mix(key.network ^ seed ^ (key.v6 ? 0x9e3779b97f4a7c15ULL : 0));
}

ClientTable::ClientTable(std::size_t idle)
    : secret_(random_bytes(32)), idle_most_(idle), entries_(0, Hash{number_in(random_bytes(8))}) {}
ClientTable::~ClientTable() = default;

// What is no address (there is none: client_facts) counts as one address.
ClientTable::Key ClientTable::key_of(std::string_view address) {
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::array<char, INET6_ADDRSTRLEN> text{};
    std::copy_n(address.begin(), std::min(address.size(), text.size() - 1), text.begin());
    std::array<std::uint8_t, 16> bytes{};
    const auto number = [&](std::size_t from, std::size_t count) {
        std::uint64_t value = 0;
        for (std::size_t i = from; i < from + count; ++i) value = value << 8 | bytes[i];
        return value;
    };
    if (inet_pton(AF_INET, text.data(), bytes.data()) == 1) return {false, number(0, 4)};
    if (inet_pton(AF_INET6, text.data(), bytes.data()) != 1) return {};
    if (std::equal(mapped.begin(), mapped.end(), bytes.begin())) return {false, number(12, 4)};
    return {true, number(0, 8)};
}

std::string ClientTable::counted_as(std::string_view address) {
    const Key key = key_of(address);
    return (key.v6 ? "6 " : "4 ") + std::to_string(key.network);
}

ClientTable::Verdict ClientTable::enter(std::string_view address, const ClientLimits& limits, TimePoint now) {
    if (!limits.any()) return {};
    return enter(key_of(address), limits, now);
}

ClientTable::Verdict ClientTable::enter_as(std::string_view subject, const ClientLimits& limits,
                                           TimePoint now) {
    if (!limits.any()) return {};
    return enter({false, number_in(auth::hmac(auth::Digest::sha256, secret_, subject))}, limits, now);
}

ClientTable::Verdict ClientTable::enter(const Key& key, const ClientLimits& limits, TimePoint now) {
    Verdict verdict;
    const std::lock_guard lock(mutex_);
    now_ = std::max(now_, now);
    verdict.forgotten = tidy();
    const auto [found, fresh] = entries_.try_emplace(key);
    ClientEntry& entry = found->second;
    if (fresh)
        entry.key = &found->first;
    else if (entry.clients == 0)
        idle_.erase(entry.idle);

    const TimePoint next = limits.connects.bounded() ? entry.rate.next(limits.connects) : now_;
    if (limits.at_once > 0 && entry.clients >= limits.at_once) {
        verdict.refused = Refused{Refusal::too_many, full_retry};
    } else if (next > now_) {
        verdict.refused = Refused{Refusal::too_fast, std::chrono::ceil<seconds>(next - now_)};
        if (entry.clients == 0) rest(entry);
    } else {
        if (limits.connects.bounded()) entry.rate.spend(limits.connects, now_);
        ++entry.clients;
        verdict.place = ClientPlace(&entry, LeaveTable{this});
    }
    return verdict;
}

void LeaveTable::operator()(ClientEntry* entry) const {
    table->leave(*entry);
}

void ClientTable::leave(ClientEntry& entry) {
    const std::lock_guard lock(mutex_);
    if (--entry.clients == 0) rest(entry);
}

// Nobody is there from this address any more. What its rate would allow again is not worth remembering.
void ClientTable::rest(ClientEntry& entry) {
    if (entry.rate.full_at() > now_)
        entry.idle = idle_.insert(idle_.end(), entry.key);
    else
        entries_.erase(entries_.find(*entry.key));
}

// Two out for one in: what is remembered for nothing does not pile up.
unsigned ClientTable::tidy() {
    unsigned forgotten = 0;
    for (int i = 0; i < 2 && !idle_.empty(); ++i) {
        const auto oldest = entries_.find(*idle_.front());
        const bool early = oldest->second.rate.full_at() > now_;
        if (early && idle_.size() < idle_most_) break;
        if (early) ++forgotten;
        idle_.pop_front();
        entries_.erase(oldest);
    }
    return forgotten;
}

std::size_t ClientTable::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

}  // namespace forestay::net
