#include "proxy/net/failed_credentials.h"

#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

#include "proxy/auth/digest.h"
#include "proxy/net/client_table.h"

namespace forestay::net {

using session::TimePoint;
using std::chrono::seconds;

namespace {

std::string random_key() {
    std::string key(32, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) != 1)
        throw std::runtime_error("RAND_bytes failed");
    return key;
}

}  // namespace

FailedCredentials::FailedCredentials(std::size_t bound) : key_(random_key()), bound_(bound) {}

// Of what peers choose, with a key that they do not know: they cannot make two look alike.
FailedCredentials::Key FailedCredentials::key_of(Of of, std::string_view text) const {
    const std::string digest =
        auth::hmac(auth::Digest::sha256, key_, (of == Of::address ? "a" : "c") + std::string(text));
    Key key = 0;
    for (std::size_t i = 0; i < sizeof key; ++i) key = key << 8U | static_cast<unsigned char>(digest[i]);
    return key;
}

TimePoint FailedCredentials::locked_until(const Table& table, Key key) {
    const auto found = table.entries.find(key);
    return found == table.entries.end() ? TimePoint{} : found->second.locked_until;
}

std::optional<seconds> FailedCredentials::locked_out(std::string_view address, std::string_view credential,
                                                     TimePoint now) {
    if (locked_.load(std::memory_order_relaxed) == 0) return std::nullopt;
    const Key of_address = key_of(Of::address, ClientTable::counted_as(address));
    const Key of_credential = key_of(Of::credential, credential);
    const std::lock_guard lock(mutex_);
    const TimePoint until =
        std::max(locked_until(addresses_, of_address), locked_until(credentials_, of_credential));
    if (until <= now) return std::nullopt;
    return std::chrono::ceil<seconds>(until - now);
}

std::optional<FailedCredentials::Lockout> FailedCredentials::failed(std::string_view address,
                                                                    std::string_view credential,
                                                                    const session::Rate& rate,
                                                                    TimePoint now) {
    const Key of_address = key_of(Of::address, ClientTable::counted_as(address));
    const Key of_credential = key_of(Of::credential, credential);
    const std::lock_guard lock(mutex_);
    tidy(credentials_, now);
    const bool fresh = !credentials_.entries.contains(of_credential);
    if (const auto lasts = add(credentials_, of_credential, rate, now))
        return Lockout{Of::credential, *lasts};
    if (!fresh) return std::nullopt;
    tidy(addresses_, now);
    if (const auto lasts = add(addresses_, of_address, rate, now)) return Lockout{Of::address, *lasts};
    return std::nullopt;
}

std::optional<seconds> FailedCredentials::add(Table& table, Key key, const session::Rate& rate,
                                              TimePoint now) {
    const auto [found, fresh] = table.entries.try_emplace(key);
    Entry& entry = found->second;
    if (!fresh) table.order.erase(entry.place);
    entry.place = table.order.insert(table.order.end(), key);
    entry.rate.spend(rate, now);
    if (entry.rate.next(rate) <= now) return std::nullopt;
    if (entry.lockouts == 0) ++locked_;
    const seconds lasts =
        std::min(seconds(first_lockout.count() << std::min(entry.lockouts, 6U)), longest_lockout);
    ++entry.lockouts;
    entry.locked_until = now + lasts;
    return lasts;
}

// Who was locked out and stays quiet for as long as the longest lockout begins anew.
TimePoint FailedCredentials::forget_at(const Entry& entry) {
    return entry.lockouts > 0 ? entry.locked_until + longest_lockout : entry.rate.full_at();
}

// Two out for one in: what is remembered for nothing does not pile up.
void FailedCredentials::tidy(Table& table, TimePoint now) {
    for (int i = 0; i < 2 && !table.order.empty(); ++i) {
        const Key oldest = table.order.front();
        if (forget_at(table.entries.at(oldest)) > now && table.order.size() < bound_) return;
        erase(table, oldest);
    }
}

void FailedCredentials::erase(Table& table, Key key) {
    const auto found = table.entries.find(key);
    if (found->second.lockouts > 0) --locked_;
    table.order.erase(found->second.place);
    table.entries.erase(found);
}

std::size_t FailedCredentials::size(Of of) const {
    const std::lock_guard lock(mutex_);
    return (of == Of::address ? addresses_ : credentials_).entries.size();
}

}  // namespace forestay::net
