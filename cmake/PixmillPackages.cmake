# Three Debian packages: the shared library, what programs are built with, and the program.

set(CPACK_PACKAGE_NAME pixmill)
set(CPACK_PACKAGE_VENDOR "The pixmill authors")
set(CPACK_PACKAGE_CONTACT "The pixmill authors <pixmill@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL library development tool)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")

set(library_package "libpixmill${interface_version}")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME "${library_package}")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "The shared library, for programs that use pixmill.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libpixmill-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library_package} (= ${PROJECT_VERSION}), libopencv-core-dev")
# For those who link the static library.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS
  "libopencv-imgproc-dev, libtbb-dev, libjpeg-dev, libgif-dev, libspng-dev, libdeflate-dev, zlib1g-dev, libtiff-dev, libwebp-dev, libxxhash-dev, libseccomp-dev, libfmt-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Headers, the static library, and files for CMake and pkg-config.")

set(CPACK_DEBIAN_TOOL_PACKAGE_NAME pixmill)
set(CPACK_DEBIAN_TOOL_PACKAGE_SECTION graphics)
set(CPACK_COMPONENT_TOOL_DESCRIPTION "The program: whole folders of images from the command line.")

# Debian's place for the licence, a folder a package.
foreach(component LIBRARY DEVELOPMENT TOOL)
  string(TOLOWER ${component} name)
  install(FILES "${CPACK_RESOURCE_FILE_LICENSE}" DESTINATION "share/doc/${CPACK_DEBIAN_${component}_PACKAGE_NAME}"
    RENAME copyright COMPONENT ${name})
endforeach()

# Packing builds nothing that is not packed.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
include(CPack)
