#include "proxy/app/commands.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "config/effective.h"
#include "config/reference.h"
#include "proxy/net/descriptors.h"

namespace forestay::app {
namespace {

void print(std::string_view text, std::FILE* to = stdout) {
    std::fwrite(text.data(), 1, text.size(), to);
}

std::string coloured(const config::Problem& problem) {
    const bool warning = problem.severity == config::Severity::warning;
    std::string out = to_string(problem.at);
    if (!out.empty()) out = "\033[1m" + out + ":\033[0m ";
    return out + (warning ? "\033[33mwarning:\033[0m " : "\033[31merror:\033[0m ") + problem.message;
}

std::size_t count(const std::vector<config::Problem>& problems, config::Severity severity) {
    return static_cast<std::size_t>(std::count_if(problems.begin(), problems.end(),
                                                  [&](const auto& p) { return p.severity == severity; }));
}

std::string number_of(std::size_t count, std::string_view what) {
    return std::to_string(count) + ' ' + std::string(what) + (count == 1 ? "" : "s");
}

}  // namespace

bool in_colour(int fd) {
    const char* no_color = std::getenv("NO_COLOR");
    return ::isatty(fd) == 1 && (no_color == nullptr || *no_color == '\0');
}

void print_problems(const std::vector<config::Problem>& problems) {
    const bool colour = in_colour(STDERR_FILENO);
    for (const config::Problem& problem : problems) {
        print((colour ? coloured(problem) : to_string(problem)) + '\n', stderr);
    }
}

config::Surroundings surroundings() {
    config::Surroundings here;
    here.open_files = net::open_file_limit();
    return here;
}

int check(const config::Request& request) {
    const auto loaded = config::load(request, surroundings());
    print_problems(loaded.problems);
    const std::string what = request.file.empty() ? "the configuration" : request.file;
    const std::size_t errors = count(loaded.problems, config::Severity::error);
    const std::size_t warnings = count(loaded.problems, config::Severity::warning);
    if (!loaded.good) {
        print(what + " has " + number_of(errors, "problem") + '\n', stderr);
        return bad_configuration;
    }
    print(what + " is fine" + (warnings > 0 ? ", with " + number_of(warnings, "warning") : "") + '\n');
    return fine;
}

int show_config(const config::Request& request, Show what) {
    switch (what) {
        case Show::defaults:
            print(config::defaults_yaml());
            return fine;
        case Show::schema:
            print(config::json_schema());
            return fine;
        case Show::reference:
            print(config::reference_markdown());
            return fine;
        case Show::effective:
            break;
    }
    const auto loaded = config::load(request, {});
    print_problems(loaded.problems);
    if (!loaded.good) return bad_configuration;
    print(config::effective_yaml(loaded.effective));
    return fine;
}

}  // namespace forestay::app
