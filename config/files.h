// Files that a configuration names: itself, what it includes, secrets and keys.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/yaml_tree.h"

namespace forestay::config {

struct FileText {
    std::string text;
    bool others_can_read = false;  // its mode lets every user of the machine read it
};

// Empty optional: `problem` says why ("no such file").
using ReadFile = std::function<std::optional<FileText>(const std::string& path, std::string& problem)>;

// Reads regular files and pipes of at most 1 MiB.
[[nodiscard]] std::optional<FileText> read_file(const std::string& path, std::string& problem);

// A scalar that names a file, as a path from here: relative ones begin at the directory of the file that they
// stand in.
[[nodiscard]] std::string resolve(const Node& path);
// The directory part of a path, for Source::directory.
[[nodiscard]] std::string directory_of(const std::string& path);

// The content of the file that `path` names, or a problem at its place.
[[nodiscard]] std::optional<FileText> read_named(const Node& path, const ReadFile& read, Problems& problems);
// The same for a secret: without the newline at its end, not empty, and with a warning when everybody can
// read it.
[[nodiscard]] std::optional<std::string> read_secret(const Node& path, const ReadFile& read,
                                                     Problems& problems);

}  // namespace forestay::config
