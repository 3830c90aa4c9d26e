#include "config/yaml_tree.h"

#include <boost/test/unit_test.hpp>

#include "tests/config/given.h"

using namespace forestay::config;
using test::Lines;

namespace {

Lines problems_of(const std::string& yaml) {
    Problems problems;
    (void)read_yaml(yaml, std::make_shared<Source>(Source{"f.yaml", "", true, 0}), problems);
    Lines out;
    for (const Problem& problem : problems.sorted()) out.push_back(to_string(problem));
    return out;
}

Node tree_of(const std::string& yaml) {
    Problems problems;
    auto root = read_yaml(yaml, std::make_shared<Source>(Source{"f.yaml", "", true, 0}), problems);
    for (const Problem& problem : problems.sorted()) BOOST_ERROR(to_string(problem));
    return root.value_or(Node{});
}

std::string repeated(std::string_view text, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += text;
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(yaml_tree)

BOOST_AUTO_TEST_CASE(keys_and_values_know_their_places) {
    const Node root = tree_of("a: 1\nb:\n  - x\n  - {c: \"d\"}\n");
    BOOST_CHECK_EQUAL(to_string(root.entries.at(0).at), "f.yaml:1:1");
    BOOST_CHECK_EQUAL(to_string(root.find("a")->at), "f.yaml:1:4");
    BOOST_CHECK_EQUAL(to_string(root.find("b")->items.at(0).at), "f.yaml:3:5");
    const Node* d = root.find("b")->items.at(1).find("c");
    BOOST_CHECK_EQUAL(to_string(d->at), "f.yaml:4:9");
    BOOST_CHECK_EQUAL(d->text, "d");
    BOOST_CHECK(d->quoted);
    BOOST_CHECK(!root.find("a")->quoted);
}

BOOST_AUTO_TEST_CASE(columns_are_characters_not_bytes) {
    // yaml-cpp counts bytes: the second key of this line would stand in column 12.
    CHECK_LINES(problems_of("{\"\xC3\xA4\xC3\xB6\": 1, a: *b}\n"),
                {"f.yaml:1:14: this is not YAML: the referenced anchor is not defined"});
}

BOOST_AUTO_TEST_CASE(windows_line_ends_and_a_byte_order_mark_are_fine) {
    const Node root = tree_of(
        "\xEF\xBB\xBF"
        "a: 1\r\nbc: \"d\"\r\n");
    BOOST_CHECK_EQUAL(root.find("a")->text, "1");
    BOOST_CHECK_EQUAL(root.find("bc")->text, "d");
    BOOST_CHECK_EQUAL(to_string(root.find("bc")->at), "f.yaml:2:5");
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_an_empty_map) {
    BOOST_CHECK(tree_of("").is_map());
    BOOST_CHECK(tree_of("# nothing but a comment\n").is_map());
    BOOST_CHECK(tree_of("---\n...\n").is_map());
}

BOOST_AUTO_TEST_CASE(a_document_between_its_marks_is_fine) {
    BOOST_CHECK_EQUAL(tree_of("---\na: 1\n...\n").find("a")->text, "1");
}

BOOST_AUTO_TEST_CASE(duplicate_keys_are_each_told) {
    // yaml-cpp keeps one of them, without a word.
    CHECK_LINES(problems_of("a: 1\nb: {c: 1, c: 2}\na: 2\n"),
                {"f.yaml:2:11: duplicate key \"c\": it stands in line 2 already",
                 "f.yaml:3:1: duplicate key \"a\": it stands in line 1 already"});
}

BOOST_AUTO_TEST_CASE(a_missing_closing_quote_does_not_swallow_the_rest_of_the_file) {
    // yaml-cpp reads a = "foo b: 1 " from both.
    CHECK_LINES(problems_of("a: \"foo\nb: 1\n"),
                {"f.yaml:1:4: this quote is not closed on its line (for text of several lines use | or >)"});
    CHECK_LINES(problems_of("a: 'foo\nb: 1\n"),
                {"f.yaml:1:4: this quote is not closed on its line (for text of several lines use | or >)"});
}

BOOST_AUTO_TEST_CASE(a_missing_closing_quote_is_told_where_it_opens_even_if_another_quote_follows) {
    CHECK_LINES(problems_of("a: \"foo\nb: \"bar\"\n"),
                {"f.yaml:1:4: this quote is not closed on its line (for text of several lines use | or >)"});
    CHECK_LINES(problems_of("'a: 1\nb: '2\n"),
                {"f.yaml:1:1: this quote is not closed on its line (for text of several lines use | or >)"});
}

BOOST_AUTO_TEST_CASE(quotes_inside_quotes_are_fine) {
    const Node root = tree_of("a: \"x\\\"y\\\\\"\nb: 'it''s'\nc: ''\nd: 'x' # '\n");
    BOOST_CHECK_EQUAL(root.find("a")->text, "x\"y\\");
    BOOST_CHECK_EQUAL(root.find("b")->text, "it's");
    BOOST_CHECK_EQUAL(root.find("c")->text, "");
    BOOST_CHECK_EQUAL(root.find("d")->text, "x");
}

BOOST_AUTO_TEST_CASE(text_of_several_lines_has_its_own_forms) {
    const Node root = tree_of("a: |\n  x \"y\n  z\nb: >-\n  one\n  two\n");
    BOOST_CHECK_EQUAL(root.find("a")->text, "x \"y\nz\n");
    BOOST_CHECK_EQUAL(root.find("b")->text, "one two");
}

BOOST_AUTO_TEST_CASE(what_follows_the_first_node_is_not_dropped) {
    // yaml-cpp's loader reads [a] from the first.
    CHECK_LINES(problems_of("- a\nb: 1\n"), {"f.yaml:2:1: this does not belong to what stands above it: one "
                                             "configuration is one YAML document"});
    CHECK_LINES(problems_of("a: 1\n---\nb: 2\n"),
                {"f.yaml:2:1: this does not belong to what stands above it: one "
                 "configuration is one YAML document"});
    CHECK_LINES(problems_of("a: 1\n...\nfoo\n"),
                {"f.yaml:3:1: this does not belong to what stands above it: one "
                 "configuration is one YAML document"});
}

BOOST_AUTO_TEST_CASE(a_lone_comma_comes_to_an_end) {
    // YAML::LoadAll never returns for these.
    CHECK_LINES(problems_of(","),
                {"f.yaml:1:1: this does not belong to what stands above it: one configuration is "
                 "one YAML document"});
    CHECK_LINES(problems_of("\"foo\","), {"f.yaml:1:6: this does not belong to what stands above it: one "
                                          "configuration is one YAML document"});
}

BOOST_AUTO_TEST_CASE(aliases_and_anchors_are_refused) {
    CHECK_LINES(problems_of("a: &x 1\nb: *x\n"),
                {"f.yaml:1:4: anchors (&name) are not supported: quote the value if it is text"});
    CHECK_LINES(problems_of("a: &x [1]\n"),
                {"f.yaml:1:4: anchors (&name) are not supported: quote the value if it is text"});
    CHECK_LINES(problems_of("a: &x\n"),
                {"f.yaml:1:4: anchors (&name) are not supported: quote the value if it is text"});
    CHECK_LINES(problems_of("&x a: 1\n"),
                {"f.yaml:1:1: anchors (&name) are not supported: quote the value if it is text"});
}

BOOST_AUTO_TEST_CASE(billion_laughs_end_at_the_first_anchor) {
    CHECK_LINES(problems_of("a: &a [lol, lol]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
                {"f.yaml:1:4: anchors (&name) are not supported: quote the value if it is text"});
}

BOOST_AUTO_TEST_CASE(a_bare_star_says_what_to_do) {
    CHECK_LINES(problems_of("a: [*]\n"), {"f.yaml:1:6: this is not YAML: alias not found after * "
                                          "(indentation, a missing colon or bracket, or a "
                                          "bare * or & that needs quotes?)"});
}

BOOST_AUTO_TEST_CASE(tags_are_refused) {
    const std::string message = ": tags (!name) are not supported: quote the value if it is text";
    CHECK_LINES(problems_of("a: !!python/object:os.system x\n"), {"f.yaml:1:4" + message});
    CHECK_LINES(problems_of("a: ! x\n"), {"f.yaml:1:4" + message});
    CHECK_LINES(problems_of("a: !x [1]\n"), {"f.yaml:1:4" + message});
    CHECK_LINES(problems_of("!!map\na: 1\n"), {"f.yaml:1:1" + message});
}

BOOST_AUTO_TEST_CASE(keys_are_words) {
    const std::string message = ": a key must be a word (placeholders like \"{{id}}\" need quotes)";
    CHECK_LINES(problems_of("? [a]\n: b\n"), {"f.yaml:1:3" + message});
    CHECK_LINES(problems_of(": x\n"), {"f.yaml:1:1" + message});
    CHECK_LINES(problems_of("data: {id: {{id}}}\n"), {"f.yaml:1:13" + message});
}

BOOST_AUTO_TEST_CASE(depth_is_bounded) {
    BOOST_CHECK(problems_of("a: " + repeated("[", 31) + repeated("]", 31)).empty());
    CHECK_LINES(problems_of("a: " + repeated("[", 32) + repeated("]", 32)),
                {"f.yaml:1:35: nested deeper than 32 levels"});
    // The parser's own stack is not at stake either.
    CHECK_LINES(problems_of("a: " + repeated("{a: ", 100'000)),
                {"f.yaml:1:128: nested deeper than 32 levels"});
    CHECK_LINES(problems_of("a:\n- " + repeated("- ", 100'000)),
                {"f.yaml:2:63: nested deeper than 32 levels"});
    BOOST_CHECK_EQUAL(problems_of("a: " + repeated("[", 100'000)).size(), 1U);
}

BOOST_AUTO_TEST_CASE(the_number_of_values_is_bounded) {
    // A map, a key and a list come to it.
    BOOST_CHECK(problems_of("a: [" + repeated("1,", 49'997) + "]").empty());
    CHECK_LINES(problems_of("a: [" + repeated("1,", 49'998) + "]"),
                {"f.yaml:1:99999: more than 50000 values"});
}

BOOST_AUTO_TEST_CASE(the_size_is_bounded) {
    BOOST_CHECK(problems_of("#" + std::string((1 << 20) - 1, 'x')).empty());
    CHECK_LINES(problems_of("#" + std::string(1 << 20, 'x')), {"f.yaml: larger than 1 MiB"});
}

BOOST_AUTO_TEST_CASE(nul_is_refused) {
    // It ends yaml-cpp's scan, or garbles it.
    CHECK_LINES(problems_of(std::string("a: 1\nb: x\0y\n", 12)), {"f.yaml:2:5: a NUL character"});
}

BOOST_AUTO_TEST_CASE(directives_are_refused) {
    // yaml-cpp skips those that it does not know, and a setting behind a stray % with them.
    CHECK_LINES(problems_of("%listen: x\na: 1\n"), {"f.yaml:1:1: directives (%NAME) are not supported"});
    CHECK_LINES(problems_of("# x\n%TAG ! tag:x,2000:\n---\na: 1\n"),
                {"f.yaml:2:1: directives (%NAME) are not supported"});
    BOOST_CHECK(problems_of("a: 5%\nb: |\n  %x\n").empty());
}

BOOST_AUTO_TEST_CASE(a_quote_that_nothing_closes_at_the_end_of_the_file) {
    CHECK_LINES(problems_of("a: \"foo"),
                {"f.yaml:1:8: this is not YAML: illegal EOF in scalar (a quote that is not closed?)"});
}

BOOST_AUTO_TEST_CASE(only_utf8_is_read) {
    CHECK_LINES(problems_of("a: \xFF\n"), {"f.yaml: not UTF-8"});
    // UTF-16, which yaml-cpp would recode, and all places would be off.
    CHECK_LINES(problems_of(std::string("\xFF\xFE"
                                        "a\0:\0 \0",
                                        8)),
                {"f.yaml: not UTF-8"});
}

BOOST_AUTO_TEST_CASE(what_is_not_yaml_says_where) {
    CHECK_LINES(problems_of("a: b\n c: d\n"), {"f.yaml:2:3: this is not YAML: illegal map value"});
    CHECK_LINES(problems_of("a:\t1\n\tb: 2\n"),
                {"f.yaml:2:1: this is not YAML: illegal tab when looking for indentation"});
    CHECK_LINES(
        problems_of("a: [1\nb: 2\n"),
        {"f.yaml:2:2: this is not YAML: end of sequence flow not found (indentation, a missing colon or "
         "bracket, or a bare * or & that needs quotes?)"});
    CHECK_LINES(problems_of("listen: [::1]:8080\n"),
                {"f.yaml:1:14: this is not YAML: end of map not found "
                 "(indentation, a missing colon or bracket, or a bare * or & that "
                 "needs quotes?)"});
}

BOOST_AUTO_TEST_CASE(a_configuration_is_a_map) {
    CHECK_LINES(problems_of("- a\n"), {"f.yaml:1:1: a configuration is a map: listen: ..., upstream: ..."});
    CHECK_LINES(problems_of("hello\n"), {"f.yaml:1:1: a configuration is a map: listen: ..., upstream: ..."});
}

BOOST_AUTO_TEST_SUITE_END()
