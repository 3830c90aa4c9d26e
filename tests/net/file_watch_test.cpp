// Files that become others, in the ways that operators and clusters change them.
#include "proxy/net/file_watch.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "proxy/net/loop.h"

using namespace forestay::net;
namespace fs = std::filesystem;

namespace {

struct World {
    World() {
        std::string name = (fs::temp_directory_path() / "file_watch_XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
        directory = name;
    }
    ~World() { fs::remove_all(directory); }
    void write(const fs::path& name, const std::string& text) const {
        std::ofstream(directory / name) << text;
    }
    // Runs until the watch of `file` has called back; a watch that does not is a test that times out.
    void heard_of(const std::string& file, const std::function<void()>& change) {
        FileWatch watch(loop, {(directory / file).string()}, [this] { loop.stop(); });
        loop.post(change);
        loop.run();
    }
    Shared shared;
    Loop loop{shared};
    fs::path directory;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(file_watch, World)

BOOST_AUTO_TEST_CASE(written_in_place) {
    write("key", "old");
    heard_of("key", [&] { write("key", "newer"); });
}

BOOST_AUTO_TEST_CASE(replaced_by_a_rename) {
    write("key", "old");
    heard_of("key", [&] {
        write("key.tmp", "new");
        fs::rename(directory / "key.tmp", directory / "key");
    });
}

BOOST_AUTO_TEST_CASE(not_there_yet) {
    heard_of("key", [&] { write("key", "new"); });
}

// As Kubernetes does: key -> ..data/key, ..data -> ..1, and a new ..data is renamed over the old one.
BOOST_AUTO_TEST_CASE(a_symbolic_link_on_the_way_is_swapped) {
    for (const std::string at : {"..1", "..2"}) {
        fs::create_directory(directory / at);
        write(fs::path(at) / "key", at);
    }
    fs::create_symlink("..1", directory / "..data");
    fs::create_symlink("..data/key", directory / "key");
    heard_of("key", [&] {
        fs::create_symlink("..2", directory / "..data_tmp");
        fs::rename(directory / "..data_tmp", directory / "..data");
    });
}

BOOST_AUTO_TEST_SUITE_END()
