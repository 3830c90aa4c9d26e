// What is wrong with a configuration, and where: every problem is collected, none stops the search for the
// next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forestay::config {

// Where text came from: a file, or a flag.
struct Source {
    std::string name;       // as messages show it
    std::string directory;  // relative paths in it start here; empty: the working directory
    bool lines = true;      // false for a flag: its places have no line
    int order = 0;          // problems are shown in this order of sources
};

// A position in a source. Lines and columns count from 1, columns in characters; 0: the source as a whole.
struct Place {
    std::shared_ptr<const Source> source;
    unsigned line = 0;
    unsigned column = 0;
};

enum class Severity : std::uint8_t { error, warning };

struct Problem {
    Severity severity = Severity::error;
    Place at;
    std::string message;
};

// "file:line:column", or "file", or nothing.
[[nodiscard]] std::string to_string(const Place& place);
// One line: "file:line:column: message"; a warning says so in front of its message.
[[nodiscard]] std::string to_string(const Problem& problem);

// Text of the user in a message: quoted, control characters escaped, cut where it gets long.
[[nodiscard]] std::string quote(std::string_view text);

class Problems {
  public:
    void error(const Place& at, std::string message) { add(Severity::error, at, std::move(message)); }
    void warning(const Place& at, std::string message) { add(Severity::warning, at, std::move(message)); }
    [[nodiscard]] bool any_error() const { return errors_ > 0; }
    [[nodiscard]] std::size_t errors() const { return errors_; }
    // All of them, in the order of sources, lines and columns.
    [[nodiscard]] std::vector<Problem> sorted() const;

  private:
    void add(Severity severity, const Place& at, std::string message);

    std::vector<Problem> all_;
    std::size_t errors_ = 0;
};

}  // namespace forestay::config
