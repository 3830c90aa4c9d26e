#include "proxy/wire/websocket/frame.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstring>

namespace forestay::wire::websocket {
namespace {

constexpr std::size_t control_bytes_max = 125;
constexpr std::uint64_t high_bits = 0x8080808080808080U;  // none of them is set in ASCII

constexpr bool is_known(unsigned opcode) noexcept {
    return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

// `count` bytes, most significant first (5.2).
std::uint64_t read_number(const unsigned char* bytes, std::size_t count) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
    return value;
}

void write_number(std::string& out, std::uint64_t value, unsigned count) {
    while (count-- > 0) out.push_back(static_cast<char>(value >> (8 * count) & 0xff));
}

// target[i] = source[i] ^ key[(i + offset) % 4]. The two may be the same. True when all of the target is
// ASCII.
bool mask_into(char* target, const char* source, std::size_t size, MaskKey key, std::size_t offset) noexcept {
    const MaskKey turned{key[offset % 4], key[(offset + 1) % 4], key[(offset + 2) % 4],
                         key[(offset + 3) % 4]};
    const auto half = std::bit_cast<std::uint32_t>(turned);
    const std::uint64_t word_key = std::uint64_t{half} << 32 | half;
    std::uint64_t bits = 0;  // that any byte of the target has
    std::size_t i = 0;
#ifdef __SSE2__
    const __m128i block_key = _mm_set1_epi32(static_cast<int>(half));
    __m128i block_bits = _mm_setzero_si128();
    for (; i + sizeof block_key <= size; i += sizeof block_key) {
        __m128i block;
        std::memcpy(&block, source + i, sizeof block);
        block = _mm_xor_si128(block, block_key);
        std::memcpy(target + i, &block, sizeof block);
        block_bits = _mm_or_si128(block_bits, block);
    }
    if (_mm_movemask_epi8(block_bits) != 0) bits = high_bits;
#endif
    for (; i + sizeof word_key <= size; i += sizeof word_key) {
        std::uint64_t word = 0;
        std::memcpy(&word, source + i, sizeof word);
        word ^= word_key;
        std::memcpy(target + i, &word, sizeof word);
        bits |= word;
    }
    for (; i < size; ++i) {
        const auto byte = static_cast<std::uint8_t>(static_cast<std::uint8_t>(source[i]) ^ turned[i % 4]);
        target[i] = static_cast<char>(byte);
        bits |= byte;
    }
    return (bits & high_bits) == 0;
}

}  // namespace

// Faults are reported in the order of the bytes that show them, so that cutting the input differently cannot
// change which one is seen.
result<FrameHead> parse_frame_head(std::string_view bytes, Sender sender) {
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    if (bytes.empty()) return errc::incomplete;
    if ((data[0] & 0x70U) != 0) return errc::reserved_bits_set;
    const unsigned opcode = data[0] & 0x0fU;
    if (!is_known(opcode)) return errc::reserved_opcode;
    FrameHead head;
    head.opcode = static_cast<Opcode>(opcode);
    head.fin = (data[0] & 0x80U) != 0;
    if (is_control(head.opcode) && !head.fin) return errc::fragmented_control;

    if (bytes.size() < 2) return errc::incomplete;
    const bool masked = (data[1] & 0x80U) != 0;
    if (sender == Sender::client && !masked) return errc::unmasked_client_frame;
    if (sender == Sender::server && masked) return errc::masked_server_frame;
    const unsigned short_size = data[1] & 0x7fU;
    if (is_control(head.opcode) && short_size > control_bytes_max) return errc::oversized_control;

    const std::size_t extra = short_size < 126 ? 0 : short_size == 126 ? 2 : 8;
    if (extra == 8 && bytes.size() > 2 && (data[2] & 0x80U) != 0) return errc::length_overflow;
    if (bytes.size() < 2 + extra) return errc::incomplete;
    head.payload_size = extra == 0 ? short_size : read_number(data + 2, extra);
    if (extra == 2 && head.payload_size < 126) return errc::non_minimal_length;
    if (extra == 8 && head.payload_size <= 0xffff) return errc::non_minimal_length;

    head.head_size = 2 + extra + (masked ? 4 : 0);
    if (masked && bytes.size() >= head.head_size) {
        MaskKey key{};
        std::memcpy(key.data(), data + 2 + extra, key.size());
        head.mask = key;
    } else if (masked) {
        return errc::incomplete;
    }
    return head;
}

void write_frame(std::string& out, Opcode opcode, std::string_view payload, std::optional<MaskKey> mask,
                 bool fin) {
    const unsigned mask_bit = mask ? 0x80U : 0U;
    out.push_back(static_cast<char>((fin ? 0x80U : 0U) | static_cast<unsigned>(opcode)));
    if (payload.size() < 126) {
        out.push_back(static_cast<char>(mask_bit | payload.size()));
    } else if (payload.size() <= 0xffff) {
        out.push_back(static_cast<char>(mask_bit | 126U));
        write_number(out, payload.size(), 2);
    } else {
        out.push_back(static_cast<char>(mask_bit | 127U));
        write_number(out, payload.size(), 8);
    }
    if (!mask) {
        out.append(payload);
        return;
    }
    out.append(reinterpret_cast<const char*>(mask->data()), mask->size());
    append_unmasked(out, payload, *mask);
}

void apply_mask(char* data, std::size_t size, MaskKey key, std::size_t offset) noexcept {
    static_cast<void>(mask_into(data, data, size, key, offset));
}

// Masking and unmasking are the same operation (5.3).
bool copy_unmasked(char* target, std::string_view payload, MaskKey key) noexcept {
    return mask_into(target, payload.data(), payload.size(), key, 0);
}

void append_unmasked(std::string& out, std::string_view payload, MaskKey key) {
    const std::size_t start = out.size();
    out.resize(start + payload.size());
    static_cast<void>(copy_unmasked(out.data() + start, payload, key));
}

}  // namespace forestay::wire::websocket
