"""diff.py lets through what molrt.h promises, and nothing else."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
DUMP = Path(os.environ["MOLRT_ABI_DUMP"]).read_text()
pytestmark = pytest.mark.skipif(not shutil.which("abidiff"), reason="abigail-tools is missing")

FIELD = """      <data-member access='public' layout-offset-in-bits='{}'>
        <var-decl name='{}' type-id='{}' visibility='default'/>
      </data-member>
"""


def find(pattern):
    return re.search(pattern, DUMP, re.S)[0]


def type_id(name):
    return re.search(rf"-decl name='{name}'[^>]* id='([^']*)'", DUMP)[1]


ROW = find(r" *<class-decl name='molrt_row' .*?</class-decl>\n")
SIZE = int(re.search(r"size-in-bits='(\d+)'", ROW)[1])
CLEAR = find(r" *<function-decl name='molrt_batch_clear' .*?</function-decl>\n")
SYMBOL = find(r" *<elf-symbol name='molrt_batch_clear' [^\n]*\n")


def with_field(offset, struct=ROW, size=SIZE + 64):
    grown = struct.replace(f"size-in-bits='{SIZE}'", f"size-in-bits='{size}'")
    field = FIELD.format(offset, "fresh", type_id("int32_t"))
    return grown.replace("    </class-decl>", field + "    </class-decl>")


def with_field_type(name, new):
    return re.sub(rf"(name='{name}' type-id=)'[^']*'", rf"\1'{type_id(new)}'", ROW)


def verdict(tmp_path, old, new):
    (tmp_path / "old.abi").write_text(old)
    (tmp_path / "new.abi").write_text(new)
    result = subprocess.run([sys.executable, HERE / "diff.py", "old.abi", "new.abi"], cwd=tmp_path,
                            capture_output=True, text=True)
    assert not result.stderr
    return result.returncode, result.stdout


def changed(tmp_path, struct):
    assert struct != ROW
    return verdict(tmp_path, DUMP, DUMP.replace(ROW, struct))


def test_the_same(tmp_path):
    assert verdict(tmp_path, DUMP, DUMP)[0] == 0


def test_an_added_function_passes_and_is_shown(tmp_path):
    code, text = verdict(tmp_path, DUMP.replace(CLEAR, "").replace(SYMBOL, ""), DUMP)
    assert code == 0 and "[A] 'function int32_t molrt_batch_clear(molrt_batch*)'" in text


def test_a_field_behind_the_end_passes_and_is_shown(tmp_path):
    code, text = changed(tmp_path, with_field(SIZE))
    assert code == 0 and f"'int32_t fresh', at offset {SIZE}" in text


def test_a_removed_function(tmp_path):
    code, text = verdict(tmp_path, DUMP, DUMP.replace(CLEAR, "").replace(SYMBOL, ""))
    assert code == 1 and "[D] 'function int32_t molrt_batch_clear" in text


@pytest.mark.parametrize("tag, other", [("return", "float"), ("parameter", "size_t")])
def test_a_changed_function(tmp_path, tag, other):
    function = re.sub(rf"<{tag} type-id='[^']*'", f"<{tag} type-id='{type_id(other)}'", CLEAR)
    assert verdict(tmp_path, DUMP, DUMP.replace(CLEAR, function))[0] == 1


@pytest.mark.parametrize("struct", [
    with_field(SIZE - 16, size=SIZE),  # where padding was
    with_field_type("flags", "int32_t"),
    with_field_type("flags", "float"),
    with_field(SIZE, with_field_type("flags", "float")),
    ROW.replace("'status'", "'x'").replace("'source'", "'status'").replace("'x'", "'source'"),
    ROW.replace("'status'", "'state'"),
    re.sub(r" *<data-member(?:(?!<data-member).)*?'flags'.*?</data-member>\n", "", ROW, flags=re.S),
], ids=["padding", "sign", "type", "type and appended", "swapped", "renamed", "removed"])
def test_a_changed_struct(tmp_path, struct):
    assert changed(tmp_path, struct)[0] == 1


def test_a_broken_dump(tmp_path):
    assert verdict(tmp_path, DUMP, DUMP[:len(DUMP) // 2])[0] == 1
