# oneDNN by its header and library: the CMake package of Debian 12 (2.6.3) demands OpenCL's headers,
# which molrt does not use. ONEDNN_ROOT points elsewhere. Defines the target OneDNN.
find_path(OneDNN_INCLUDE_DIR NAMES oneapi/dnnl/dnnl.hpp HINTS ${ONEDNN_ROOT} $ENV{ONEDNN_ROOT}
          PATH_SUFFIXES include)
find_library(OneDNN_LIBRARY NAMES dnnl HINTS ${ONEDNN_ROOT} $ENV{ONEDNN_ROOT} PATH_SUFFIXES lib)
mark_as_advanced(OneDNN_INCLUDE_DIR OneDNN_LIBRARY)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OneDNN REQUIRED_VARS OneDNN_LIBRARY OneDNN_INCLUDE_DIR)
if(OneDNN_FOUND AND NOT TARGET OneDNN)
  add_library(OneDNN INTERFACE IMPORTED)
  target_include_directories(OneDNN SYSTEM INTERFACE ${OneDNN_INCLUDE_DIR})
  target_link_libraries(OneDNN INTERFACE ${OneDNN_LIBRARY})
endif()
