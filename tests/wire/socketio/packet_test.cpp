#include <boost/test/unit_test.hpp>
#include <string>

#include "proxy/wire/json/scan.h"
#include "proxy/wire/socketio/packet.h"

using namespace forestay::wire;
using namespace forestay::wire::socketio;
using engineio::Revision;
using std::string_literals::operator""s;

namespace {

boost::system::error_code refusal(std::string_view text, Revision revision = Revision::v4) {
    const auto packet = parse_client_packet(text, revision);
    return packet.has_value() ? boost::system::error_code{} : packet.error();
}

std::string placeholder(int num) {
    return R"({"_placeholder":true,"num":)" + std::to_string(num) + '}';
}

template <class Write>
std::string written(Write write) {
    std::string out;
    write(out);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_event_is_taken_apart) {
    const std::string text = R"(2/chat,12["ask",{"id":7},"x"])";
    const auto packet = parse_client_packet(text, Revision::v4).value();
    BOOST_TEST(packet.nsp == "/chat");
    BOOST_TEST(packet.id.value() == 12U);
    BOOST_TEST(packet.event == "ask");
    BOOST_TEST(!packet.event_escaped);
    BOOST_TEST(argument(packet, 0).value() == R"({"id":7})");
    BOOST_TEST(argument(packet, 1).value() == R"("x")");
    BOOST_TEST(!argument(packet, 2).has_value());
    BOOST_TEST(packet.payload.data() + packet.payload.size() ==
               text.data() + text.size());  // views, no copies
}

BOOST_AUTO_TEST_CASE(the_arguments_of_an_ack_begin_with_its_first_value) {
    const auto packet = scan_server_packet(R"(37["ok",2])").value();
    BOOST_TEST(argument(packet, 0).value() == R"("ok")");
    BOOST_TEST(argument(packet, 1).value() == "2");
    const auto connect = scan_server_packet(R"(0{"sid":"x"})").value();
    BOOST_TEST(!argument(connect, 0).has_value());
}

BOOST_AUTO_TEST_CASE(event_names_are_compared_unescaped) {
    const auto packet = parse_client_packet(R"(2["\u00e9-\"ev\""])", Revision::v4).value();
    BOOST_TEST(packet.event_escaped);
    BOOST_TEST(event_is(packet, "\xc3\xa9-\"ev\""));
    BOOST_TEST(!event_is(packet, "\xc3\xa9-\"ev"));
    BOOST_TEST(event_name(packet) == "\xc3\xa9-\"ev\"");
}

BOOST_AUTO_TEST_CASE(reserved_names_are_refused_however_they_are_spelled) {
    for (const std::string_view name :
         {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}) {
        BOOST_TEST(is_reserved(name));
        BOOST_TEST((refusal("2[\"" + std::string(name) + "\",1]") == errc::reserved_event), name);
    }
    BOOST_TEST((refusal(R"(2["\u0063onnect"])") == errc::reserved_event));
    BOOST_TEST((refusal(R"(51-["disconnec\u0074",{"_placeholder":true,"num":0}])") == errc::reserved_event));
    BOOST_TEST(!is_reserved("Connect"));
    BOOST_TEST(!is_reserved(""));
    BOOST_TEST((scan_server_packet(R"(2["disconn\u0065ct"])").error() == errc::reserved_event));
}

BOOST_AUTO_TEST_CASE(names_and_namespaces_are_bounded) {
    const std::string name(128, 'n');
    BOOST_TEST(!refusal("2[\"" + name + "\"]"));
    BOOST_TEST((refusal("2[\"" + name + "n\"]") == errc::bad_event_name));
    BOOST_TEST(!refusal("2[\"\"]"));
    const std::string nsp = '/' + std::string(127, 'n');
    BOOST_TEST(!refusal("2" + nsp + ",[\"x\"]"));
    BOOST_TEST((refusal("2" + nsp + "n,[\"x\"]") == errc::bad_grammar));
    BOOST_TEST((refusal("2/a\x7f,[\"x\"]") == errc::bad_grammar));
    BOOST_TEST(!refusal("2/\xc3\xa9,[\"x\"]"));
    BOOST_TEST((refusal("2[\"" + std::string(65, '[') + "\"]") ==
                boost::system::error_code{}));  // brackets in a string
}

BOOST_AUTO_TEST_CASE(ack_ids_end_where_javascript_stops_counting) {
    BOOST_TEST(parse_client_packet(R"(29007199254740991["x"])", Revision::v4).value().id.value() ==
               9007199254740991U);
    BOOST_TEST((refusal(R"(29007199254740992["x"])") == errc::bad_ack_id));
    BOOST_TEST((scan_server_packet(R"(29007199254740992["x"])").error() == errc::bad_ack_id));
    BOOST_TEST((scan_server_packet(R"(299999999999999999999["x"])").error() == errc::bad_ack_id));
}

BOOST_AUTO_TEST_CASE(placeholders_are_each_there_once) {
    const std::string zero = placeholder(0);
    const std::string one = placeholder(1);
    BOOST_TEST(!refusal("52-[\"x\"," + zero + "," + one + "]"));
    BOOST_TEST(!refusal("52-[\"x\",{\"a\":[" + one + "],\"b\":" + zero + "}]"));
    BOOST_TEST(!refusal(R"(51-["x",{ "num" : 0 , "_placeholder" : true }])"));
    BOOST_TEST(!refusal(R"(51-["x",{"_placeholder":true,"num":0},{"_placeholder2":1},"_placeholder"])"));
    for (const std::string& bad :
         {"51-[\"x\"]"s, "51-[\"x\","s + zero + "," + zero + "]", "51-[\"x\","s + zero + "," + one + "]",
          "52-[\"x\","s + zero + "]", "52-[\"x\","s + one + "," + one + "]",
          R"(51-["x",{"_placeholder":true,"num":0,"x":1}])"s,
          R"(51-["x",{"x":1,"_placeholder":true,"num":0}])"s, R"(51-["x",{"_placeholder":false,"num":0}])"s,
          R"(51-["x",{"_placeholder":true,"num":0.0}])"s, R"(51-["x",{"_placeholder":true,"num":00}])"s,
          R"(51-["x",{"\u005fplaceholder":true,"num":0}])"s,
          "51-[\"x\","s + zero + R"(,{"\u005fplaceholder":true,"num":0}])"}) {
        BOOST_TEST(refusal(bad).failed(), bad);
    }
}

BOOST_AUTO_TEST_CASE(ten_attachments_are_the_most) {
    std::string ten = "510-[\"x\"";
    for (int i = 0; i < 10; ++i) ten += ',' + placeholder(i);
    BOOST_TEST(!refusal(ten + ']'));
    std::string eleven = ten + ',' + placeholder(10) + ']';
    eleven.replace(1, 2, "11");
    BOOST_TEST((refusal(eleven) == errc::bad_attachment_count));
    BOOST_TEST((refusal("501-[\"x\"," + placeholder(0) + "]") == errc::bad_attachment_count));
}

BOOST_AUTO_TEST_CASE(what_is_refused_for_known_bugs_can_be_let_through) {
    BOOST_TEST((refusal("450-[\"x\"]"s.substr(1)) == errc::zero_attachments));
    BOOST_TEST((scan_server_packet(R"(50-["x"])").error() == errc::zero_attachments));
    GrammarLimits limits;
    limits.attachments = 20;
    limits.refuse_zero_attachments = limits.refuse_reserved_events = limits.check_placeholders = false;
    for (const std::string_view text : {R"(50-["x"])", R"(2["connect"])", R"(511-["x"])"}) {
        BOOST_TEST(parse_client_packet(text, Revision::v4, limits).has_value(), text);
        BOOST_TEST(scan_server_packet(text, limits).has_value(), text);
    }
    BOOST_TEST(
        (parse_client_packet(R"(521-["x"])", Revision::v4, limits).error() == errc::bad_attachment_count));
    BOOST_TEST(
        (parse_client_packet(R"(500-["x"])", Revision::v4, limits).error() == errc::bad_attachment_count));
}

// JavaScript reads the digits as an ack id, python as a count.
BOOST_AUTO_TEST_CASE(only_binary_packets_count_attachments) {
    for (const std::string_view bad : {R"(20-["x"])", R"(21-["x"])", R"(31-[1])", R"(2/a,1-["x"])"}) {
        BOOST_TEST((refusal(std::string(bad)) == errc::bad_attachment_count), bad);
        BOOST_TEST((scan_server_packet(bad).error() == errc::bad_attachment_count), bad);
    }
    BOOST_TEST((scan_server_packet("41-x").error() == errc::bad_attachment_count));
}

BOOST_AUTO_TEST_CASE(the_old_revision_has_a_query_behind_its_namespace_and_may_leave_out_the_comma) {
    const auto packet = parse_client_packet("0/admin?token=a%20b&x,", Revision::v3).value();
    BOOST_TEST(packet.nsp == "/admin?token=a%20b&x");
    BOOST_TEST(parse_client_packet("0/admin", Revision::v3).value().nsp == "/admin");
    BOOST_TEST(parse_client_packet("1/admin", Revision::v3).value().nsp == "/admin");
    BOOST_TEST((refusal("0/admin?x=1,") == errc::bad_grammar));
    BOOST_TEST((refusal("0/admin") == errc::bad_grammar));
    BOOST_TEST((refusal("2/admin?x=1,[\"x\"]", Revision::v3) == errc::bad_grammar));
    BOOST_TEST(!refusal("0/a?" + std::string(4000, 'q') + ',', Revision::v3));
    BOOST_TEST((refusal("0/a?" + std::string(4100, 'q') + ',', Revision::v3) == errc::bad_grammar));
    BOOST_TEST((refusal("2 [\"x\"]", Revision::v3) == errc::bad_grammar));
}

BOOST_AUTO_TEST_CASE(servers_are_read_leniently) {
    BOOST_TEST(scan_server_packet("0/nsp").value().nsp == "/nsp");
    BOOST_TEST(scan_server_packet(R"(1{"message":"x"})").value().payload == R"({"message":"x"})");
    BOOST_TEST(scan_server_packet(R"(2[ "a" , 1 ])").value().event == "a");
    BOOST_TEST(scan_server_packet("2[7,1]").value().event == "");
    BOOST_TEST(scan_server_packet(R"(2["x",NaN])").value().event == "x");
    BOOST_TEST(scan_server_packet(R"(4/nsp,"Unable to connect")").value().payload ==
               R"("Unable to connect")");
    BOOST_TEST((scan_server_packet("2[\"x").error() == errc::bad_event_name));
    BOOST_TEST((scan_server_packet("2[\"x\\").error() == errc::bad_event_name));
    BOOST_TEST((scan_server_packet("2[").error() == errc::bad_event_name));
    BOOST_TEST((scan_server_packet("3[]").error() == errc::ack_without_id));
}

BOOST_AUTO_TEST_CASE(a_packet_cut_anywhere_is_never_taken_for_a_whole_one) {
    const std::string whole = "52-/admin,7[\"x\"," + placeholder(0) + "," + placeholder(1) + "]";
    BOOST_TEST(!refusal(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string cut(whole.data(), size);
        BOOST_TEST(refusal(cut).failed(), cut);
        (void)scan_server_packet(cut);
    }
}

BOOST_AUTO_TEST_CASE(packets_are_written_as_clients_read_them) {
    BOOST_TEST(written([](auto& out) { write_connect_reply(out, "/", "a\"b"); }) == R"(0{"sid":"a\"b"})");
    BOOST_TEST(written([](auto& out) { write_connect_reply(out, "/chat", "s"); }) == R"(0/chat,{"sid":"s"})");
    BOOST_TEST(written([](auto& out) { write_connect_reply(out, "/chat", ""); }) == "0/chat,");
    BOOST_TEST(written([](auto& out) { write_connect_error(out, "/", "no", ""); }) == R"(4{"message":"no"})");
    BOOST_TEST(written([](auto& out) { write_connect_error(out, "/a", "no", R"({"c":1})"); }) ==
               R"(4/a,{"message":"no","data":{"c":1}})");
    BOOST_TEST(written([](auto& out) { write_disconnect(out, "/"); }) == "1");
    BOOST_TEST(written([](auto& out) { write_disconnect(out, "/a"); }) == "1/a,");
    BOOST_TEST(written([](auto& out) { write_event(out, "/a", "re\n", "[1]"); }) == R"(2/a,["re\n",[1]])");
    BOOST_TEST(written([](auto& out) { write_event(out, "/", "re", ""); }) == R"(2["re"])");
    BOOST_TEST(written([](auto& out) { write_ack(out, "/a", 7, "[]"); }) == "3/a,7[]");
    BOOST_TEST(written([](auto& out) { write_ack(out, "/", 0, "[1]"); }) == "30[1]");
}

BOOST_AUTO_TEST_CASE(a_renamed_event_keeps_everything_else) {
    const auto renamed = [](std::string_view text) {
        std::string out;
        write_renamed(out, scan_server_packet(text).value(), "late \"x\"");
        return out;
    };
    BOOST_TEST(renamed(R"(2["a",1e400,{"k":1,"k":2}])") == R"(2["late \"x\"",1e400,{"k":1,"k":2}])");
    BOOST_TEST(renamed(R"(2/n,5[ "\u0061" , 1 ] )") == R"(2/n,5[ "late \"x\"" , 1 ] )");
    BOOST_TEST(renamed(R"(2[""])") == R"(2["late \"x\""])");
    BOOST_TEST(renamed("51-[\"a\"," + placeholder(0) + "]") ==
               "51-[\"late \\\"x\\\"\"," + placeholder(0) + "]");
}
