#include "tests/simulation/memory_meter.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace forestay::simulation {
namespace {

thread_local bool counting = false;
thread_local std::ptrdiff_t held_bytes = 0;

void* take(std::size_t size) {
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    if (counting) held_bytes += static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
    return memory;
}

void give_back(void* memory) noexcept {
    if (memory != nullptr && counting) held_bytes -= static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
    std::free(memory);
}

}  // namespace

MemoryMeter::MemoryMeter() noexcept {
    counting = true;
}
MemoryMeter::~MemoryMeter() {
    counting = false;
}
std::ptrdiff_t MemoryMeter::held() noexcept {
    return held_bytes;
}
void MemoryMeter::reset() noexcept {
    held_bytes = 0;
}

}  // namespace forestay::simulation

// Replaced for the whole program, as the standard allows ([new.delete]).
void* operator new(std::size_t size) {
    return forestay::simulation::take(size);
}
void* operator new[](std::size_t size) {
    return forestay::simulation::take(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {  // std::stable_sort's
    try {
        return forestay::simulation::take(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}
void operator delete(void* memory) noexcept {
    forestay::simulation::give_back(memory);
}
void operator delete[](void* memory) noexcept {
    forestay::simulation::give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    forestay::simulation::give_back(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    forestay::simulation::give_back(memory);
}
