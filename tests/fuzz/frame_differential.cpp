// Any bytes as what a client sends on a websocket: our reader and Boost.Beast's server must read the same
// messages and control frames, in the same order, and fail at the same place. What they differ about on
// purpose is in judge_close() and at the end.
//
// The input: one byte of options, then the stream.
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "proxy/wire/websocket/close.h"
#include "proxy/wire/websocket/message.h"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ours = forestay::wire::websocket;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

// What comes in is there from the start, what goes out is forgotten.
class Memory {
  public:
    using executor_type = asio::io_context::executor_type;

    Memory(asio::io_context& context, std::string bytes)
        : executor_(context.get_executor()), bytes_(std::move(bytes)) {}
    executor_type get_executor() const noexcept { return executor_; }

    template <class Buffers>
    std::size_t read_some(const Buffers& buffers, beast::error_code& error) {
        const std::size_t size =
            asio::buffer_copy(buffers, asio::buffer(bytes_.data() + read_, bytes_.size() - read_));
        error = {};
        if (size == 0 && asio::buffer_size(buffers) > 0) error = asio::error::eof;
        read_ += size;
        return size;
    }
    template <class Buffers>
    std::size_t write_some(const Buffers& buffers, beast::error_code& error) {
        error = {};
        return asio::buffer_size(buffers);
    }
    // A stream has these, too.
    template <class Buffers>
    std::size_t read_some(const Buffers& buffers) {
        beast::error_code error;
        return read_some(buffers, error);
    }
    template <class Buffers>
    std::size_t write_some(const Buffers& buffers) {
        beast::error_code error;
        return write_some(buffers, error);
    }

  private:
    executor_type executor_;
    std::string bytes_;
    std::size_t read_ = 0;
};
void teardown(beast::role_type, Memory&, beast::error_code& error) {
    error = {};
}

constexpr std::string_view handshake =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

enum class End { incomplete, closed, failed };

struct Outcome {
    std::vector<std::string> heard;  // a letter and the payload
    End end = End::incomplete;
    std::string close;  // payload of the close frame
    beast::error_code error;
};

Outcome read_with_beast(asio::io_context& context, std::string_view stream, std::size_t message_max) {
    Outcome out;
    beast::websocket::stream<Memory> socket(context, std::string(handshake) + std::string(stream));
    socket.read_message_max(message_max);
    socket.control_callback([&out](beast::websocket::frame_type kind, beast::string_view payload) {
        if (kind == beast::websocket::frame_type::close) return;
        out.heard.push_back((kind == beast::websocket::frame_type::ping ? 'i' : 'o') + std::string(payload));
    });
    socket.accept(out.error);
    require(!out.error);
    for (;;) {
        beast::flat_buffer buffer(2 * message_max + (64 << 10));
        socket.read(buffer, out.error);
        if (out.error) break;
        const std::string payload = beast::buffers_to_string(buffer.data());
        // Beast 1.81 forgets that a text ends within a character when its last frame is empty.
        if (socket.got_text() && !beast::websocket::detail::check_utf8(payload.data(), payload.size())) {
            out.end = End::failed;
            return out;
        }
        out.heard.push_back((socket.got_text() ? 't' : 'b') + payload);
    }
    if (out.error == beast::websocket::error::closed) {
        out.end = End::closed;
        const auto& why = socket.reason();
        if (why.code != beast::websocket::close_code::none) {
            out.close += static_cast<char>(why.code >> 8U);
            out.close += static_cast<char>(why.code & 0xFFU);
        }
        out.close += std::string_view(why.reason.data(), why.reason.size());
    } else if (out.error != asio::error::eof) {
        out.end = End::failed;
    }
    return out;
}

Outcome read_with_ours(std::string_view stream, std::size_t message_max) {
    Outcome out;
    // Beast has no bound on fragments.
    ours::MessageReader reader(ours::Sender::client, {.message_bytes = message_max, .fragments = 1U << 20U});
    std::string scratch;
    for (;;) {
        const auto message = reader.next(stream, scratch);
        if (!message) {
            out.end = End::failed;
            out.error = message.error();
            return out;
        }
        if (!*message) return out;
        const std::string payload((*message)->payload);
        switch ((*message)->opcode) {
            case ours::Opcode::close:
                out.end = End::closed;
                out.close = payload;
                return out;
            case ours::Opcode::ping:
                out.heard.push_back('i' + payload);
                break;
            case ours::Opcode::pong:
                out.heard.push_back('o' + payload);
                break;
            case ours::Opcode::text:
                out.heard.push_back('t' + payload);
                break;
            case ours::Opcode::binary:
            case ours::Opcode::continuation:
                out.heard.push_back('b' + payload);
                break;
        }
    }
}

// Of a close frame's payload. Beast 1.81 takes and echoes codes from 5000 on, which may not be on the wire.
void judge_close(const Outcome& mine, const Outcome& theirs) {
    const auto close = ours::parse_close(mine.close);
    const unsigned code = mine.close.size() < 2 ? 0
                                                : static_cast<unsigned char>(mine.close[0]) * 256U +
                                                      static_cast<unsigned char>(mine.close[1]);
    if (code >= 5000) {
        require(!close);
        return require(theirs.end == End::closed ||
                       theirs.error == beast::websocket::error::bad_close_payload);
    }
    require(close.has_value() == (theirs.end == End::closed));
    if (close) require(mine.close == theirs.close);
}

// False: they are at odds.
bool agree(asio::io_context& context, std::string_view stream, std::size_t message_max) {
    const Outcome mine = read_with_ours(stream, message_max);
    const Outcome theirs = read_with_beast(context, stream, message_max);
    require(mine.heard == theirs.heard);
    if (mine.end == End::closed) {
        judge_close(mine, theirs);
        return true;
    }
    return mine.end == theirs.end;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    static asio::io_context context;
    const std::size_t message_max = (data[0] & 1U) != 0 ? 64 : 4096;
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (agree(context, stream, message_max)) return 0;
    // We refuse a head at its first bad byte and a text when its frame is whole, Beast heads as a whole and
    // texts as they come. When there is more, what the one has refused the other refuses too.
    const std::string more = std::string(stream) + std::string(message_max + 14, '\0');
    require(agree(context, more, message_max));
    return 0;
}
