// `tls` and `upstream.tls`: looked at closely, so that what cannot work is told before it is started.
#pragma once

#include <optional>
#include <vector>

#include "config/files.h"
#include "config/problem.h"
#include "config/yaml_tree.h"
#include "proxy/net/tls_options.h"

namespace forestay::config {

// Nothing: without TLS, or a problem has been told.
[[nodiscard]] std::optional<net::TlsServerOptions> read_tls(const Node& root, const ReadFile& read,
                                                            Problems& problems);

// As upstream.tls has it; server_name is empty unless it is written there.
[[nodiscard]] net::TlsClientOptions read_upstream_tls(const Node& root, const ReadFile& read,
                                                      Problems& problems);

}  // namespace forestay::config
