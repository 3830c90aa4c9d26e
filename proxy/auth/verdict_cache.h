// Verdicts that were dear to come by, for half a minute: a polling client brings the same token with each
// request, and an RSA or ECDSA signature costs more than the rest of the request; a forward-auth server, more
// still.
//
// What is remembered is found by a keyed hash of the credential, never by the credential itself. Refused
// tokens are not remembered: they would push out what is good. Pure: key and time are arguments; not for
// several threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proxy/auth/authenticator.h"

namespace forestay::auth {

struct Verdict {
    Identity identity;
    unsigned denied = 0;  // with this status, by a forward-auth server; 0: not
    std::vector<std::pair<std::string, std::string>> challenge{};  // header fields that go with that
};

class VerdictCache {
  public:
    static constexpr std::int64_t longest_s = 30;
    static constexpr std::size_t client_share = 16;  // one client address has at most a sixteenth

    // What the caches of a process may have together.
    static constexpr std::size_t most_entries = 65'536;
    static constexpr std::size_t most_bytes = 64 << 20;

    // `key`: 32 random bytes. A cache of `entries`, 16 at least, and of `bytes`.
    VerdictCache(std::string key, std::size_t entries, std::size_t bytes);

    using Key = std::array<unsigned char, 32>;
    struct FirstBytes {  // the key is a hash already
        std::size_t operator()(const Key& key) const noexcept {
            std::size_t value = 0;
            std::memcpy(&value, key.data(), sizeof value);
            return value;
        }
    };
    // Of the credential as `kind` judges it: what is proven to one method means nothing to another.
    [[nodiscard]] Key key_of(std::string_view kind, std::string_view credential) const;

    // Lives until the next call; nullptr: it has to be judged. Counts.
    [[nodiscard]] const Verdict* find(const Key& key, std::int64_t now_unix);
    // For `longest` seconds, and not beyond the identity's end. `client`: its address, or whatever stands for
    // it. The least recently used go: of the client when it has its share, else of all. One that is larger
    // than a client's share of `bytes` is not kept.
    void store(const Key& key, std::string_view client, Verdict verdict, std::int64_t now_unix,
               std::int64_t longest);
    // Forgets everything when the keys that verify are not those of last time.
    void keys_are(std::uint64_t generation);

    struct Counts {
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;
    };
    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    using Order = std::list<Key>;  // the least recently used first
    using Client = std::uint64_t;
    struct Entry {
        Verdict verdict;
        std::int64_t from, until;  // both included
        std::size_t bytes;
        Client client;
        Order::iterator place, place_of_client;
    };
    struct ClientEntries {
        Order order;
        std::size_t bytes = 0;
    };
    void erase(const Key& key);

    const std::string key_;
    const std::size_t bound_entries_, bound_bytes_;
    std::unordered_map<Key, Entry, FirstBytes> entries_;
    Order order_;
    std::unordered_map<Client, ClientEntries> clients_;
    std::size_t bytes_ = 0;
    std::uint64_t generation_ = 0;
    Counts counts_;
};

}  // namespace forestay::auth
