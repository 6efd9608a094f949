# The Debian package, made by CPack (./dev package): one package for the command, the library, its
# headers and the Python module, since `apt install ./molrt_*.deb` takes one file.
set(CMAKE_SKIP_INSTALL_RPATH ON CACHE BOOL "The loader finds what lies below /usr" FORCE)
string(TIMESTAMP changelog_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(maintainer "The molrt authors <maintainers@molrt.invalid>")
set(revision 1)

# copyright and changelog.Debian.gz are Debian's, and where Debian wants them.
file(READ LICENSE licence)
file(READ NOTICE notice)
file(CONFIGURE OUTPUT debian/copyright CONTENT "@licence@\n@notice@" @ONLY)
file(CONFIGURE OUTPUT debian/changelog @ONLY CONTENT
"molrt (@PROJECT_VERSION@-@revision@) unstable; urgency=medium

  * Built by CPack from the sources of @PROJECT_VERSION@.

 -- @maintainer@  @changelog_date@
")
execute_process(COMMAND gzip -9nc ${CMAKE_BINARY_DIR}/debian/changelog
                OUTPUT_FILE ${CMAKE_BINARY_DIR}/debian/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)
install(FILES ${CMAKE_BINARY_DIR}/debian/copyright ${CMAKE_BINARY_DIR}/debian/changelog.Debian.gz
        TYPE DOC)
install(FILES bindings/c/predict.c bindings/cpp/predict.cpp bindings/python/example.py
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(DIRECTORY bindings/python/molrt DESTINATION lib/python3/dist-packages
        PATTERN __pycache__ EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_SOURCE_DIR}/dist)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${revision})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${maintainer})
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "${PROJECT_DESCRIPTION}
 molrt opens Uni-Mol weights, builds 3D conformers with RDKit, predicts
 properties of molecules and fits models to measured values, on CPUs.
 .
 This package has the command, the library with its C and C++ headers, and
 the module for Python.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)          # Depends: what the binaries link to
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)    # and what others' binaries will need of this one
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS python3-numpy)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/src/api/debian/postinst
    ${CMAKE_SOURCE_DIR}/src/api/debian/prerm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
