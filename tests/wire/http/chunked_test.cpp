#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/http/chunked.h"

using namespace forestay::wire::http;

namespace {

// The body and how it ended, read in slices of `slice` bytes.
std::string read(std::string_view bytes, std::size_t slice) {
    ChunkedReader reader;
    std::string body;
    for (std::size_t from = 0; from < bytes.size(); from += slice) {
        std::string_view piece = bytes.substr(from, slice);
        while (true) {
            const ChunkedReader::Step step = reader.read(piece);
            if (step.state == ChunkedReader::State::bad) return body + "|" + std::string(step.reason);
            body += step.data;
            const std::string_view rest = piece.substr(step.taken);
            if (step.state == ChunkedReader::State::done) {
                const std::size_t behind = bytes.size() - std::min(from + slice, bytes.size());
                return body + "|done, " + std::to_string(behind + rest.size()) + " left";
            }
            piece = rest;
            if (piece.empty()) break;
        }
    }
    return body + "|more";
}

// The same however the bytes are cut.
std::string read(std::string_view bytes) {
    std::string whole = read(bytes, bytes.size());
    for (std::size_t slice = 1; slice < bytes.size(); ++slice) {
        BOOST_TEST(read(bytes, slice) == whole);
    }
    return whole;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_chunked)

BOOST_AUTO_TEST_CASE(chunks_are_joined_and_what_follows_is_left) {
    const std::string bytes = "5\r\nhello\r\n0A;name=value\r\n, world 12\r\n0\r\n\r\nGET /";
    BOOST_TEST(read(bytes) == "hello, world 12|done, 5 left");
    const std::string whole = bytes.substr(0, bytes.size() - 5);
    for (std::size_t size = 1; size < whole.size(); ++size) {
        BOOST_TEST(read(std::string_view(whole).substr(0, size), 3).ends_with("|more"));
    }
}

BOOST_AUTO_TEST_CASE(trailers_are_dropped) {
    // H24, H25
    BOOST_TEST(read("1\r\na\r\n0\r\nX-Forwarded-User: root\r\nUpgrade: websocket\r\n\r\n", 1000) ==
               "a|done, 0 left");
}

BOOST_AUTO_TEST_CASE(sizes_that_servers_read_differently_are_refused) {
    // H21, H06 of the checklist
    for (const char* bytes : {"2\nab\r\n", "0x2\r\nab", "-2\r\n", "+2\r\n", "2 \r\nab", " 2\r\nab", "\r\n",
                              "g\r\n", "2\rab", "12345678901234567\r\n", ";x\r\n"}) {
        BOOST_TEST_CONTEXT(bytes) {
            BOOST_TEST(read(bytes) == "|bad_chunk_size");
        }
    }
    BOOST_TEST(read("2\r\nabc") == "ab|bad_chunk_end");
    BOOST_TEST(read("2\r\nab\n") == "ab|bad_chunk_end");
    BOOST_TEST(read("2\r\nab\rx") == "ab|bad_chunk_end");
}

BOOST_AUTO_TEST_CASE(extensions_and_trailers_are_bounded_and_free_of_controls) {
    // H22, H23, H26
    BOOST_TEST(read("2;a=\"x\ny\"\r\nab") == "|bad_chunk_extension");
    BOOST_TEST(read("2;" + std::string(257, 'x')) == "|bad_chunk_extension");
    BOOST_TEST(read("2;" + std::string(256, 'x') + "\r\nab", 1000) == "ab|more");
    BOOST_TEST(read("0\r\nX: 1\nY: 2\r\n\r\n") == "|bad_trailer");
    BOOST_TEST(read("0\r\nX: " + std::string(9 << 10, 'x'), 4096) == "|trailers_too_large");
    std::string lines = "0\r\n";
    while (lines.size() < 10'000) lines += "X: 12345678\r\n";
    BOOST_TEST(read(lines, 4096) == "|trailers_too_large");
}

BOOST_AUTO_TEST_SUITE_END()
