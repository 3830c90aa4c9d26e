// The load of the siege: the app, the good clients and the attackers. siege.py starts them, and forestay
// between them.
//
//   siege_load app PORT
//   siege_load good PORT CLIENTS RATE NEWCOMERS
//   siege_load attack PORT NAME SCALE
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/siege/roles.h"
#include "tests/siege/sockets.h"

namespace {

void run(const std::vector<std::string>& args) {
    using namespace forestay::siege;
    raise_descriptor_limit();
    ::prctl(PR_SET_TIMERSLACK, 1);
    const auto port = static_cast<std::uint16_t>(std::stoul(args.at(1)));
    if (args[0] == "app") return run_app(port);
    if (args[0] == "good")
        return run_good_clients(port, std::stoul(args.at(2)), std::stod(args.at(3)), std::stod(args.at(4)));
    if (args[0] == "attack") return run_attack(port, args.at(2), std::stod(args.at(3)));
    throw std::runtime_error("see the head of main.cpp for the arguments");
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run({argv + 1, argv + argc});
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "siege_load: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
