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
void print_problems(const std::vector<config::Problem>& problems);

int check(const config::Request& request);

enum class Show { effective, defaults, schema, reference };
int show_config(const config::Request& request, Show what);

// Runs until it is told to stop. `ready_file` may be empty.
int run(const config::Request& request, const std::string& ready_file);

}  // namespace forestay::app
