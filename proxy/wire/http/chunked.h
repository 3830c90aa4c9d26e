// The chunked transfer coding of requests, read strictly (RFC 9112 section 7.1).
//
// Extensions are skipped within a bound, trailers are read within a bound and dropped: nothing of either goes
// on. A bare LF, a sign, a space or a prefix in a size is refused, because servers disagree about them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace forestay::wire::http {

class ChunkedReader {
  public:
    enum class State : std::uint8_t {
        more,  // everything was taken, the body goes on
        data,  // `data` holds body bytes; call again with what follows `taken`
        done,  // the last byte of the trailer section was taken
        bad    // refused: `reason` says why
    };
    struct Step {
        State state = State::more;
        std::size_t taken = 0;  // bytes of the input that are used up, `data` included
        std::string_view data;  // a view into the input
        std::string_view reason;
    };
    [[nodiscard]] Step read(std::string_view bytes) noexcept;

  private:
    enum class Where : std::uint8_t {
        size_first,
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_first,
        trailer,
        trailer_lf,
        end_lf,
        over
    };
    Where where_ = Where::size_first;
    std::uint64_t left_ = 0;      // of the size being read, then of the chunk's data
    std::size_t digits_ = 0;      // of the size
    std::size_t line_bytes_ = 0;  // of the extension, or of all trailers
};

}  // namespace forestay::wire::http
