// How many clients each address has, and how fast new ones come: limits.per_ip and limits.connect_rate.
// Another one of these has the same of identities: limits.per_identity and identity_rate.
//
// One for the process, behind a mutex: it is asked when a client comes and told when it goes, never on the
// way of a message. A client is a session or a plain websocket; while it is away (resume.client) it holds no
// place here, so that it finds one when it comes back. IPv6 addresses count by /64, which is what one
// subscriber has.
//
// Bounded: an address with a client has an entry, and limits.max_connections bounds those. Of the others,
// whose rate is remembered until it would allow a full burst again, the oldest is forgotten when there are
// too many, and counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proxy/net/options.h"
#include "proxy/session/token_bucket.h"

namespace forestay::net {

class ClientTable;
struct ClientEntry;
struct LeaveTable {
    ClientTable* table = nullptr;
    void operator()(ClientEntry* entry) const;
};
// A client's place among those of its address, or its identity, until it is destroyed; before the table.
// Empty: nothing is counted.
using ClientPlace = std::unique_ptr<ClientEntry, LeaveTable>;
struct ClientPlaces {
    ClientPlace address, identity;
    void reset() {
        address.reset();
        identity.reset();
    }
};

class ClientTable {
  public:
    static constexpr std::size_t idle_most = 65'536;

    explicit ClientTable(std::size_t idle = idle_most);
    ~ClientTable();
    ClientTable(const ClientTable&) = delete;
    ClientTable& operator=(const ClientTable&) = delete;

    enum class Refusal : std::uint8_t { too_many, too_fast };
    struct Refused {
        Refusal why{};
        std::chrono::seconds retry_after{1};
    };
    struct Verdict {
        ClientPlace place;
        std::optional<Refused> refused;
        unsigned forgotten = 0;  // entries whose rate was forgotten too early
    };
    // A new client from this address, "192.0.2.1" or "2001:db8::1". Any thread, and so is a place's end.
    [[nodiscard]] Verdict enter(std::string_view address, const ClientLimits& limits, session::TimePoint now);
    // One of this subject. Two whose hashes are the same would count as one: 2^-64.
    [[nodiscard]] Verdict enter_as(std::string_view subject, const ClientLimits& limits,
                                   session::TimePoint now);

    [[nodiscard]] std::size_t size() const;

    // What addresses that count as one have in common.
    [[nodiscard]] static std::string counted_as(std::string_view address);

  private:
    struct Key {
        bool v6 = false;
        std::uint64_t network = 0;  // all of an IPv4 address, or an IPv6 one's first 64 bits; of a subject a
                                    // keyed hash
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct Hash {
        std::uint64_t seed = 0;  // whoever has a /32 chooses many keys
        std::size_t operator()(const Key& key) const noexcept;
    };
    using Idle = std::list<const Key*>;

    friend struct ClientEntry;
    friend struct LeaveTable;

    static Key key_of(std::string_view address);
    [[nodiscard]] Verdict enter(const Key& key, const ClientLimits& limits, session::TimePoint now);
    void leave(ClientEntry& entry);
    void rest(ClientEntry& entry);
    [[nodiscard]] unsigned tidy();

    const std::string secret_;  // of the hashes of subjects
    const std::size_t idle_most_;
    mutable std::mutex mutex_;
    std::unordered_map<Key, ClientEntry, Hash> entries_;
    Idle idle_;                 // those without clients, the oldest first
    session::TimePoint now_{};  // when somebody came last
};

}  // namespace forestay::net
