// `forestay learn`: serves for a while, and says what rules it would propose.
#include <openssl/rand.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "config/values.h"
#include "proxy/app/application.h"
#include "proxy/app/commands.h"

namespace forestay::app {
namespace {

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed) != 1)
        throw std::runtime_error("no randomness");
    return seed;
}

void show_progress(std::chrono::milliseconds left, std::uint64_t messages) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(left).count();
    std::fprintf(stderr, "\r\033[Klearning: %lld:%02lld:%02lld left, %llu messages seen; Ctrl-C ends early",
                 static_cast<long long>(seconds / 3600), static_cast<long long>(seconds / 60 % 60),
                 static_cast<long long>(seconds % 60), static_cast<unsigned long long>(messages));
}

}  // namespace

int learn(const config::Request& request, const LearnOptions& options) {
    std::string problem;
    const auto length = config::parse_duration(options.length, problem);
    if (!length || length->count() == 0) {
        if (problem.empty()) problem = "is no time at all";
        std::fprintf(stderr, "--for: %s\n", problem.c_str());
        return bad_usage;
    }
    auto loaded = config::load(request, {});
    if (!loaded.good) {
        print_problems(loaded.problems);
        return bad_configuration;
    }
    try {
        // Not only after ten minutes is it found that nothing can be written there.
        if (!options.out.empty()) {
            const std::string trial = options.out + ".new";
            if (!std::ofstream(trial)) throw std::runtime_error("cannot write " + trial);
            std::filesystem::remove(trial);
        }
        Application application(std::move(loaded.config), std::move(loaded.problems));
        if (!options.ready_file.empty()) write_whole(options.ready_file, application.ready_json());
        Application::Learning learning;
        learning.options.seed = random_seed();
        learning.options.samples = options.samples;
        learning.length = *length;
        const bool terminal = ::isatty(STDERR_FILENO) == 1;
        if (terminal) learning.progress = show_progress;
        const std::string yaml = rules::to_yaml(application.learn(learning).proposal());
        if (terminal) std::fputs("\r\033[K", stderr);
        if (options.out.empty())
            std::fwrite(yaml.data(), 1, yaml.size(), stdout);
        else
            write_whole(options.out, yaml);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "forestay: %s\n", error.what());
        return bad_configuration;
    }
    return fine;
}

}  // namespace forestay::app
