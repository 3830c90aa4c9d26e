// Who tries out credentials is not judged for a while (auth.failed_rate): by address, and by credential
// wherever it comes from. Never by user name, or anybody could lock anybody out.
//
// An address is counted once for each bad credential, however often it brings that: a client with an old
// token that tries for ever guesses nothing, and only its token is locked out. IPv6 addresses count by /64.
//
// One for the process, behind a mutex that is not touched as long as nobody is locked out. Bounded: of too
// many the one that failed the longest ago is forgotten.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proxy/session/token_bucket.h"

namespace forestay::net {

class FailedCredentials {
  public:
    static constexpr std::size_t most = 65'536;  // addresses, and as many credentials
    static constexpr std::chrono::seconds first_lockout{60};
    static constexpr std::chrono::seconds longest_lockout{3'600};  // each is twice as long as the last one

    enum class Of : std::uint8_t { address, credential };

    explicit FailedCredentials(std::size_t bound = most);

    // How long neither this address nor this credential is judged; empty optional: it is. Any thread.
    [[nodiscard]] std::optional<std::chrono::seconds> locked_out(std::string_view address,
                                                                 std::string_view credential,
                                                                 session::TimePoint now);
    struct Lockout {
        Of of{};
        std::chrono::seconds lasts{};
    };
    // It was bad. The lockout that begins with it.
    [[nodiscard]] std::optional<Lockout> failed(std::string_view address, std::string_view credential,
                                                const session::Rate& rate, session::TimePoint now);

    [[nodiscard]] std::size_t size(Of of) const;

  private:
    using Key = std::uint64_t;
    struct Entry {
        session::TokenBucket rate;
        session::TimePoint locked_until{};
        unsigned lockouts = 0;
        std::list<Key>::iterator place;
    };
    struct Table {
        std::unordered_map<Key, Entry> entries;
        std::list<Key> order;  // who failed the longest ago is first
    };

    [[nodiscard]] Key key_of(Of of, std::string_view text) const;
    [[nodiscard]] static session::TimePoint locked_until(const Table& table, Key key);
    // One more failure; how long the lockout lasts that it begins, if it does.
    std::optional<std::chrono::seconds> add(Table& table, Key key, const session::Rate& rate,
                                            session::TimePoint now);
    void tidy(Table& table, session::TimePoint now);
    void erase(Table& table, Key key);
    static session::TimePoint forget_at(const Entry& entry);

    const std::string key_;  // random
    const std::size_t bound_;
    std::atomic<std::size_t> locked_{0};  // entries that have ever been locked out
    mutable std::mutex mutex_;
    Table addresses_, credentials_;
};

}  // namespace forestay::net
