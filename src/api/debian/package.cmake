# The Debian packages, made by CPack (./dev package): molrt, with the command, the library and its headers
# (one package, since `apt install ./molrt_*.deb` takes one file), and python3-molrt.
set(CMAKE_SKIP_INSTALL_RPATH ON CACHE BOOL "The loader finds what lies below /usr" FORCE)
string(TIMESTAMP changelog_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(maintainer "The molrt authors <maintainers@molrt.invalid>")
set(debian_version ${PROJECT_VERSION}-1)

# Debian's own names for the licence and the changes.
file(CONFIGURE OUTPUT debian/changelog @ONLY CONTENT
"molrt (@debian_version@) unstable; urgency=medium

  * Built by CPack from the sources of @PROJECT_VERSION@.

 -- @maintainer@  @changelog_date@
")
execute_process(COMMAND gzip -9nc ${CMAKE_BINARY_DIR}/debian/changelog
                OUTPUT_FILE ${CMAKE_BINARY_DIR}/debian/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)
foreach(component Unspecified python)
  set(doc ${CMAKE_INSTALL_DOCDIR})
  if(component STREQUAL python)
    set(doc ${CMAKE_INSTALL_DATADIR}/doc/python3-molrt)
  endif()
  install(FILES ${CMAKE_BINARY_DIR}/debian/changelog.Debian.gz DESTINATION ${doc}
          COMPONENT ${component})
  install(FILES LICENSE DESTINATION ${doc} COMPONENT ${component} RENAME copyright)
endforeach()
install(FILES bindings/c/predict.c bindings/cpp/predict.cpp
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES bindings/python/example.py COMPONENT python
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/python3-molrt/examples)
install(DIRECTORY bindings/python/molrt COMPONENT python
        DESTINATION lib/python3/dist-packages PATTERN __pycache__ EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_SOURCE_DIR}/dist)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_VERSION ${debian_version})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${maintainer})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "runtime for molecule property models")
set(about "molrt opens Uni-Mol weights, builds 3D conformers with RDKit, predicts
properties of molecules and fits models to measured values, on CPUs.")

set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_NAME molrt)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_SECTION science)
set(CPACK_DEBIAN_UNSPECIFIED_DESCRIPTION "${about}
This package has the command, and the library with its C and C++ headers.")
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_SHLIBDEPS ON)  # Depends: what the binaries link to
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/src/api/debian/triggers)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)        # and what others' binaries will need of this one
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")

set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-molrt)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
    "molrt (>= ${PROJECT_VERSION}), python3 (>= 3.9), python3-numpy")
set(CPACK_DEBIAN_PYTHON_DESCRIPTION "${about}
This package has its module for Python.")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/src/api/debian/postinst
    ${CMAKE_SOURCE_DIR}/src/api/debian/prerm)
include(CPack)
