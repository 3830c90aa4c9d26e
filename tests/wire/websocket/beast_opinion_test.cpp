// Another implementation's opinion: a Boost.Beast client and a Boost.Beast echo server talk through a relay
// that takes every message apart with our reader and writes it again with our writer.
#include <array>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <thread>
#include <vector>

#include "proxy/wire/websocket/message.h"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ours = forestay::wire::websocket;

namespace {

using Socket = asio::local::stream_protocol::socket;
using Stream = beast::websocket::stream<Socket>;

void relay_head(Socket& from, Socket& to) {
    std::string head;
    const std::size_t size = asio::read_until(from, asio::dynamic_buffer(head), "\r\n\r\n");
    BOOST_REQUIRE(size == head.size());
    asio::write(to, asio::buffer(head));
}

// Writes a message as one frame, or as three with a ping between them.
void write_again(std::string& out, const ours::Message& message, std::optional<ours::MaskKey> mask,
                 bool in_fragments) {
    if (!in_fragments || is_control(message.opcode)) {
        ours::write_frame(out, message.opcode, message.payload, mask);
        return;
    }
    const std::size_t third = message.payload.size() / 3;
    ours::write_frame(out, message.opcode, message.payload.substr(0, third), mask, false);
    ours::write_frame(out, ours::Opcode::continuation, message.payload.substr(third, third), mask, false);
    ours::write_frame(out, ours::Opcode::ping, "between", mask);
    ours::write_frame(out, ours::Opcode::continuation, message.payload.substr(2 * third), mask);
}

// Relays one direction until its close frame has passed. Returns what stopped it early, empty if nothing did.
std::string relay(Socket& from, Socket& to, ours::Sender sender) {
    ours::MessageReader reader(sender, {.message_bytes = 1 << 20, .fragments = 1024});
    std::string kept, scratch;
    std::array<char, 7000> piece{};
    std::uint8_t salt = 0;
    for (;;) {
        kept.append(piece.data(), from.read_some(asio::buffer(piece)));
        std::string_view bytes = kept;
        for (;;) {
            const auto message = reader.next(bytes, scratch);
            if (!message) {  // the ends would wait for each other for ever
                from.shutdown(Socket::shutdown_both);
                to.shutdown(Socket::shutdown_both);
                return message.error().message();
            }
            if (!*message) break;
            const auto mask = sender == ours::Sender::client
                                  ? std::optional(ours::MaskKey{++salt, 0x80, 0x7f, 0xff})
                                  : std::nullopt;
            std::string out;
            write_again(out, **message, mask, (salt & 1U) != 0);
            asio::write(to, asio::buffer(out));
            if ((*message)->opcode == ours::Opcode::close) return {};
        }
        kept.erase(0, kept.size() - bytes.size());
    }
}

void echo(Stream& server, beast::websocket::close_reason& heard) {
    server.accept();
    beast::flat_buffer buffer;
    for (beast::error_code error;;) {
        buffer.clear();
        server.read(buffer, error);
        if (error) break;
        server.text(server.got_text());
        server.write(buffer.data());
    }
    heard = server.reason();
}

// Sends each payload as text and as binary, in frames of at most 4 KiB; returns what came back.
std::vector<std::string> converse(Stream& client, const std::vector<std::string>& payloads) {
    std::vector<std::string> echoes;
    client.handshake("localhost", "/");
    client.auto_fragment(true);
    client.write_buffer_bytes(4096);
    beast::flat_buffer buffer;
    for (const bool text : {true, false}) {
        for (const auto& payload : payloads) {
            client.text(text);
            client.ping("hello");
            client.write(asio::buffer(payload));
            buffer.clear();
            client.read(buffer);
            if (client.got_text() == text) echoes.push_back(beast::buffers_to_string(buffer.data()));
        }
    }
    client.close({static_cast<beast::websocket::close_code>(4401), "token expired"});
    return echoes;
}

}  // namespace

BOOST_AUTO_TEST_CASE(beast_understands_what_we_write_and_we_what_beast_writes) {
    std::vector<std::string> payloads;
    for (const std::size_t size : {0U, 1U, 125U, 126U, 4096U, 65535U, 65536U, 200'000U})
        payloads.emplace_back(size, 'x');
    payloads.emplace_back("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80");

    asio::io_context context;
    Socket client_near(context), client_far(context), server_near(context), server_far(context);
    asio::local::connect_pair(client_near, client_far);
    asio::local::connect_pair(server_near, server_far);
    Stream client(std::move(client_far)), server(std::move(server_far));
    std::vector<std::string> echoes;
    beast::websocket::close_reason heard;
    std::string upwards, downwards;
    std::thread client_thread([&] { echoes = converse(client, payloads); });
    std::thread server_thread([&] { echo(server, heard); });
    relay_head(client_near, server_near);
    relay_head(server_near, client_near);
    std::thread relay_thread([&] { upwards = relay(client_near, server_near, ours::Sender::client); });
    downwards = relay(server_near, client_near, ours::Sender::server);
    relay_thread.join();
    client_near.close();
    server_near.close();
    client_thread.join();
    server_thread.join();

    std::vector<std::string> expected = payloads;
    expected.insert(expected.end(), payloads.begin(), payloads.end());
    BOOST_CHECK(echoes == expected);
    BOOST_TEST(upwards == "");
    BOOST_TEST(downwards == "");
    BOOST_TEST(heard.code == 4401);
    BOOST_TEST(heard.reason == "token expired");
}
