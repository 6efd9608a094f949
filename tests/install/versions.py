#!/usr/bin/python3
"""CMakeLists.txt has the version; everything else that must name it agrees. usage: versions.py VERSION"""
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[2]
version = sys.argv[1]
major, minor, patch = version.split(".")
WANTED = {
    "include/molrt.h": [f"#define MOLRT_VERSION_MAJOR {major}\n", f"#define MOLRT_VERSION_MINOR {minor}\n",
                        f"#define MOLRT_VERSION_PATCH {patch}\n"],
    "include/molrt.hpp": [f"inline namespace v{major}_{minor} {{"],
    "src/api/molrt.map": [f"MOLRT_{major}.{minor} {{"],
    "bindings/python/pyproject.toml": [f'version = "{version}"\n'],
    "bindings/python/molrt/_library.py": [f"_VERSION = ({major}, {minor}) "],
    "tests/install/consumer/CMakeLists.txt": [f"find_package(molrt {major}.{minor} REQUIRED)"],
    "dev": [f" tests/abi/libmolrt-{major}.{minor}.abi"],
    f"tests/abi/libmolrt-{major}.{minor}.abi": [f"soname='libmolrt.so.{major}.{minor}'"],
}
wrong = [f"{path}: no {line.strip()!r}" for path, lines in WANTED.items() for line in lines
         if not (root / path).is_file() or line not in (root / path).read_text()]
sys.exit("\n".join(wrong) or 0)
