# Flags for every target: warnings, hardening, sanitizers.
add_library(forestay_flags INTERFACE)
target_include_directories(forestay_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(forestay_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wpedantic
    $<$<BOOL:${FORESTAY_WERROR}>:-Werror>)

if(FORESTAY_SANITIZE)
    target_compile_options(forestay_flags INTERFACE -fsanitize=${FORESTAY_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    target_link_options(forestay_flags INTERFACE -fsanitize=${FORESTAY_SANITIZE})
else()
    target_compile_definitions(forestay_flags INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
    target_compile_options(forestay_flags INTERFACE -fstack-protector-strong)
endif()
target_compile_definitions(forestay_flags INTERFACE _GLIBCXX_ASSERTIONS)

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_link_options(-fuse-ld=mold)
endif()

# One ring: a static library that sees the flags and the rings it names.
function(forestay_ring name)
    cmake_parse_arguments(RING "" "" "SOURCES;LINK" ${ARGN})
    add_library(forestay_${name} STATIC ${RING_SOURCES})
    target_link_libraries(forestay_${name} PUBLIC forestay_flags ${RING_LINK})
endfunction()
