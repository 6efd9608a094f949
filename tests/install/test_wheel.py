"""The wheel made of the staged installation, installed somewhere else."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGE = Path(os.environ["MOLRT_STAGE"])
MISSING = [tool for tool in ("patchelf", "ldd") if not shutil.which(tool)] + \
          [module for module in ("pip", "setuptools", "wheel") if not importlib.util.find_spec(module)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} missing; see ./dev wheel")


def run(*command, **environment):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                            env={"PATH": os.environ["PATH"], **environment})
    assert result.returncode == 0, result.stderr
    return result.stdout


def pip(*arguments):
    return run(sys.executable, "-m", "pip", "--quiet", *arguments, PIP_NO_INDEX="1",
               PIP_ROOT_USER_ACTION="ignore")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, ROOT / "bindings/python/wheel.py", STAGE, folder / "scratch", folder / "dist")
    [made] = (folder / "dist").iterdir()
    return made


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Where pip put it; its libraries are elsewhere than when they were linked."""
    target = tmp_path_factory.mktemp("site")
    pip("install", "--no-deps", "--target", target, wheel)
    return target


def test_its_name_says_where_it_runs(wheel):
    glibc = os.confstr("CS_GNU_LIBC_VERSION").split()[1].replace(".", "_")
    assert re.fullmatch(rf"molrt-[\d.]+-py3-none-manylinux_{glibc}_\w+\.whl", wheel.name)


def test_it_predicts_with_its_own_libraries_alone(installed):
    code = """if True:
        import sys, molrt
        print(*molrt.load(sys.argv[1]).predict(["CCO", "junk"]).status)
        print(*{line.split()[5] for line in open("/proc/self/maps") if ".so" in line})"""
    model = ROOT / "tests/golden/data/molecule_linear.pth"
    statuses, libraries = run(sys.executable, "-c", code, model, PYTHONPATH=str(installed)).splitlines()
    assert statuses == "etkdg_mmff invalid_smiles"
    ours = [path for path in libraries.split() if re.search(r"molrt|RDKit|dnnl|gomp-|fmt|hwy|sqlite|libcsv", path)]
    assert any("gomp-" in path for path in ours)  # numpy's BLAS may have brought the system's
    assert len(ours) > 10
    assert not [path for path in ours if not path.startswith(str(installed))]


def test_the_shipped_models_are_inside(installed):
    code = """if True:
        import molrt
        print(*(molrt.load(name).info["kernel"] for name in ("molecule", "oled")))"""
    assert run(sys.executable, "-c", code, PYTHONPATH=str(installed)).split() == ["gaussian", "linear"]


def test_the_command(installed):
    text = run(installed / "bin/molrt", "--version", PYTHONPATH=str(installed))
    assert text.startswith("molrt ")
    assert run(sys.executable, "-m", "molrt", "--version", PYTHONPATH=str(installed)) == text


def test_every_library_has_its_licence(installed):
    bundle = installed / "molrt/_bundle"
    packages = {name for file in (bundle / "licences").iterdir() for name in file.name.split("+")}
    assert {"librdkit1", "libdnnl2", "libgomp1", "libfmt9", "libsqlite3-0", "GPL-3"} <= packages
    assert len(list(bundle.glob("*.so*"))) > 10


def test_without_the_library_it_is_a_plain_wheel(tmp_path):
    shutil.copytree(ROOT / "bindings/python", tmp_path / "source")
    for name in ("LICENSE", "NOTICE", "README.md"):
        shutil.copy(ROOT / name, tmp_path / "source")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, tmp_path / "source")
    assert len(list(tmp_path.glob("molrt-*-py3-none-any.whl"))) == 1
