"""molrt finetune --report, and what a run prints while it goes."""
import html.parser
import json
import os
import pty
import re
import subprocess
import xml.etree.ElementTree as xml

import pytest

from conftest import BIN, LINEAR, SMILES, molrt

TRAIN = ["--epochs", "5"]
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(html.parser.HTMLParser):
    """Checks that elements are closed in order; keeps the page's text and its tags."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            assert not name.startswith("on"), f"{name} runs something"
            assert not re.match(r"\s*(https?:|//|javascript:)", value or "") or name.startswith("xmlns")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        self.text += data


def read_page(path):
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    pictures = re.findall(r"<svg.*?</svg>", text, re.S)
    for picture in pictures:
        xml.fromstring(picture)
    return page, pictures


@pytest.fixture(scope="module")
def run(labelled, tmp_path_factory):
    """The report and the log of a run of three folds."""
    folder = tmp_path_factory.mktemp("report")
    out, log = molrt("finetune", "-w", LINEAR, labelled, "-t", "y", "-o", folder / "m", "--report",
                     folder / "r.html", "--folds", "3", "--json", *TRAIN)
    return folder / "r.html", json.loads(out), log


def test_the_page_is_well_formed_and_alone(run):
    page, pictures = read_page(run[0])
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert len(pictures) >= 3


def test_the_page_has_the_reports_numbers(run):
    path, report, _ = run
    page, _ = read_page(path)
    held_out = report["held_out"][0]
    for key in "rmse", "mae", "r2", "mean_rmse":
        number = f"{held_out[key]:.4g}".replace("-", "\N{MINUS SIGN}")
        assert number in page.text, key
    for text in ("y from train.csv", "11 of 12 rows used", "molecule_linear.pth", "default: 100",
                 "Worst predictions of y", "Provenance", "molrt 0.1.0", "CC(=O)N"):
        assert text in page.text, text
    assert report["html"] == str(path)


def test_hostile_names(table, tmp_path):
    lines = "".join(f"{s} <b>,{i}\n" for i, s in enumerate(SMILES))
    path = table("smiles,<script>alert(1)</script>\n" + lines, name="<i>&.csv")
    molrt("finetune", "-w", LINEAR, path, "-t", "#2", "-o", tmp_path / "m", "-q", "--report",
          tmp_path / "r.html", *TRAIN)
    page, _ = read_page(tmp_path / "r.html")
    assert not {"script", "i", "b"} & set(page.tags)
    assert "<script>alert(1)</script> from <i>&.csv" in page.text


def test_failed_molecules_are_told(table, tmp_path):
    path = table("smiles,y\n" + "".join(f"{s},{i}\n" for i, s in enumerate(SMILES)) + "C1CC,3\n")
    molrt("finetune", "-w", LINEAR, path, "-t", "y", "-o", tmp_path / "m", "-q", "--report",
          tmp_path / "r.html", *TRAIN)
    text = read_page(tmp_path / "r.html")[0].text
    assert "Molecules left out" in text and "invalid_smiles" in text and "C1CC" in text


def test_reports_that_cannot_be_written(labelled, tmp_path):
    words = ["finetune", "-w", LINEAR, labelled, "-t", "y", "-o", tmp_path / "m", *TRAIN]
    assert "name one" in molrt(*words, "--report", "-", code=2)[1]
    assert "are the same file" in molrt(*words, "--report", tmp_path / "m", code=2)[1]
    assert "is what the input reads" in molrt(*words, "--report", labelled, code=2)[1]
    assert str(tmp_path / "no") in molrt(*words, "--report", tmp_path / "no" / "r.html", code=1)[1]
    assert not list(tmp_path.glob("*"))


def test_the_log_of_a_run(run):
    log = run[2].replace("\nmolrt:   --", " --")  # lines that are wrapped
    for line in (r"train\.csv: 12 rows", r"'y': 11 values from \S+ to \S+, mean ",
                 r"settings that differ from the defaults: .*--epochs 5 \(default 100\)",
                 r"settings by default: .*--lr 0\.0005",
                 r"network 1/3: \d+ molecules to train on, \d+ held out",
                 r"training: network 1/3: epoch 5/5.*, loss [\d.]+, held out [\d.]+.* molecules/s",
                 r"wrote .*, and the report .*r\.html", r"next: molrt predict --model .*"):
        assert re.search(line, log), line


def test_a_log_of_quick_epochs_is_short(labelled, tmp_path):
    log = molrt("finetune", "-w", LINEAR, labelled, "-t", "y", "-o", tmp_path / "m", "--epochs",
                "200")[1]
    assert 1 <= log.count("training: ") <= 20
    assert "training: epoch 200/200" in log


def test_quiet_is_quiet(labelled, tmp_path):
    assert molrt("finetune", "-w", LINEAR, labelled, "-t", "y", "-o", tmp_path / "m", "-q",
                 *TRAIN)[1] == ""


def test_on_a_terminal_there_is_one_line(labelled, tmp_path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BIN, "finetune", "-w", LINEAR, str(labelled), "-t", "y", "-o",
                                str(tmp_path / "m"), "--epochs", "60000"], stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    assert process.wait() == 0
    text = shown.decode()
    lines = re.findall(r"\rtraining: [^\r\n]*", text)
    assert lines and all(line.endswith("\x1b[K") for line in lines)
    assert re.search(r"epoch \d+/60000", lines[-1]) and any(" left" in line for line in lines)
