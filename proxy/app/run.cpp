// `forestay run`: from a loaded configuration to a served one.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "proxy/app/application.h"
#include "proxy/app/commands.h"

namespace forestay::app {

void write_whole(const std::string& path, const std::string& content) {
    const std::string temporary = path + ".new";
    std::ofstream out(temporary, std::ios::trunc);
    out << content;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + temporary + "; a directory that exists is needed");
    std::filesystem::rename(temporary, path);
}

int run(const config::Request& request, const std::string& ready_file) {
    auto loaded = config::load(request, surroundings());
    if (!loaded.good) {
        print_problems(loaded.problems);
        return bad_configuration;
    }
    try {
        Application application(std::move(loaded.config), std::move(loaded.problems));
        if (!ready_file.empty()) write_whole(ready_file, application.ready_json());
        application.run();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "forestay: %s\n", error.what());
        return bad_configuration;
    }
    return fine;
}

}  // namespace forestay::app
