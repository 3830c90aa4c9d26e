#include "tests/config/given.h"

#include <boost/test/unit_test.hpp>

namespace forestay::config::test {

Loaded Given::load() const {
    Surroundings around;
    around.environment = [this](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
    around.read = [this](const std::string& path, std::string& problem) -> std::optional<FileText> {
        if (path == "f.yaml") return FileText{yaml, others_can_read};
        const auto found = files.find(path);
        if (found != files.end()) return FileText{found->second, others_can_read};
        problem = "No such file or directory";
        return std::nullopt;
    };
    around.open_files = open_files;
    return config::load({"f.yaml", settings}, around);
}

std::vector<std::string> Given::problems() const {
    std::vector<std::string> out;
    for (const Problem& problem : load().problems) {
        std::string line = to_string(problem);
        if (line.starts_with("f.yaml:")) line.erase(0, 7);
        out.push_back(std::move(line));
    }
    return out;
}

Given with(const std::string& yaml) {
    return {"listen: 127.0.0.1:8080\nupstream: http://127.0.0.1:5000\n" + yaml, {}, {}, {}, false, 0};
}

Loaded loaded(const std::string& yaml) {
    Loaded out = with(yaml).load();
    for (const Problem& problem : out.problems) {
        if (problem.severity == Severity::error) BOOST_ERROR(to_string(problem));
    }
    return out;
}

}  // namespace forestay::config::test
