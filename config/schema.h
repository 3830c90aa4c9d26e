// Every key there is: one table, from which come the checks, the defaults, the reference (README.md), the
// JSON Schema for editors, and what `forestay config` prints.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forestay::config {

enum class Type : std::uint8_t {
    section,      // a map of known keys
    choice,       // one of the words in `bounds`
    boolean,      // true, false
    integer,      // decimal
    duration,     // 30s
    size,         // 64KiB
    rate,         // 100/s, 30/m, 10/h
    percent,      // 50%
    text,         // anything that is not empty
    file,         // a path; relative to the file that names it
    address,      // host:port, [v6]:port, unix:/path
    url,          // http://host:port/prefix
    network,      // 10.0.0.0/8
    path,         // of a URL, beginning with a slash
    header,       // the name of an HTTP header
    json,         // any YAML that can be written as JSON
    json_scalar,  // text, number, true, false, null
};

// Bits of Key::traits.
namespace traits {
constexpr unsigned required = 1;  // somebody must set it
constexpr unsigned list = 2;      // a list; a single value alone will do
constexpr unsigned secret = 4;    // never shown
constexpr unsigned optional = 8;  // of a section: absent means off, its defaults do not create it
constexpr unsigned one_of = 16;   // of a section: it has exactly one of its keys
constexpr unsigned off = 64;      // of a rate: "off" will do as well
constexpr unsigned later = 32;    // known, but not built yet: refused when set
}  // namespace traits

struct Key {
    // Dotted. "[]" behind a name: of every element of that list; "*": any name.
    std::string_view path;
    Type type;
    unsigned traits;
    std::string_view
        initial;  // the default, as YAML; empty: there is none. It may be a word of its own ("auto")
    std::string_view bounds;  // "1s..10m"; of a choice the words "a|b"; of others, words that will do as well
    std::string_view now;     // only these words are built yet; empty: everything is
    std::string_view description;

    [[nodiscard]] bool is(unsigned trait) const { return (traits & trait) != 0; }
};

[[nodiscard]] std::span<const Key> keys();

// The table as the tree that a file follows.
struct Schema {
    struct Child;

    const Key* key = nullptr;
    std::vector<Child> children;  // in the order of the table

    [[nodiscard]] const Schema* find(std::string_view name) const;
};
struct Schema::Child {
    std::string_view name;
    Schema schema;
};
[[nodiscard]] const Schema& schema();

// "a|b|c" in pieces.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view words);
// Both ends of "1s..10m".
[[nodiscard]] std::pair<std::string_view, std::string_view> split_range(std::string_view bounds);
// What a value of this type is called in messages and in the reference: "a duration such as 30s".
[[nodiscard]] std::string_view name(Type type);
// The known key that somebody may have meant by `unknown` under `parent`; empty: nothing is near enough.
[[nodiscard]] std::string suggestion(const Schema& parent, std::string_view unknown);

}  // namespace forestay::config
