# The libraries as others link them, and what is installed: for CMake, for pkg-config, and as Debian packages.
#
#   cmake --install BUILD --prefix DIR
#   cpack --config BUILD/CPackConfig.cmake -G DEB

include(CMakePackageConfigHelpers)
set(config_folder "${CMAKE_INSTALL_LIBDIR}/cmake/pixmill")
set(made_folder "${CMAKE_CURRENT_BINARY_DIR}/install")

# --- The libraries, each of all our parts in one file ---

get_property(parts GLOBAL PROPERTY PIXMILL_PARTS)
set(objects ${parts})
list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")

# While the first number of the version is 0, each second one is another interface.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(interface_version "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
else()
  set(interface_version "${PROJECT_VERSION_MAJOR}")
endif()

set(symbols "${CMAKE_CURRENT_LIST_DIR}/libpixmill.map")
add_library(pixmill_shared SHARED ${objects})
set_target_properties(pixmill_shared PROPERTIES
  LINKER_LANGUAGE CXX EXPORT_NAME pixmill OUTPUT_NAME pixmill
  VERSION "${PROJECT_VERSION}" SOVERSION "${interface_version}" LINK_DEPENDS "${symbols}")
target_include_directories(pixmill_shared INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_compile_features(pixmill_shared INTERFACE cxx_std_20)
target_link_options(pixmill_shared PRIVATE "LINKER:--version-script=${symbols}" LINKER:--no-undefined LINKER:--as-needed)
target_link_libraries(pixmill_shared
  PUBLIC OpenCV::core
  PRIVATE OpenCV::imgproc TBB::tbb PkgConfig::JPEG PkgConfig::SPNG PkgConfig::DEFLATE PkgConfig::ZLIB PkgConfig::TIFF
          PkgConfig::WEBP PkgConfig::SECCOMP PkgConfig::XXHASH GIF::GIF fmt::fmt Threads::Threads ${CMAKE_DL_LIBS})

add_library(pixmill_static STATIC ${objects})
set_target_properties(pixmill_static PROPERTIES LINKER_LANGUAGE CXX EXPORT_NAME static OUTPUT_NAME pixmill)
target_include_directories(pixmill_static INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_compile_features(pixmill_static INTERFACE cxx_std_20)
target_link_libraries(pixmill_static INTERFACE OpenCV::core "$<INSTALL_INTERFACE:pixmill::static_dependencies>")

# What a program with the static library links besides, as pkg-config and the linker name it. giflib has no .pc file.
set(static_packages libjpeg spng libdeflate zlib libtiff-4 libwebp libseccomp libxxhash tbb fmt)
string(JOIN " " static_packages ${static_packages})
set(static_flags "-lopencv_imgproc -lgif -pthread")

# --- What finds them ---

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/pixmillConfig.cmake.in" "${made_folder}/pixmillConfig.cmake"
  INSTALL_DESTINATION "${config_folder}" NO_SET_AND_CHECK_MACRO)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
else()
  set(compatibility SameMajorVersion)
endif()
write_basic_package_version_file("${made_folder}/pixmillConfigVersion.cmake" COMPATIBILITY ${compatibility})
# The folder of the .pc file leads to the prefix, so that the tree may be moved.
file(RELATIVE_PATH pc_to_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/pixmill.pc.in" "${made_folder}/pixmill.pc" @ONLY)

# --- Where all that goes; the components are the packages ---

install(TARGETS pixmill RUNTIME COMPONENT tool)
install(TARGETS pixmill_shared EXPORT pixmillTargets
  LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS pixmill_worker RUNTIME DESTINATION "${PIXMILL_WORKER_FOLDER}" COMPONENT library)
install(TARGETS pixmill_static EXPORT pixmillStaticTargets ARCHIVE COMPONENT development)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/pixmill" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT development FILES_MATCHING PATTERN "*.hpp")
foreach(set pixmillTargets pixmillStaticTargets)
  install(EXPORT ${set} NAMESPACE pixmill:: DESTINATION "${config_folder}" COMPONENT development)
endforeach()
install(FILES "${made_folder}/pixmillConfig.cmake" "${made_folder}/pixmillConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/FindOpenCVModules.cmake" "${CMAKE_CURRENT_LIST_DIR}/pixmillPlugin.cmake"
  DESTINATION "${config_folder}" COMPONENT development)
install(FILES "${made_folder}/pixmill.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)

include(PixmillPackages)
