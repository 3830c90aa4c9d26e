// A configuration file and flags -> Config, with every problem on the way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/expand.h"
#include "config/files.h"
#include "config/problem.h"
#include "config/yaml_tree.h"

namespace forestay::config {

// `--set key=value`; also what --listen and --upstream mean. Dotted key, numbers for the elements of lists;
// the value is YAML.
struct Setting {
    std::string flag;  // as messages show it: "--set heartbeat.ping_interval", "--listen"
    std::string key;
    std::string value;
};

struct Request {
    std::string file;  // empty: flags only
    std::vector<Setting> settings;
};

// What a configuration may look at outside of itself.
struct Surroundings {
    Environment environment = process_environment();
    ReadFile read = read_file;
    std::uint64_t open_files = 0;  // that one process may have; 0: nobody knows
};

struct Loaded {
    Config config;                  // whole only when `good`
    Node effective;                 // all that is in force, defaults included, secrets too
    std::vector<Problem> problems;  // errors and warnings, in the order of the file
    bool good = false;              // no errors
};

[[nodiscard]] Loaded load(const Request& request, const Surroundings& surroundings);

}  // namespace forestay::config
