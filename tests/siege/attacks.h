// What the attackers do, as data.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace forestay::siege {

// Each connection sends `opening`, waits for the answer's head, sends `then`, and goes on as it is told here.
// A connection that forestay ends is followed by a new one, up to `connects_per_second`.
struct Attack {
    std::string name{};
    std::size_t connections = 1;  // at once
    double connects_per_second = 0;
    std::size_t addresses = 200;  // 127.0.1.1 and up; each stays below limits.connect_rate
    std::string opening{};
    std::string then{};  // "@sid@": of the Engine.IO session in the answer
    std::string drip{};  // the byte that each connection sends every `drip_every` seconds from then on
    double drip_every = 1;
    bool reads = true;       // false: nothing behind the answer's head
    int receive_buffer = 0;  // of the kernel; 0: as it is
    bool once = false;       // ends the connection itself as soon as there is an answer
    bool endless = false;    // says `then` again and again
};

[[nodiscard]] const std::vector<Attack>& attacks();

}  // namespace forestay::siege
