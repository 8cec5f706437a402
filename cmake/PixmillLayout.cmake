# Which folder of an installation holds what.

# Debian's tools look for libraries and their files there, below /usr and /usr/local.
if(NOT DEFINED CMAKE_INSTALL_LIBDIR AND CMAKE_LIBRARY_ARCHITECTURE AND EXISTS /etc/debian_version)
  set(CMAKE_INSTALL_LIBDIR "lib/${CMAKE_LIBRARY_ARCHITECTURE}" CACHE PATH "Where libraries are installed")
endif()
include(GNUInstallDirs)

# One for each version, as each library starts its own.
set(PIXMILL_WORKER_FOLDER "${CMAKE_INSTALL_LIBEXECDIR}/pixmill/${PROJECT_VERSION}")
file(RELATIVE_PATH PIXMILL_WORKER_FROM_LIBRARY "/prefix/${CMAKE_INSTALL_LIBDIR}" "/prefix/${PIXMILL_WORKER_FOLDER}/pixmill-worker")
set(PIXMILL_WORKER_INSTALLED "${CMAKE_INSTALL_PREFIX}/${PIXMILL_WORKER_FOLDER}/pixmill-worker")
