// TCP on loopback, as all parts of the siege need it. Everything throws std::system_error.
#pragma once

#include <cstdint>

namespace forestay::siege {

int checked(int result, const char* what);

// Non-blocking and without delay, from 127.0.0.0/8 (in host order). A reset ends it: no port stays in
// TIME_WAIT. -1 when the machine has no port, descriptor or room in the listener's queue left.
// `receive_buffer`: 0 leaves it.
[[nodiscard]] int connect_from(std::uint32_t source, std::uint16_t port, int receive_buffer = 0);
[[nodiscard]] int listen_at(std::uint16_t port);
[[nodiscard]] int accept_one(int listener);  // non-blocking, without delay; -1: nobody
void raise_descriptor_limit();

}  // namespace forestay::siege
