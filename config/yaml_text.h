// The text of a YAML file before yaml-cpp sees it: its lines, and what it must not contain.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forestay::config {

// Lines and byte columns as yaml-cpp's marks count them, from 0. Refers to the text.
class Lines {
  public:
    explicit Lines(std::string_view text);

    // From a place to the end of its line; empty for a place outside of the text.
    [[nodiscard]] std::string_view rest(std::size_t line, std::size_t byte) const;
    // The column as an editor shows it: characters, from 1. Quick when it is asked for places in the order of
    // the text.
    [[nodiscard]] unsigned column(std::size_t line, std::size_t byte);
    // The line in which a byte of the text is.
    [[nodiscard]] std::size_t line_of(std::size_t offset) const;
    // And where in that line.
    [[nodiscard]] std::size_t byte_of(std::size_t offset) const { return offset - starts_[line_of(offset)]; }

  private:
    [[nodiscard]] std::string_view line(std::size_t number) const;

    std::string_view text_;
    std::vector<std::size_t> starts_;
    std::size_t counted_line_ = 0;  // up to here column() has counted
    std::size_t counted_bytes_ = 0;
    unsigned counted_column_ = 1;
};

// What makes a text unreadable whatever YAML says. yaml-cpp recodes UTF-16, ends or stumbles at NUL, and
// takes a line that begins with % for a directive, most of which it skips: with a typing error a setting
// would be gone.
struct Unreadable {
    std::string message;
    std::optional<std::size_t> offset;  // empty: the text as a whole
};
[[nodiscard]] std::optional<Unreadable> find_unreadable(std::string_view text);

}  // namespace forestay::config
