"""What the documents tell people to type works, and what they point at is there."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.lints import ROOT
from trial.cli import COMMANDS

DOCUMENTS = sorted(ROOT.glob("*.md"))
BLOCK = re.compile(r"^```console(?P<long> long)?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST_S = 120


def commands_in(body: str) -> list[str]:
    """Lines that a person types: those after "$ ", and those after "> " that carry one on."""
    return [line[2:] for line in body.splitlines() if line.startswith(("$ ", "> "))]


def all_commands(document: Path) -> list[str]:
    return [line for block in BLOCK.finditer(document.read_text()) for line in commands_in(block["body"])]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_says_to_type_works(document: Path, tmp_path: Path) -> None:
    """Blocks run in order in one fresh directory; a block marked `console long` is left to other tests."""
    lines = ["set -euo pipefail"]
    for block in BLOCK.finditer(document.read_text()):
        if not block["long"]:
            lines += commands_in(block["body"])
    shutil.copytree(ROOT / "fixtures", tmp_path / "fixtures")
    env = os.environ | {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen(
        ["bash", "-c", "\n".join(lines)],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            said, _ = shell.communicate(timeout=LONGEST_S)
        finally:
            with suppress(ProcessLookupError):  # what the document left running goes with it
                os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, said


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_only_commands_that_exist(document: Path) -> None:
    overview = subprocess.run([ROOT / "run", "--help"], capture_output=True, text=True, check=True).stdout
    for line in all_commands(document):
        for word in re.findall(r"(?:^|[|;&(] *)\./run (\w+)", line):
            assert f"./run {word} " in overview, line
        for word in re.findall(r"(?:^|[|;&(] *|\./run )handover (\w+)", line):
            assert word in COMMANDS, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_links_to_is_there(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", document.read_text())
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_word_of_the_glossary_stands_once() -> None:
    rows = re.findall(r"^\| (.+?) \|", (ROOT / "GLOSSARY.md").read_text(), re.MULTILINE)
    words = [word for row in rows for word in re.findall(r"\*\*(.+?)\*\*|`(.+?)`", row)]
    assert len(words) > 60
    assert len(set(words)) == len(words)
