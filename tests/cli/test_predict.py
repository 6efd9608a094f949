"""molrt predict: every input row comes out, with its own columns unchanged."""
import io
import json
import os
import pathlib
import subprocess

import numpy
import pytest

from conftest import BIN, LINEAR, OLED, POOLER, SMILES, molrt, rows

GOOD = ["CCO", "c1ccccc1", "CC(=O)O"]
BAD = {"": "empty", "not a molecule": "invalid_smiles", "C1CC": "invalid_smiles"}


def test_columns_are_appended(model, table):
    text, _ = molrt("predict", "--model", model, table("name,smiles\na,CCO\n"))
    header, row = rows(text)
    assert header == ["name", "smiles", "y_pred", "y_std", "y_error", "y_low", "y_high",
                      "second y_pred", "second y_std", "second y_error", "second y_low",
                      "second y_high", "status", "flags"]
    assert row[:2] == ["a", "CCO"]
    assert all(numpy.isfinite(float(cell)) for cell in row[2:12])
    assert row[12:] == ["etkdg_mmff", ""]


def test_own_columns_come_out_byte_for_byte(table):
    fields = [" 1.50 ", "é\u200b", 'say "x"', "a,b", "line\r\nbreak", "\ttab", "007", "1e5"]
    quoted = ['"%s"' % f.replace('"', '""') for f in fields]
    names = [f"c{i}" for i in range(len(fields))]
    for end in "\n", "\r\n":
        content = "\ufeff" + ",".join(["smiles", *names]) + end + ",".join([" CCO ", *quoted]) + end
        text, _ = molrt("predict", "--model", LINEAR, table(content), "-q")
        header, row = rows(text)
        assert header[:9] == ["smiles", *names]
        assert row[:9] == [" CCO ", *fields]
        assert row[-2] == "etkdg_mmff"


def test_a_name_already_taken_gets_a_number(table):
    header = "smiles,target_pred,status,target_pred_2,flags,status_2"
    text, _ = molrt("predict", "--model", LINEAR, table(header + "\nC,1,2,3,4,5\n"), "-q")
    assert rows(text)[0] == header.split(",") + ["target_pred_3", "target_std", "status_3", "flags_2"]


def test_bad_rows_do_not_touch_good_ones(table):
    clean = {s: r for s, r in zip(GOOD, rows(molrt(
        "predict", "--model", LINEAR, table("id,smiles\n" + "".join(f"0,{s}\n" for s in GOOD)),
        "-q")[0])[1:])}
    mixed = ["", "CCO", "not a molecule", "c1ccccc1", "CCO", "C1CC", "CC(=O)O", ""]
    text, log = molrt("predict", "--model", LINEAR,
                      table("id,smiles\n" + "".join(f"0,{s}\n" for s in mixed)))
    result = rows(text)[1:]
    assert [r[1] for r in result] == mixed
    for smiles, row in zip(mixed, result):
        if smiles in BAD:
            assert row[2:] == ["", "", BAD[smiles], ""]
        else:
            assert row == clean[smiles]
    assert "4 failed" in log and "row 3 (line 4): invalid_smiles: " in log
    assert log.count("not a molecule") == 1


def test_elements_hydrogens_and_size(table):
    smiles = ["*C", "[Xe]", "[H][H]", "C" * 90, "C"]
    path = table("smiles\n" + "\n".join(smiles) + "\n")
    found = [r[-2:] for r in rows(molrt("predict", "-m", LINEAR, path, "--max-atoms", 200, "-q")[0])[1:]]
    assert found[0][1] == found[1][1] == "unknown_element"
    assert found[2][0] != "no_atoms"
    assert found[3] == ["too_large", ""]
    assert found[4] == ["etkdg_mmff", ""]
    cropped = rows(molrt("predict", "-m", LINEAR, path, "--max-atoms", 200, "--crop", "-q")[0])[1:]
    assert "cropped" in cropped[3][-1].split(";") and cropped[3][1] != ""
    assert cropped[4][1] == rows(molrt("predict", "-m", LINEAR, path, "-q")[0])[5][1]
    without_hydrogens = rows(molrt("predict", "-m", OLED, path, "-q")[0])[1:]
    assert without_hydrogens[2][-2] == "no_atoms"


def test_one_column_and_blank_lines(table):
    text, _ = molrt("predict", "--model", LINEAR, table("anything\nCCO\n\nC\n\n"), "-q")
    assert [(r[0], r[-2]) for r in rows(text)[1:]] == [
        ("CCO", "etkdg_mmff"), ("", "empty"), ("C", "etkdg_mmff")]
    text, _ = molrt("predict", "--model", LINEAR, table("a,smiles\n1,CCO\n\n2,C\n\n"), "-q")
    assert [r[0] for r in rows(text)[1:]] == ["1", "2"]


@pytest.mark.parametrize("header, warned", [("CCO", True), ("smi", False), ("anything", False)])
def test_a_header_that_looks_like_a_molecule(table, header, warned):
    for words in ["predict", "-m", LINEAR], ["embed", "-m", LINEAR], ["conformers"]:
        _, log = molrt(*words, table(header + "\nCCC\n"))
        assert (f"the header '{header}' looks like a molecule" in log) == warned


def test_short_rows_are_counted(table):
    path = table("smiles,a,b\nC,1,2\nCC\n")
    text, log = molrt("predict", "--model", LINEAR, path, "--json")
    assert rows(text)[2][:3] == ["CC", "", ""] and "1 row had fewer cells than the header (line 3)" in log
    assert json.loads(log.splitlines()[-1])["short_rows"] == 1


def test_no_rows(table):
    text, _ = molrt("predict", "--model", LINEAR, table("smiles\n"), "-q")
    assert text == "smiles,target_pred,target_std,status,flags\n"


def test_formats_agree(table, tmp_path):
    path = table("smiles,x\nCCO,1\nnope,2\nC,3\n")
    outputs = {}
    for name in "out.csv", "out.tsv", "out.npy":
        molrt("predict", "--model", POOLER, path, "-o", tmp_path / name, "-q")
        outputs[name] = (tmp_path / name).read_bytes()
    matrix = numpy.load(tmp_path / "out.npy")
    assert matrix.dtype == numpy.float32 and matrix.shape == (3, 3)
    assert numpy.isnan(matrix[1]).all() and numpy.isfinite(matrix[[0, 2]]).all()
    printed = [[numpy.float32(c) for c in r[2:8:2]] for r in rows(outputs["out.csv"].decode())[1::2]]
    assert (numpy.array(printed) == matrix[[0, 2]]).all()  # the shortest text is still exact
    assert outputs["out.tsv"] == outputs["out.csv"].replace(b",", b"\t")


def test_pipes(table, tmp_path):
    content = "smiles\n" + "\n".join(SMILES) + "\n"
    path = table(content)
    expected, _ = molrt("predict", "--model", LINEAR, path, "-q")
    assert molrt("predict", "--model", LINEAR, "-", "-q", input=content.encode())[0] == expected
    molrt("predict", "--model", LINEAR, "-", "-o", path, "-q", input=content.encode())
    assert path.read_text() == expected
    binary = subprocess.run([BIN, "predict", "--model", LINEAR, "-", "--format", "npy", "-q"],
                            input=content.encode(), capture_output=True, check=True).stdout
    molrt("predict", "--model", LINEAR, "-", "-o", tmp_path / "o.npy", "-q", input=content.encode())
    assert binary == (tmp_path / "o.npy").read_bytes()
    assert numpy.load(io.BytesIO(binary)).shape == (len(SMILES), 1)


def test_named_pipe_is_written_in_place(table, tmp_path):
    fifo = tmp_path / "out.csv"
    os.mkfifo(fifo)
    path = table("smiles\nCCO\n")
    running = subprocess.Popen([BIN, "predict", "--model", LINEAR, path, "-o", fifo, "-q"])
    text = fifo.read_text()
    assert running.wait() == 0
    assert text == molrt("predict", "--model", LINEAR, path, "-q")[0]
    assert fifo.is_fifo()


def test_order_and_threads_do_not_matter(table):
    forward = rows(molrt("predict", "--model", LINEAR, table("smiles\n" + "\n".join(SMILES)),
                         "--threads", "1", "-q")[0])[1:]
    backward = rows(molrt("predict", "--model", LINEAR, table("smiles\n" + "\n".join(SMILES[::-1])),
                          "--threads", "3", "--batch-size", "2", "-q")[0])[1:]
    assert forward == backward[::-1]


def test_measured_values_are_compared(model, labelled, tmp_path):
    out, log = molrt("predict", "--model", model, labelled, "-o", tmp_path / "o.csv", "--json")
    summary = json.loads(out)
    table = rows((tmp_path / "o.csv").read_text())
    pairs = numpy.array([[float(r[2]), float(r[4])] for r in table[1:] if r[2] != "NaN"])
    error = pairs[:, 1] - pairs[:, 0]
    score = summary["metrics"]["y"]
    assert score["n"] == len(pairs) == len(SMILES) - 1
    assert score["rmse"] == pytest.approx(numpy.sqrt((error ** 2).mean()))
    assert score["mae"] == pytest.approx(abs(error).mean())
    assert score["r2"] == pytest.approx(1 - (error ** 2).mean() / pairs[:, 0].var())
    assert score["mean_rmse"] == pytest.approx(pairs[:, 0].std())
    assert "'y' against the" in log and "predicting their mean" in log and "flatters" in log


def test_one_measured_value_has_no_r2(model, table):
    _, log = molrt("predict", "--model", model, table("smiles,y\nCCO,1\n"))
    assert "R2 undefined (" in log and "nan" not in log


def test_json_summary(table):
    _, log = molrt("predict", "--model", LINEAR, table("smiles\nCCO\nnope\n"), "--json", "-q")
    summary = json.loads(log)  # stdout carries the rows
    assert (summary["rows"], summary["ok"], summary["failed"]) == (2, 1, 1)
    assert summary["status"] == {"etkdg_mmff": 1, "invalid_smiles": 1}
    assert summary["seconds"] > 0


def test_many_rows_pass_through_several_windows(table):
    count = 9000
    content = "i,smiles\n" + "".join(f"{i},{'CO' if i % 3 else 'bad'}\n" for i in range(count))
    result = rows(molrt("predict", "--model", LINEAR, table(content), "-q")[0])[1:]
    assert [r[0] for r in result] == [str(i) for i in range(count)]
    assert {tuple(r[1:]) for r in result} == {tuple(result[0][1:]), tuple(result[1][1:])}


@pytest.mark.skipif(b"__asan_init" in pathlib.Path(BIN).read_bytes(), reason="AddressSanitizer keeps what is freed")
def test_weights_are_in_memory_once(table, tmp_path):
    """They are packed for the products; what was read of the file is not kept beside."""
    weights, molecule = tmp_path / "big.molrt", table("smiles\nCCO\n")
    molrt("init", "-o", weights, "--layers", 8, "-q")
    watch = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
             "print(1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")  # not pytest's own peak
    peaks = []
    for model in LINEAR, weights:
        words = [BIN, "embed", "-m", model, molecule, "-o", tmp_path / "o.npy", "-q", "--threads", "1"]
        peaks.append(int(subprocess.run(["/usr/bin/python3", "-c", watch, *map(str, words)], check=True,
                                        capture_output=True).stdout))
    assert weights.stat().st_size > 90e6
    assert peaks[1] - peaks[0] < 1.3 * weights.stat().st_size
