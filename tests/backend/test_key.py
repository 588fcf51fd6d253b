"""The signing key: whole or not there at all, made once, and never another in its place."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.commands import sites
from backend.key import hold_key
from backend.world import Machine
from sync.problems import NOT_OUR_DATABASE, STORE_FULL, STORE_TROUBLE, Problem, ProblemKind

HANDOVER = str(Path(sys.executable).parent / "handover")


@contextmanager
def no_room() -> Iterator[None]:
    """No file of this process may have a byte, as on a disk whose quota is used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refused(path: Path, *, is_new: bool) -> ProblemKind:
    with pytest.raises(Problem) as caught:
        hold_key(path, Machine(), is_new=is_new)
    return caught.value.kind


def test_a_full_disk_leaves_no_key_and_the_next_attempt_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "x.db.key"
    with no_room():
        assert refused(path, is_new=True) is STORE_FULL
    assert list(tmp_path.iterdir()) == []
    made = hold_key(path, Machine(), is_new=True)
    assert hold_key(path, Machine(), is_new=False).kid == made.kid
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_beside_a_new_database_is_no_key_yet(tmp_path: Path) -> None:
    path = tmp_path / "x.db.key"
    path.touch(0o600)
    assert refused(path, is_new=False) is NOT_OUR_DATABASE
    made = hold_key(path, Machine(), is_new=True)
    assert hold_key(path, Machine(), is_new=True).kid == made.kid


def test_a_key_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.db.key"
    path.write_bytes(b"half a key")
    path.chmod(0o600)
    assert refused(path, is_new=True) is NOT_OUR_DATABASE
    assert path.read_bytes() == b"half a key"


def test_a_folder_that_is_not_there_is_no_full_disk(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere" / "x.db.key", is_new=True) is STORE_TROUBLE


def test_commands_that_begin_at_once_make_one_key_and_one_roster(tmp_path: Path) -> None:
    words = [HANDOVER, "sites", "add", "mill", "--database", str(tmp_path / "x.db")]
    begun = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(one.communicate()[1], one.returncode) for one in begun] == [("", 0)] * 4
    assert sites.main(["list", "--database", str(tmp_path / "x.db")]) == 0
    assert len(list(tmp_path.glob("*.key*"))) == 1


def test_where_no_byte_fits_a_command_says_so_and_nothing_is_spoilt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "x.db"
    with no_room():
        assert sites.main(["add", "mill", "--database", str(database)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cannot be read or written" in said
    assert str(database) in said
    assert sites.main(["add", "mill", "--database", str(database)]) == 0


def test_what_the_limit_of_these_tests_raises_is_what_it_is_taken_for(tmp_path: Path) -> None:
    with no_room(), pytest.raises(OSError, match=os.strerror(errno.EFBIG)) as caught:
        (tmp_path / "x").write_bytes(b"x")
    assert caught.value.errno == errno.EFBIG
