# RDKit's C++ libraries. Debian's librdkit-dev ships no CMake package, so this looks for what molrt
# calls; RDKIT_ROOT points elsewhere. Defines the target RDKitCpp.
find_path(RDKitCpp_INCLUDE_DIR NAMES GraphMol/RWMol.h
          HINTS ${RDKIT_ROOT} $ENV{RDKIT_ROOT} PATH_SUFFIXES rdkit include/rdkit)
set(RDKitCpp_LIBRARIES)
foreach(name ChemTransforms SmilesParse DistGeomHelpers ForceFieldHelpers ForceField Depictor
             MolDraw2D FileParsers Descriptors Fingerprints SubstructMatch GraphMol RDGeometryLib RDGeneral)
  find_library(RDKitCpp_${name} NAMES RDKit${name} HINTS ${RDKIT_ROOT} $ENV{RDKIT_ROOT}
               PATH_SUFFIXES lib)
  mark_as_advanced(RDKitCpp_${name})
  list(APPEND RDKitCpp_LIBRARIES RDKitCpp_${name})
endforeach()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(RDKitCpp REQUIRED_VARS RDKitCpp_INCLUDE_DIR ${RDKitCpp_LIBRARIES})
find_package(Boost REQUIRED)
if(RDKitCpp_FOUND AND NOT TARGET RDKitCpp)
  add_library(RDKitCpp INTERFACE IMPORTED)
  target_include_directories(RDKitCpp SYSTEM INTERFACE ${RDKitCpp_INCLUDE_DIR})
  foreach(variable ${RDKitCpp_LIBRARIES})
    target_link_libraries(RDKitCpp INTERFACE ${${variable}})
  endforeach()
  target_link_libraries(RDKitCpp INTERFACE Boost::headers)
  # Boost 1.74 (Debian 12) casts beyond an enumeration's values, which is an error from clang 16 on.
  set(clang16 $<AND:$<CXX_COMPILER_ID:Clang>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,16>>)
  target_compile_options(RDKitCpp INTERFACE $<${clang16}:-Wno-enum-constexpr-conversion>)
endif()
