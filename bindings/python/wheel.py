#!/usr/bin/python3
"""Makes the wheel that carries the library, the command, the models and what they link to. usage:
wheel.py INSTALLATION FOLDER DIST   (cmake --install's prefix, a scratch folder, where the wheel goes)

auditwheel would do it, but Debian 12 does not package it. Like there, every library gets a name of its
own (its contents' hash), so that none is mixed up with another version that the process has loaded; that
goes for libgomp too: molrt then has an OpenMP runtime of its own beside numpy's or torch's, which neither
side's settings reach. The C and C++ runtimes and zlib are the system's, as manylinux wants it.
"""
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SYSTEM = re.compile(r"(ld-linux.*|lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s|z))\.so\.\d+")
LICENCES = Path("/usr/share/common-licenses")


def run(*command: object, **environment: str) -> str:
    return subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, **environment}).stdout


def needed(file: Path, beside: Path) -> "dict[str, Path]":
    """All that a file links to, directly or not, but for the system's: {SONAME: path}."""
    found = {}
    for line in run("ldd", file, LD_LIBRARY_PATH=str(beside)).splitlines():
        name, arrow, path = line.strip().partition(" => ")
        if not arrow or SYSTEM.fullmatch(name):
            continue
        if path.startswith("not found"):
            sys.exit(f"wheel.py: {file} needs {name}, which is not on this machine")
        found[name] = Path(path.split(" (")[0]).resolve()
    return found


def own_name(soname: str, path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return soname.replace(".so", f"-{digest}.so", 1)


def relink(file: Path, names: "dict[str, str]") -> None:
    """Makes a copied file look for the others beside it, under their new names."""
    wanted = set(run("patchelf", "--print-needed", file).split())
    for old in sorted(wanted & set(names)):
        run("patchelf", "--replace-needed", old, names[old], file)
    run("patchelf", "--set-rpath", "$ORIGIN", file)


def package_of(library: Path) -> str:
    """Debian's package; its database may know the file below /lib."""
    for path in (library, Path(str(library).replace("/usr/lib/", "/lib/", 1))):
        result = subprocess.run(["dpkg", "-S", str(path)], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)
        if result.returncode == 0:
            return result.stdout.split(":")[0]
    sys.exit(f"wheel.py: {library} is of no package, so its licence is unknown")


def copy_licences(libraries: "list[Path]", folder: Path) -> None:
    """Each library's copyright file, and the licence texts that these refer to."""
    folder.mkdir()
    packages = {}  # by text: those of one source package share it
    for package in sorted({package_of(library) for library in libraries}):
        packages.setdefault(Path(f"/usr/share/doc/{package}/copyright").read_text(), []).append(package)
    for text, names in packages.items():
        (folder / "+".join(names)).write_text(text)
        for name in re.findall(rf"{LICENCES}/([\w.+-]*\w)", text):
            shutil.copy(LICENCES / name, folder / name)


def make_bundle(installation: Path, bundle: Path) -> None:
    bundle.mkdir()
    library = next(installation.rglob("libmolrt.so.*.*.*"))
    soname = run("patchelf", "--print-soname", library).strip()
    command = installation / "bin" / "molrt"
    shutil.copy(library, bundle / soname)
    shutil.copy(command, bundle / "molrt")
    others = {**needed(library, library.parent), **needed(command, library.parent)}
    others.pop(soname)
    names = {old: own_name(old, path) for old, path in others.items()}
    for old, path in others.items():
        copy = bundle / names[old]
        shutil.copy(path, copy)
        copy.chmod(0o755)
        run("patchelf", "--set-soname", names[old], copy)
    for file in [bundle / name for name in (soname, "molrt", *names.values())]:
        relink(file, names)
    shutil.copytree(installation / "share/molrt/models", bundle / "share/molrt/models")
    copy_licences(list(others.values()), bundle / "licences")


def main(installation: Path, folder: Path, dist: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("__pycache__", "wheel.py", "example.py"))
    for name in ("LICENSE", "NOTICE", "README.md"):
        shutil.copy(ROOT / name, folder)
    make_bundle(installation.resolve(), folder / "molrt" / "_bundle")
    # Nothing is fetched: Debian's setuptools and wheel are used.
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
        "--wheel-dir", dist, folder)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
