"""What pyproject.toml cannot say: with the library inside (./dev wheel), a wheel is this machine's, for any
Python 3; without it, a plain one that finds libmolrt on the system."""
import os
import platform
from pathlib import Path

from setuptools import setup
from wheel.bdist_wheel import bdist_wheel


class Wheel(bdist_wheel):
    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = not (Path(__file__).parent / "molrt" / "_bundle").is_dir()

    def get_tag(self):
        if self.root_is_pure:
            return "py3", "none", "any"
        glibc = os.confstr("CS_GNU_LIBC_VERSION").split()[1].replace(".", "_")
        return "py3", "none", f"manylinux_{glibc}_{platform.machine()}"


setup(cmdclass={"bdist_wheel": Wheel})
