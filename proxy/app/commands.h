// What the sub-commands do, once the command line is understood. Each returns the exit code of the process.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace forestay::app {

// Exit codes.
constexpr int fine = 0;
constexpr int bad_configuration = 1;
constexpr int bad_usage = 2;

// Problems and warnings to standard error, one in a line; coloured only for a terminal, and not with
// NO_COLOR.
// The environment, files, and what else a configuration depends on, as they are.
[[nodiscard]] config::Surroundings surroundings();
void print_problems(const std::vector<config::Problem>& problems);

// A terminal, and no NO_COLOR.
bool in_colour(int fd);

int check(const config::Request& request);

enum class Show { effective, defaults, schema, reference };
int show_config(const config::Request& request, Show what);

// Whole or not at all: who waits for the file never reads half of it. Throws std::exception.
void write_whole(const std::string& path, const std::string& content);

// Runs until it is told to stop. `ready_file` may be empty.
int run(const config::Request& request, const std::string& ready_file);

// What the rules make of recorded messages. `file` "-": standard input.
int test_rules(const config::Request& request, const std::string& file, bool json);

// Runs for a while, watches, and writes the rules that it would propose.
struct LearnOptions {
    std::string length = "10m";
    std::string out;         // a file; empty: standard output
    bool samples = false;    // --values
    std::string ready_file;  // as of run()
};
int learn(const config::Request& request, const LearnOptions& options);

// What a configuration says of a token beside its hash. Either may be empty.
struct TokenFacts {
    std::string name;
    std::string expires;  // 2027-01-31
    bool quiet = false;   // no hint on standard error
};
// Prints a fresh token and the line that a configuration has in its place.
int new_token(const TokenFacts& facts);
// Prints that line for the token on standard input.
int hash_token(const TokenFacts& facts);

}  // namespace forestay::app
