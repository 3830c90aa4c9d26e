// The rows of tests/vectors/hostile_inputs.csv that bytes of a frame can show, against the close code they
// name. F09 and F14 are about settings and time, F18 to F22 about a connection: they are tested where those
// live.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "proxy/wire/websocket/close.h"
#include "proxy/wire/websocket/message.h"

using namespace forestay::wire;
using namespace forestay::wire::websocket;
using namespace std::string_literals;

namespace {

std::string frame(Opcode opcode, std::string_view payload, bool fin = true) {
    std::string out;
    write_frame(out, opcode, payload, MaskKey{0xa5, 0x00, 0xff, 0x3c}, fin);
    return out;
}

std::string close_frame(unsigned code) {
    return frame(Opcode::close, std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)});
}

// "1002", "1007", "1009" or "1008" as the stream deserves it; "-" when all of it is fine.
std::string verdict(std::string_view stream) {
    MessageReader reader(Sender::client, {});
    std::string scratch;
    for (;;) {
        const auto message = reader.next(stream, scratch);
        boost::system::error_code fault = message ? boost::system::error_code() : message.error();
        if (message && !*message) return "-";
        if (!fault && (*message)->opcode == Opcode::close) {
            const auto close = parse_close((*message)->payload);
            if (!close) fault = close.error();
        }
        if (fault) return std::to_string(static_cast<int>(close_code_for(static_cast<errc>(fault.value()))));
    }
}

std::vector<std::string> codes_as_frames(const std::vector<unsigned>& codes) {
    std::vector<std::string> frames;
    for (const unsigned code : codes) frames.push_back(close_frame(code));
    return frames;
}

std::map<std::string, std::vector<std::string>> streams_by_row() {
    std::map<std::string, std::vector<std::string>> rows;
    rows["F01"] = {"\x81\x02hi"s};
    rows["F02"] = {"\xc1\x80\1\2\3\4"s, "\xa1\x80\1\2\3\4"s, "\x91\x80\1\2\3\4"s};
    for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U})
        rows["F03"].push_back(std::string{static_cast<char>(0x80U | opcode), '\x80', 1, 2, 3, 4});
    rows["F04"] = {frame(Opcode::continuation, "x"),
                   frame(Opcode::text, "x", false) + frame(Opcode::binary, "y")};
    rows["F05"] = {frame(Opcode::ping, "x", false), frame(Opcode::ping, std::string(126, 'x'))};
    rows["F06"] = {"\x82\xfe\x00\x7d\1\2\3\4"s, "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff\1\2\3\4"s};
    rows["F07"] = {"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\1\2\3\4"s};
    rows["F08"] = {"\x82\xff\x40\x00\x00\x00\x00\x00\x00\x00\1\2\3\4"s};
    rows["F10"] = {frame(Opcode::text, "\xff"), frame(Opcode::text, "\xc0\x80"),
                   frame(Opcode::text, "\xed\xa0\x80"), frame(Opcode::text, "\xe2\x82"),
                   frame(Opcode::text, "\xe2", false) + frame(Opcode::continuation, "\x82")};
    rows["F11"] = {frame(Opcode::text, "\xe2", false) + frame(Opcode::continuation, "\x82\xac")};
    rows["F12"] = {
        frame(Opcode::binary, std::string((1 << 20) + 1, 'x')),
        frame(Opcode::binary, std::string(1 << 20, 'x'), false) + frame(Opcode::continuation, "x")};
    std::string& empty_fragments = rows["F13"].emplace_back(frame(Opcode::text, "", false));
    for (int i = 0; i < 20'000; ++i) empty_fragments += frame(Opcode::continuation, "", false);
    rows["F15"] = codes_as_frames({1004, 1005, 1006, 1014, 1015, 1016, 2999});
    rows["F16"] = codes_as_frames({5000, 65535});
    rows["F17"] = {frame(Opcode::close, "\x03"), frame(Opcode::close, "\x03\xe8\xff")};
    return rows;
}

// The fields of one line; commas inside quotes do not separate.
std::vector<std::string> fields_of(std::string_view line) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (const char c : line) {
        if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else {
            fields.back().push_back(c);
        }
    }
    return fields;
}

}  // namespace

BOOST_AUTO_TEST_CASE(hostile_frames_get_the_close_code_of_their_row) {
    std::map<std::string, std::string> expected;
    std::ifstream file("tests/vectors/hostile_inputs.csv");
    for (std::string line; std::getline(file, line);)
        if (const auto fields = fields_of(line); fields.size() >= 4)
            expected[fields[0]] = fields[3].substr(0, 4);
    for (const auto& [row, streams] : streams_by_row()) {
        BOOST_REQUIRE(expected.contains(row));
        for (const auto& stream : streams) BOOST_TEST(verdict(stream) == expected[row], "row " << row);
    }
}
