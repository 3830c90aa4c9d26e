// What systemd is told (sd_notify(3), Type=notify): units that need us start once we listen, and not before.
#pragma once

#include <string_view>

namespace forestay::app {

// "READY=1", "STOPPING=1". Nothing happens where nobody wants to know ($NOTIFY_SOCKET is not set), and
// nothing is lost where it can not be said: the service manager then goes by its own timeouts.
void tell_service_manager(std::string_view state);

}  // namespace forestay::app
