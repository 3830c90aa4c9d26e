#include "proxy/wire/keyed_hash.h"

#include <array>
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>
#include <vector>

using namespace forestay::wire;

namespace {

constexpr std::uint64_t key_known = 0x0123456789abcdef;
constexpr std::uint64_t key_of_the_process = 0x9e3779b97f4a7c15;
constexpr std::uint64_t buckets = 1024;

std::uint64_t bucket_of(std::uint64_t key, const std::string& text) {
    return mix(hash_text(key, text)) % buckets;
}

// Texts that all fall into one bucket for who knows the key.
std::vector<std::string> colliding_texts(std::size_t count) {
    std::vector<std::string> found;
    for (unsigned i = 0; found.size() < count; ++i) {
        std::string text = "name" + std::to_string(i);
        if (bucket_of(key_known, text) == 0) found.push_back(std::move(text));
    }
    return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(keyed_hash)

BOOST_AUTO_TEST_CASE(keys_that_collide_under_one_key_do_not_under_another) {
    std::array<std::size_t, buckets> filled{};
    const std::vector<std::string> texts = colliding_texts(buckets);
    for (const std::string& text : texts) ++filled.at(bucket_of(key_of_the_process, text));
    std::size_t most = 0;
    for (const std::size_t each : filled) most = std::max(most, each);
    BOOST_TEST(most < 12U);  // of 1,024 texts in 1,024 buckets
}

BOOST_AUTO_TEST_CASE(neighbouring_numbers_do_not_fall_beside_each_other) {
    std::set<std::uint64_t> seen;
    for (std::uint64_t number = 0; number < buckets; ++number) seen.insert(mix(key_known ^ number) % buckets);
    BOOST_TEST(seen.size() > buckets / 2);
    BOOST_TEST(seen.size() < buckets);  // an identity would fill each once
}

BOOST_AUTO_TEST_SUITE_END()
