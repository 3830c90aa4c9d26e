// Reading the vectors of tests/vectors for data-driven tests.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

namespace forestay::tests {

// A file of tests/vectors, kept while its rows are read. The working directory is the source tree.
class Vectors {
  public:
    explicit Vectors(const std::string& name) : root_(parser_.load("tests/vectors/" + name)) {}
    [[nodiscard]] simdjson::dom::element root() const { return root_; }

  private:
    simdjson::dom::parser parser_;
    simdjson::dom::element root_;
};

inline std::string text_at(simdjson::dom::element row, std::string_view key) {
    return std::string(std::string_view(row[key]));
}

inline std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return bytes;
}

inline std::string to_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const char c : bytes) {
        hex += digits[static_cast<unsigned char>(c) >> 4U];
        hex += digits[static_cast<unsigned char>(c) & 0xFU];
    }
    return hex;
}

// The input of a row of protocol_vectors.json: text, or bytes in hex.
inline std::string input_of(simdjson::dom::element row) {
    std::string_view hex;
    if (row["input"]["hex"].get(hex) == simdjson::SUCCESS) return from_hex(hex);
    return text_at(row["input"], "text");
}

}  // namespace forestay::tests
