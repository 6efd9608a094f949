"""What pyproject.toml cannot say: with the library inside (./dev wheel), a wheel is this machine's, for any
Python 3; without it, a plain one that finds libmolrt on the system."""
import os
import platform
from pathlib import Path

from setuptools import Distribution, setup
from wheel.bdist_wheel import bdist_wheel


class Package(Distribution):
    def has_ext_modules(self):
        return (Path(__file__).parent / "molrt" / "_bundle").is_dir()


class Wheel(bdist_wheel):
    def get_tag(self):
        if self.root_is_pure:
            return "py3", "none", "any"
        glibc = os.confstr("CS_GNU_LIBC_VERSION").split()[1].replace(".", "_")
        return "py3", "none", f"manylinux_{glibc}_{platform.machine()}"


setup(distclass=Package, cmdclass={"bdist_wheel": Wheel})
