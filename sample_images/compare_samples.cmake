# Runs PROGRAM into FRESH and compares each file with the one in COMMITTED, byte for byte.
#
# The pictures are the same on every machine; their bytes are those that Debian 12's zlib and libjpeg-turbo make. A
# distribution with other versions may pack them otherwise: run `make_samples sample_images` there to see.

file(REMOVE_RECURSE "${FRESH}")
execute_process(COMMAND "${PROGRAM}" "${FRESH}" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} failed: ${status}")
endif()

file(GLOB fresh RELATIVE "${FRESH}" "${FRESH}/*")
file(GLOB committed RELATIVE "${COMMITTED}" "${COMMITTED}/*.png" "${COMMITTED}/*.jpg")
set(differing "")
foreach(name IN LISTS fresh committed)
  if(NOT EXISTS "${COMMITTED}/${name}" OR NOT EXISTS "${FRESH}/${name}")
    list(APPEND differing "${name}")
    continue()
  endif()
  file(SHA256 "${COMMITTED}/${name}" was)
  file(SHA256 "${FRESH}/${name}" is)
  if(NOT was STREQUAL is)
    list(APPEND differing "${name}")
  endif()
endforeach()
list(LENGTH fresh count)
if(differing OR count EQUAL 0)
  list(REMOVE_DUPLICATES differing)
  message(FATAL_ERROR "not what make_samples makes (of ${count} files): ${differing}")
endif()
message(STATUS "${count} sample images are as make_samples makes them")
