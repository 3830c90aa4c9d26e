// Configurations in a test: files and an environment that exist only there, and what came of loading them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/load.h"

namespace forestay::config::test {

struct Given {
    std::string yaml;                              // the content of f.yaml
    std::map<std::string, std::string> files;      // beside it
    std::map<std::string, std::string> variables;  // the environment
    std::vector<Setting> settings;
    bool others_can_read = false;  // every file
    std::uint64_t open_files = 0;  // the limit; 0: none

    [[nodiscard]] Loaded load() const;
    // Its problems, one string each: "1:5: message" for f.yaml, else with the name of the file or flag.
    [[nodiscard]] std::vector<std::string> problems() const;
};

// The two keys that must be there and `yaml`; warnings about an open listener do not come.
[[nodiscard]] Given with(const std::string& yaml);
// with(yaml), loaded. Fails the test when there are errors.
[[nodiscard]] Loaded loaded(const std::string& yaml);

using Lines = std::vector<std::string>;

}  // namespace forestay::config::test

// Compares so that a difference is shown line by line.
#define CHECK_LINES(got, ...)                                                                     \
    do {                                                                                          \
        const forestay::config::test::Lines got_lines = (got);                                    \
        const forestay::config::test::Lines expected_lines = __VA_ARGS__;                         \
        BOOST_CHECK_EQUAL_COLLECTIONS(got_lines.begin(), got_lines.end(), expected_lines.begin(), \
                                      expected_lines.end());                                      \
    } while (false)
