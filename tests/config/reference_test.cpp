#include "config/reference.h"

#include <simdjson.h>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <sstream>

#include "config/schema.h"
#include "tests/config/given.h"

using namespace forestay::config;
using namespace forestay::config::test;

namespace {

std::string content(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reference)

BOOST_AUTO_TEST_CASE(the_readme_is_what_the_table_says) {
    // Stale? build/dev/forestay config --reference > config/README.md
    BOOST_CHECK(content("config/README.md") == reference_markdown());
}

BOOST_AUTO_TEST_CASE(every_key_is_in_the_readme) {
    const std::string page = reference_markdown();
    for (const Key& key : keys()) {
        const auto dot = key.path.find('.');
        const std::string shown = dot == std::string_view::npos
                                      ? "### " + std::string(key.path)
                                      : "| `" + std::string(key.path.substr(dot + 1)) + "` |";
        BOOST_CHECK_MESSAGE(page.find(shown) != std::string::npos, key.path);
        BOOST_CHECK_MESSAGE(page.find(key.description) != std::string::npos, key.path);
        // It would end the table's cell, in code too.
        BOOST_CHECK_MESSAGE(key.description.find('|') == std::string_view::npos, key.path);
    }
}

BOOST_AUTO_TEST_CASE(the_json_schema_is_json_with_every_key_in_it) {
    const std::string text = json_schema();
    simdjson::dom::parser parser;
    const simdjson::dom::element schema = parser.parse(text);
    BOOST_CHECK_EQUAL(std::string_view(schema["$schema"]), "http://json-schema.org/draft-07/schema#");
    const simdjson::dom::object top = schema["properties"];
    BOOST_CHECK_EQUAL(top.size(), forestay::config::schema().children.size());
    BOOST_CHECK(schema.at_pointer("/properties/heartbeat/properties/ping_interval/pattern").error() ==
                simdjson::SUCCESS);
    BOOST_CHECK(schema.at_pointer("/properties/requests/items/required/1").error() == simdjson::SUCCESS);
    // A URL, a list of them, or a map.
    BOOST_CHECK(schema.at_pointer("/properties/upstream/anyOf/0/anyOf/1/items/pattern").error() ==
                simdjson::SUCCESS);
    BOOST_CHECK(schema.at_pointer("/properties/upstream/anyOf/1/properties/url/anyOf/1/items").error() ==
                simdjson::SUCCESS);
    // Another file may have it, and this one the rest of the section.
    BOOST_CHECK(schema.at_pointer("/properties/upstream/anyOf/1/required").error() ==
                simdjson::NO_SUCH_FIELD);
    // A value, or a map of conditions.
    const std::string where =
        "/properties/requests/items/properties/match/properties/where/additionalProperties/anyOf";
    BOOST_CHECK(schema.at_pointer(where + "/0/type").error() == simdjson::SUCCESS);
    BOOST_CHECK(schema.at_pointer(where + "/1/properties/one_of").error() == simdjson::SUCCESS);
    const std::string_view max_age =
        schema.at_pointer("/properties/resume/properties/upstream/properties/max_age/pattern");
    BOOST_CHECK(max_age.ends_with("|^hold$"));
    BOOST_CHECK(schema.at_pointer("/properties/drain/properties/delay/not").error() == simdjson::SUCCESS);
    BOOST_CHECK_EQUAL(bool(schema.at_pointer("/properties/logging/additionalProperties").value()), false);
}

BOOST_AUTO_TEST_CASE(the_example_is_fine) {
    const Loaded got = load({"deploy/forestay.example.yaml", {}}, {});
    for (const Problem& problem : got.problems) BOOST_ERROR(to_string(problem));
    BOOST_CHECK(got.good);
}

BOOST_AUTO_TEST_SUITE_END()
