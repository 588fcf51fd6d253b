"""One backend a test, stopped at its end whatever became of it."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.together.crew import Field
from tests.together.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A backend that serves."""
    office = Office(tmp_path)
    office.start()
    try:
        assert office.ready()
        yield office
        ended = office.end(signal.SIGTERM) if office.alive else 0
    finally:
        if office.started:
            office.end()
    assert ended == 0, "it did not stop well"


@pytest.fixture
async def field(office: Office, tmp_path: Path) -> AsyncIterator[Field]:
    """Devices that are enrolled with it, none at first."""
    found = Field(office, tmp_path)
    try:
        yield found
    finally:
        await found.close()
