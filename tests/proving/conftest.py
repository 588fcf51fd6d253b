"""One town that was set up, of which every test gets a copy."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proving.town import prepare

_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk whose syncs cost nothing, where there is one


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="town ", dir=_MEMORY if _MEMORY.is_dir() else None))
    asyncio.run(prepare(folder / "template"))
    yield folder
    shutil.rmtree(folder)
