# OpenCV's core and imgproc as OpenCV::core and OpenCV::imgproc.
#
# Debian ships OpenCV's own CMake files only in libopencv-dev, which installs every module and their hundreds of
# dependencies; the two -dev packages that we need have none. So: the headers and the two libraries, looked up by name.

include(FindPackageHandleStandardArgs)
find_path(OpenCVModules_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
find_library(OpenCVModules_core_LIBRARY opencv_core)
find_library(OpenCVModules_imgproc_LIBRARY opencv_imgproc)
if(OpenCVModules_INCLUDE_DIR)
  file(STRINGS "${OpenCVModules_INCLUDE_DIR}/opencv2/core/version.hpp" lines REGEX "#define CV_VERSION_(MAJOR|MINOR|REVISION) ")
  string(REGEX REPLACE "[^0-9]+([0-9]+)[^0-9]+([0-9]+)[^0-9]+([0-9]+).*" "\\1.\\2.\\3" OpenCVModules_VERSION "${lines}")
endif()
find_package_handle_standard_args(OpenCVModules
  REQUIRED_VARS OpenCVModules_core_LIBRARY OpenCVModules_imgproc_LIBRARY OpenCVModules_INCLUDE_DIR
  VERSION_VAR OpenCVModules_VERSION)
if(OpenCVModules_FOUND AND NOT TARGET OpenCV::core)
  foreach(module core imgproc)
    add_library(OpenCV::${module} UNKNOWN IMPORTED)
    set_target_properties(OpenCV::${module} PROPERTIES
      IMPORTED_LOCATION "${OpenCVModules_${module}_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${OpenCVModules_INCLUDE_DIR}")
  endforeach()
  target_link_libraries(OpenCV::imgproc INTERFACE OpenCV::core)
endif()
mark_as_advanced(OpenCVModules_INCLUDE_DIR OpenCVModules_core_LIBRARY OpenCVModules_imgproc_LIBRARY)
