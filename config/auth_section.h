// `auth:` and `cors:` -> what the guard is told. Reads the files of secrets and keys.
#pragma once

#include "config/files.h"
#include "config/problem.h"
#include "config/yaml_tree.h"
#include "proxy/auth/options.h"
#include "proxy/session/policy.h"

namespace forestay::config {

// `root` as conform() made it.
[[nodiscard]] auth::AuthOptions read_auth(const Node& root, const ReadFile& read, Problems& problems);
// How sessions take the end of their identity; `options` is what read_auth() made of the same root.
[[nodiscard]] session::Expiry read_expiry(const Node& root, const auth::AuthOptions& options,
                                          Problems& problems);
[[nodiscard]] auth::OriginOptions read_origins(const Node& root, Problems& problems);

// A secret that stands in `map` itself under `key`, or in the file that `key`_file names; both is a problem,
// and so is one in a file that others may see. Empty: neither is there.
[[nodiscard]] std::string read_secret_of(const Node& map, const std::string& key, const std::string& path,
                                         const ReadFile& read, Problems& problems);

}  // namespace forestay::config
