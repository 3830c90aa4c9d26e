#pragma once

#include <string_view>

namespace forestay::app {

// Of the project in CMakeLists.txt.
constexpr std::string_view version = FORESTAY_VERSION;

}  // namespace forestay::app
