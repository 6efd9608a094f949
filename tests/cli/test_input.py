"""Every kind of input file: what comes in comes out, and what is broken is named."""
import gzip
import json
import subprocess
import time

import numpy
import pytest

from conftest import BIN, LINEAR, molrt, rows

TABLE = "id,smiles\na,CCO\nb,CC\n"


def predict(path, *words, code=0, **keywords):
    return molrt("predict", "-m", LINEAR, path, *words, "-q", code=code, **keywords)[0]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    path = tmp_path_factory.mktemp("expected") / "in.csv"
    path.write_text(TABLE)
    return rows(predict(path))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_are_found(table, expected, delimiter, end):
    content = TABLE.replace(",", delimiter).replace("\n", end)
    assert rows(predict(table(content))) == expected
    assert rows(predict("-", input=content.encode())) == expected
    name = {",": "comma", ";": "semicolon", "\t": "tab"}[delimiter]
    assert rows(predict(table(content), "--delimiter", name)) == expected


def test_extensions(table, expected):
    content = TABLE.replace(",", "\t")
    for name in "in.tsv", "in.TAB":
        assert rows(predict(table(content, name))) == expected
    assert rows(predict(table(content, "in.odd"), "--input-format", "tsv")) == expected


@pytest.mark.parametrize("name", ["in.csv.gz", "in.csv", "in.tab.gz"])
def test_gzip_by_its_first_bytes(table, expected, name):
    text = TABLE.replace(",", "\t") if "tab" in name else TABLE
    packed = gzip.compress(text[:12].encode()) + gzip.compress(text[12:].encode())
    path = table(packed, name)
    assert rows(predict(path)) == expected
    if "tab" not in name:
        assert rows(predict("-", input=packed)) == expected
    log = molrt("predict", "-m", LINEAR, table(packed[:-3], name), code=3)[1]
    assert name in log and "truncated" in log and "bytes of text" in log


def test_encodings(table, expected):
    for encoding in "utf-16", "utf-16-be", "utf-32", "utf-8-sig":
        mark = "\ufeff" if encoding == "utf-16-be" else ""
        assert rows(predict(table((mark + TABLE).encode(encoding)))) == expected
    latin = "id,smiles\né,CCO\nb,CC\n".encode("latin-1")
    out = subprocess.run([BIN, "predict", "-m", LINEAR, table(latin)], capture_output=True, check=True)
    assert out.stdout.splitlines()[1].startswith(b"\xe9,CCO,")
    assert out.stderr.count(b"line 2 is not UTF-8") == 1 and b"--encoding" in out.stderr
    assert rows(predict(table(latin), "--encoding", "latin1"))[1][0] == "é"
    log = molrt("predict", "-m", LINEAR, table(latin), "--encoding", "klingon", code=2)[1]
    assert "klingon" in log and "cp1252" in log
    assert "byte 11" in molrt("predict", "-m", LINEAR, table(latin), "--encoding", "utf-8", code=3)[1]


def test_json_is_utf8_whatever_the_table_holds(table):
    path = table(b"smiles\nC\xe9\n")
    done = subprocess.run([BIN, "predict", "-m", LINEAR, path, "--json"], capture_output=True, check=True)
    json.loads(done.stderr.decode("utf-8").splitlines()[-1])


def test_decimal_comma(table, model):
    path = table("smiles;y\nCCO;1,5\nCC;+2,25e0\nC;\n")
    text, log = molrt("predict", "-m", model, path, "--decimal-comma", "--json")
    found = [line.split(";") for line in text.splitlines()]
    assert found[0][:3] == ["smiles", "y", "y_pred"] and found[1][:2] == ["CCO", "1,5"]
    assert "," in found[1][2] and "." not in found[1][2]
    assert json.loads(log.splitlines()[-1])["metrics"]["y"]["n"] == 2
    plain = molrt("predict", "-m", model, table("smiles\nCCO\n", "plain.csv"), "-q")[0].splitlines()[1].split(",")
    assert found[1][2].replace(",", ".") == plain[1]
    tsv = molrt("predict", "-m", model, path, "--decimal-comma", "--format", "tsv", "-q")[0]
    assert tsv == text.replace(";", "\t")


def test_training_with_decimal_comma(table, tmp_path):
    content = "smiles\ty\n" + "".join(f"{'C' * i}\t{i / 4}\n" for i in range(1, 13))
    models = [tmp_path / name for name in ("point", "comma")]
    for path, text, words in (models[0], content, []), (models[1], content.replace(".", ","), ["--decimal-comma"]):
        molrt("finetune", "-w", LINEAR, table(text), "-t", "y", "-o", path, "--epochs", 2, "-q", *words)
    predictions = [molrt("predict", "-m", m, table("smiles\nCCO\n", "test.csv"), "-q")[0] for m in models]
    assert predictions[0] == predictions[1]
    assert "'0.25' is no number" in molrt("finetune", "-w", LINEAR, table(content), "-t", "y", "-o",
                                          models[0], "--decimal-comma", code=3)[1]


def test_columns_of_one_name(table, model, tmp_path):
    path = table("x,smiles,x,smiles\n1,C,2,CC\n")
    log = molrt("predict", "-m", LINEAR, path, "--smiles", "smiles", code=2)[1]
    assert "the columns 2 and 4 are both named 'smiles'" in log and "'#4'" in log
    found = rows(predict(path, "--smiles", "#4"))
    assert found[0][:5] == ["x", "smiles", "x", "smiles", "target_pred"]
    assert found[1][:4] == ["1", "C", "2", "CC"]
    assert found[1][4:] == rows(predict(table("smiles\nCC\n")))[1][1:]
    assert "no column '#5'" in molrt("predict", "-m", LINEAR, path, "--smiles", "#5", code=2)[1]
    train = table("smiles,y,y\n" + "".join(f"{'C' * i},{i},{2 * i}\n" for i in range(1, 13)))
    assert "columns 2 and 3 are both named 'y'" in molrt(
        "finetune", "-w", LINEAR, train, "-t", "y", "-o", tmp_path / "m", code=2)[1]
    molrt("finetune", "-w", LINEAR, train, "-t", "#3", "-o", tmp_path / "m", "--epochs", 1, "-q")
    assert rows(molrt("predict", "-m", tmp_path / "m", table("smiles\nC\n"), "-q")[0])[0][1] == "y_pred"


def test_bad_rows_cost_themselves_only(table, tmp_path):
    content = 'id,smiles\n1,CCO\n2,CC,x\n3,"C\n4,C\n5,CC\n'
    text, log = molrt("predict", "-m", LINEAR, table(content), "--json")
    found = rows(text)
    assert [r[0] for r in found[1:]] == ["1", "2", "3", "4", "5"]
    assert [r[4] for r in found[1:]] == ["etkdg_mmff", "bad_row", "bad_row", "etkdg_mmff", "etkdg_mmff"]
    assert found[2][2:4] == ["", ""]
    assert "row 2 (line 3): bad_row: has 3 fields, but the header has 2 columns" in log
    assert "row 3 (line 4): bad_row: has a quote that is not closed" in log
    assert json.loads(log.splitlines()[-1])["status"]["bad_row"] == 2
    train = "smiles,y\n" + "".join(f"{'C' * i},{i}\n" for i in range(1, 13)) + "C,1,2\n"
    log = molrt("finetune", "-w", LINEAR, table(train), "-t", "y", "-o", tmp_path / "m", "--epochs", 1)[1]
    assert "13 rows" in log and "bad_row 1" in log


def test_smi(table, expected):
    content = "CCO  ethanol, pure\nCC\n"
    found = rows(predict(table(content, "in.smi")))
    assert [r[:2] for r in found] == [["smiles", "name"], ["CCO", "ethanol, pure"], ["CC", ""]]
    assert [r[2:] for r in found[1:]] == [r[2:] for r in expected[1:]]
    for path, words, data in ((table("smiles id\n" + content, "in.smiles"), [], None),
                              (table(gzip.compress(content.encode()), "in.smi.gz"), [], None),
                              ("-", ["--input-format", "smi"], content.encode())):
        assert rows(predict(path, *words, input=data)) == found
    assert "--delimiter" in molrt("predict", "-m", LINEAR, table(content, "in.smi"), "--delimiter", "tab",
                                  code=2)[1]


ETHANOL = """%s
     made by hand

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.5000    0.0000    0.0000 C   0  0
    2.2000    1.2000    %.4f O   0  0
  1  2  1  0
  2  3  1  0
M  END
"""
SDF = (ETHANOL % ("first", 0.3) + ">  <y>  (1)\n1.5\n\n> <two lines>\na\nb\n\n$$$$\n"
       + ETHANOL % ("flat", 0) + "> <z>\n7\n\n$$$$\n"
       + "\n".join((ETHANOL % ("broken", 1)).split("\n")[:6]) + "\n$$$$\n$$$$\n"
       + ETHANOL % ("last", 0.3))


def test_sdf(table, tmp_path):
    text, log = molrt("predict", "-m", LINEAR, table(SDF, "in.sdf"))
    found = rows(text)
    assert found[0] == ["name", "y", "two lines", "z", "smiles", "target_pred", "target_std", "status", "flags"]
    assert [r[4] for r in found[1:]] == ["CCO", "CCO", "", "", "CCO"]
    assert [r[0] for r in found[1:]] == ["first", "flat", "broken", "", "last"]
    assert found[1][1:4] == ["1.5", "a\nb", ""] and found[2][1:4] == ["", "", "7"]
    status = [r[-2] for r in found[1:]]
    assert status[0] == status[4] == "given" and status[1] == "etkdg_mmff"
    assert status[2] == "invalid_mol_block" and status[3] == "empty"
    assert "row 3 (line" in log
    for path, words, data in ((table(gzip.compress(SDF.encode()), "in.sdf.gz"), [], None),
                              (table(SDF.replace("\n", "\r\n"), "in.odd"), [], None),
                              ("-", [], SDF.encode()), ("-", ["--input-format", "sdf"], gzip.compress(SDF.encode()))):
        assert rows(predict(path, *words, input=data)) == found
    assert "MOL blocks" in molrt("predict", "-m", LINEAR, table(SDF, "in.sdf"), "--smiles", "y", code=2)[1]


def test_sdf_that_arrives_slowly_in_a_pipe():
    title = "long" * 2000
    text = SDF.replace("first", title, 1).encode()
    with subprocess.Popen([BIN, "predict", "-m", LINEAR, "-", "-q"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as running:
        for part in text[:1], text[1:9000], text[9000:]:
            running.stdin.write(part)
            running.stdin.flush()
            time.sleep(0.2)
        running.stdin.close()
        found = rows(running.stdout.read().decode())
    assert [r[0] for r in found] == ["name", title, "flat", "broken", "", "last"]


def test_texts_longer_than_most(table):
    text = molrt("conformers", table("smiles\nC\n%s\n" % (40 * "C")), "-o", "-", "--format", "sdf", "-q")[0]
    short, long, end = text.split("$$$$\n")
    assert len(long) > 4096 > len(short) and end == "" and "\0" not in text
    assert long.splitlines()[3].startswith("122121")  # its atoms and bonds
    assert rows(predict("-", input=text.encode()))[2][1] == 40 * "C"


def test_training_on_sdf(table, tmp_path):
    def record(i):
        return ETHANOL % (f"m{i}", 0.1 * i) + f"> <y>\n{i}\n\n$$$$\n"
    path = table("".join(map(record, range(1, 13))), "train.sdf")
    out, _ = molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", "--epochs", 2, "--json", "-q",
                   "--valid-fraction", 0)  # one molecule cannot be on two sides
    assert json.loads(out)["molecules"]["status"] == {"given": 12}


def test_an_input_that_changes_while_it_is_read(table, tmp_path):
    path = table("i,smiles\n" + "".join(f"{i},C\n" for i in range(300000)))
    with subprocess.Popen([BIN, "predict", "-m", LINEAR, path, "-o", tmp_path / "o.csv"],
                          stderr=subprocess.PIPE) as running:
        while not (tmp_path / "o.csv.partial.json").exists():  # the rows were counted
            assert running.poll() is None
        with open(path, "r+b") as file:
            file.truncate(1 << 19)
        assert running.wait() == 1
        log = running.stderr.read().decode()
    assert str(path) in log and "changed while it was read: it had 300000 rows" in log


def test_npy_to_a_pipe_begins_early(table):
    path = table("i,smiles\n" + "".join(f"{i},C\n" for i in range(20000)))
    with subprocess.Popen([BIN, "predict", "-m", LINEAR, path, "--format", "npy", "-q"],
                          stdout=subprocess.PIPE) as running:
        assert b"(20000, 1)" in running.stdout.read(128)
        assert len(running.stdout.read()) == 80000
