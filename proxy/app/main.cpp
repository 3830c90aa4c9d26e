// Arguments -> command -> exit code: 0 fine, 1 bad configuration or failed start, 2 bad usage.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "proxy/app/commands.h"
#include "proxy/app/version.h"

namespace forestay::app {
namespace {

// What every command that reads a configuration takes.
struct Arguments {
    std::string file;
    std::vector<std::string> listen;
    std::vector<std::string> upstream;
    std::vector<std::string> set;
};

void add_arguments(CLI::App& command, Arguments& arguments) {
    command.add_option("-c,--config", arguments.file, "The configuration file")->type_name("FILE");
    command
        .add_option("--listen", arguments.listen,
                    "Where clients connect: host:port, [v6]:port or unix:/path; again for more")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    command
        .add_option("--upstream", arguments.upstream,
                    "The app: http://host:port; again for more processes of it")
        ->type_name("URL")
        ->allow_extra_args(false);
    command
        .add_option("--set", arguments.set,
                    "Any other key, over the file: heartbeat.ping_interval=20s, requests.0.timeout=5s")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
}

// A YAML value that is this text, whatever characters are in it.
std::string as_yaml_text(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
    return out + "'";
}

std::string as_yaml_list(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& one : texts) out += (out.empty() ? "[" : ", ") + as_yaml_text(one);
    return out + ']';
}

std::vector<config::Setting> settings(const Arguments& arguments) {
    std::vector<config::Setting> out;
    for (const std::string& one : arguments.set) {
        const auto equals = one.find('=');
        if (equals == std::string::npos || equals == 0) {
            throw CLI::ValidationError(
                "--set", "a key and a value are expected, as in --set heartbeat.ping_interval=20s");
        }
        const std::string key = one.substr(0, equals);
        out.push_back({"--set " + key, key, one.substr(equals + 1)});
    }
    if (!arguments.listen.empty()) out.push_back({"--listen", "listen", as_yaml_list(arguments.listen)});
    if (!arguments.upstream.empty())
        out.push_back({"--upstream", "upstream.url", as_yaml_list(arguments.upstream)});
    return out;
}

config::Request request(const Arguments& arguments) {
    return {arguments.file, settings(arguments)};
}

int main(int argc, char** argv) {
    CLI::App app{
        "forestay stands in front of a Socket.IO or WebSocket server and keeps its clients from noticing "
        "when it stalls.\n"
        "Two arguments are enough:\n"
        "  forestay run --listen 0.0.0.0:8080 --upstream http://127.0.0.1:5000"};
    app.name("forestay");
    app.set_version_flag("--version", "forestay " + std::string(version));
    app.require_subcommand(1);
    Arguments arguments;

    auto* run_command = app.add_subcommand("run", "Stand in front of the app, until SIGTERM or SIGINT");
    add_arguments(*run_command, arguments);
    std::string ready_file;
    run_command
        ->add_option("--ready-file", ready_file,
                     "Written once all listeners are up: a JSON object with the addresses that were bound")
        ->type_name("FILE");
    run_command->footer(
        "On the first signal forestay says goodbye to its clients and stops within drain.timeout; on a "
        "second one at once.");

    auto* learn_command =
        app.add_subcommand("learn", "Stand in front of the app for a while and propose rules for it");
    add_arguments(*learn_command, arguments);
    LearnOptions learning;
    learn_command->add_option("--for", learning.length, "How long: 30s, 10m, 24h")
        ->type_name("DURATION")
        ->capture_default_str();
    learn_command->add_option("--out", learning.out, "Where to write them; without: to standard output")
        ->type_name("FILE");
    learn_command->add_flag(
        "--values", learning.samples,
        "Also show a few messages of each name, shortened, as comments: they may be private");
    learn_command->add_option("--ready-file", learning.ready_file, "As of run")->type_name("FILE");
    learn_command->footer(
        "Serves as run does with the same configuration, whose rules hold meanwhile. On SIGINT, or when the "
        "time is over, it stops as run does and writes a `requests:` section: which events there are, how "
        "often and how large; which are requests, where their ids are, what answers them; and a timeout of "
        "three times the 99th percentile.\n"
        "Nothing of what is said is kept, but hashes of what may be an id, until it is answered; with "
        "--values, samples are.");

    auto* rules_command = app.add_subcommand("rules", "Try rules out");
    rules_command->require_subcommand(1);
    auto* test_command = rules_command->add_subcommand(
        "test", "Say what the rules of a configuration make of recorded messages");
    add_arguments(*test_command, arguments);
    std::string recorded;
    bool json = false;
    test_command->add_option("MESSAGES", recorded, "One JSON object in a line; - is standard input")
        ->required();
    test_command->add_flag("--json", json, "One JSON object for each request and one for the summary");
    test_command->footer(
        "For each message of a client that a rule matches: which rule, when it was answered, by whom, and "
        "with "
        "what. Nothing is connected, and the clock jumps.\n"
        "A line has a time and who says it:\n"
        "  {\"at\": \"1.5s\", \"from\": \"client\", \"event\": \"ask\", \"args\": [{\"q\": 1}], \"ack\": 7}\n"
        "  {\"at\": 2, \"from\": \"app\", \"ack_of\": 7, \"args\": [\"yes\"]}\n"
        "  {\"at\": 2, \"from\": \"app\", \"event\": \"news\", \"namespace\": \"/a\"}\n"
        "  {\"at\": 3, \"from\": \"client\", \"packet\": \"2[\\\"ask\\\"]\"}\n"
        "  {\"at\": 3, \"from\": \"client\", \"path\": \"/ws\", \"message\": {\"type\": \"ask\"}}\n"
        "  {\"at\": 4, \"lost\": true}\n"
        "Several clients have a \"session\" each, and may have a \"who\": the subject of their identity. The "
        "app goes away with \"lost\", for one session or for all, and is back when forestay looks for it. "
        "Times do not go backwards.\n"
        "Exit code 1: a line or the configuration is wrong. 2: wrong usage.");

    auto* token_command = app.add_subcommand("token", "Make tokens for auth.any_of[].token");
    token_command->require_subcommand(1);
    TokenFacts token;
    const auto add_facts = [&token](CLI::App& command) {
        command.add_option("--name", token.name, "Whose it is: the identity that it gives")
            ->type_name("NAME");
        command
            .add_option("--expires", token.expires, "The day from which it is refused, in UTC: 2027-01-31")
            ->type_name("DAY");
    };
    auto* new_token_command = token_command->add_subcommand("new", "Make a fresh one, and print it once");
    add_facts(*new_token_command);
    new_token_command->add_flag("--quiet", token.quiet, "No hint on standard error");
    new_token_command->footer(
        "Two lines on standard output: the token, of 192 random bits, for its user; and its SHA-256 for "
        "forestay, to be put into the file that auth.any_of[].token.sha256_file names:\n"
        "  forestay token new --quiet --name ci | { read token; cat >> tokens.sha256; echo \"$token\"; }");
    auto* hash_token_command =
        token_command->add_subcommand("hash", "Print what the configuration says of a token that there is");
    add_facts(*hash_token_command);
    hash_token_command->footer(
        "Reads the token from standard input, up to the end of the first line. It must be a random one: "
        "passwords can be found from their SHA-256.");

    auto* check_command = app.add_subcommand("check", "Say everything that is wrong with a configuration");
    add_arguments(*check_command, arguments);
    check_command->footer(
        "Every problem at once, as file:line:column: message, and warnings for settings that are allowed but "
        "risky.\n"
        "Exit code 0: fine, perhaps with warnings. 1: problems. 2: wrong usage.");

    auto* config_command =
        app.add_subcommand("config", "Show the configuration that is in force, secrets masked");
    add_arguments(*config_command, arguments);
    bool defaults = false;
    bool schema = false;
    bool reference = false;
    auto* show_defaults = config_command->add_flag(
        "--defaults", defaults, "Instead: every key with its default and what it is for, as YAML");
    auto* show_schema = config_command->add_flag(
        "--schema", schema, "Instead: JSON Schema of the file, for completion in editors");
    auto* show_reference =
        config_command->add_flag("--reference", reference, "Instead: every key, as Markdown");
    show_schema->excludes(show_defaults);
    show_reference->excludes(show_defaults, show_schema);

    try {
        app.parse(argc, argv);
        if (*run_command) return run(request(arguments), ready_file);
        if (*learn_command) return learn(request(arguments), learning);
        if (*rules_command) return test_rules(request(arguments), recorded, json);
        if (*new_token_command) return new_token(token);
        if (*hash_token_command) return hash_token(token);
        if (*check_command) return check(request(arguments));
        const Show what = defaults    ? Show::defaults
                          : schema    ? Show::schema
                          : reference ? Show::reference
                                      : Show::effective;
        return show_config(request(arguments), what);
    } catch (const CLI::ParseError& problem) {
        const bool help = problem.get_exit_code() == 0;
        app.exit(problem);
        return help ? fine : bad_usage;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "forestay: %s\n", problem.what());
        return bad_configuration;
    }
}

}  // namespace
}  // namespace forestay::app

int main(int argc, char** argv) {
    return forestay::app::main(argc, argv);
}
