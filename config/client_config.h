// What a web client needs to know to connect, as JSON: what is answered at client_config.path. No secrets,
// and nothing that an attacker could not find out by asking.
#pragma once

#include <string>

#include "config/config.h"

namespace forestay::config {

[[nodiscard]] std::string client_config_json(const Config& config);

}  // namespace forestay::config
