// The sids that clients know and those that the app uses for them since a restart, of all clients: they turn
// up in the messages of others, too.
//
// One per loop, in the workspace; what one loop learns the others are told (action::AliasSid). Empty unless
// resume.upstream.sid_alias is on.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace forestay::session {

class SidAliases {
  public:
    // From now on the app's `current` stands for the `known` of a client, instead of what stood for it
    // before. An empty `current` forgets it.
    void set(std::string_view known, std::string_view current);
    [[nodiscard]] bool empty() const noexcept { return current_.empty(); }

    // Writes `text` with the sids of one side replaced by those of the other; false, and nothing written,
    // when there is none in it. A sid is a whole run of the characters that sids are made of.
    [[nodiscard]] bool for_client(std::string& out, std::string_view text) const {
        return exchange(known_, out, text);
    }
    [[nodiscard]] bool for_upstream(std::string& out, std::string_view text) const {
        return exchange(current_, out, text);
    }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    using Table = std::unordered_map<std::string, std::string, Hash, std::equal_to<>>;
    static bool exchange(const Table& table, std::string& out, std::string_view text);

    Table current_;  // by what the client knows
    Table known_;    // by what the app uses
};

}  // namespace forestay::session
