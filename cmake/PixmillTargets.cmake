# Interface targets that every target of ours links PRIVATE: how we compile, and nothing else.

add_library(pixmill_options INTERFACE)
add_library(pixmill::options ALIAS pixmill_options)
target_include_directories(pixmill_options INTERFACE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
target_compile_features(pixmill_options INTERFACE cxx_std_20)
target_compile_options(pixmill_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wcast-qual -Wformat=2
  # Two machines must agree to the bit: a*b+c is two roundings everywhere, FMA or not.
  -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms inside std::string's operator+ (GCC bug 105651).
  target_compile_options(pixmill_options INTERFACE -Wno-restrict)
endif()
if(PIXMILL_WERROR)
  target_compile_options(pixmill_options INTERFACE -Werror)
endif()
if(PIXMILL_SANITIZE)
  target_compile_options(pixmill_options INTERFACE -fsanitize=${PIXMILL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(pixmill_options INTERFACE -fsanitize=${PIXMILL_SANITIZE})
  if(PIXMILL_SANITIZE MATCHES "undefined")
    # It opens a pipe to look at an object, and takes a process without free descriptors, which we test, for a wrong cast.
    target_compile_options(pixmill_options INTERFACE -fno-sanitize=vptr)
  endif()
endif()

# What the installed libraries are made of: fit for a shared one, which shows PIXMILL_API alone.
function(pixmill_part_of_library target)
  set_target_properties(${target} PROPERTIES
    POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  set_property(GLOBAL APPEND PROPERTY PIXMILL_PARTS ${target})
endfunction()

find_program(PIXMILL_CCACHE ccache)
if(PIXMILL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${PIXMILL_CCACHE}")
endif()
