// Any bytes as a configuration file: a tree or problems, never a crash, and never a look at the real files or
// environment.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/effective.h"
#include "config/load.h"

namespace {

namespace config = forestay::config;

config::Surroundings around(std::string_view text) {
    config::Surroundings out;
    out.environment = [](const std::string& name) -> std::optional<std::string> {
        if (name == "SET") return "value";
        return std::nullopt;
    };
    out.read = [text](const std::string& path, std::string& problem) -> std::optional<config::FileText> {
        if (path == "forestay.yaml") return config::FileText{std::string(text), false};
        if (path == "secret") return config::FileText{"0123456789abcdef0123456789abcdef\n", true};
        problem = "no such file";
        return std::nullopt;
    };
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto loaded = config::load({"forestay.yaml", {}}, around(text));
    for (const config::Problem& problem : loaded.problems) (void)to_string(problem);
    if (!loaded.good) return 0;
    // What is in force, written down, is in force again. Secrets are masked, so that it may be refused then.
    const std::string written = config::effective_yaml(loaded.effective);
    const auto again = config::load({"forestay.yaml", {}}, around(written));
    if (again.good && config::effective_yaml(again.effective) != written) std::abort();
    return 0;
}
