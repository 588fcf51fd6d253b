"""What stays after a demo: its backend, served in this process until Ctrl-C, and ways in for whoever looks on."""

import socket
from pathlib import Path
from typing import Final

from trial.day import Kept, SignIn
from trial.scenario import DESK

HOST: Final = "127.0.0.1"
ADMIN: Final = "ada"
TECHNICIAN: Final = "anna"
MANAGER: Final = "max"
PHONE: Final = "your-phone"
"""The device that somebody who looks on may enrol: it records for the technician."""
ROLES: Final = ("admin", "dispatcher", "depot", "manager")
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""None that is taken for another when it is typed off a screen."""
_LENGTH: Final = 16


def listener() -> socket.socket:
    """A socket on a free port of this machine; who calls before the backend is up waits for it."""
    from backend.commands.serve import listening

    at = listening(HOST, 0)
    at.listen()
    return at


def let_in(database: Path, port: int) -> Kept:
    """Afterwards somebody of each role of the office can sign in, the administrator being new.

    Given are their passwords, a token for the API, and a one-time code for a device of a technician.
    """
    from backend.accounts.passwords import hashed, keep_password
    from backend.accounts.tokens import TokenAsked, make_token
    from backend.config import Settings
    from backend.enrolment import LONGEST_MS, code_text, make_code
    from backend.intake import open_door
    from backend.master import DEVICE, PERSON, DeviceRow, PersonRow, all_of, put
    from backend.world import Machine
    from backend.writing import Writing

    world, url = Machine(), f"http://{HOST}:{port}"

    def sign_in(writing: Writing, role: str) -> SignIn:
        person = next(id_ for id_, row in all_of(writing.con, PERSON) if role in row.roles)
        drawn = "".join(_LETTERS[byte % len(_LETTERS)] for byte in world.token(_LENGTH))
        password = "-".join(drawn[place : place + 4] for place in range(0, _LENGTH, 4))
        keep_password(writing.con, person, hashed(password), writing.now_ms)
        return SignIn(role=role, person=person, password=password)

    def work(writing: Writing) -> Kept:
        ada = PersonRow(name="Ada", roles=("admin",), sites=("*",))
        put(writing.con, PERSON, ADMIN, ada, by=ADMIN, now_ms=writing.now_ms)
        put(writing.con, DEVICE, PHONE, DeviceRow(people=(TECHNICIAN,)), by=ADMIN, now_ms=writing.now_ms)
        door.cut(writing)
        return Kept(
            address=url,
            directory=str(database.parent),
            token=make_token(writing.con, world, MANAGER, TokenAsked(label="demo"), by=ADMIN),
            sign_ins=tuple(sign_in(writing, role) for role in ROLES),
            device=PHONE,
            enrolment=code_text(make_code(door, writing, PHONE, LONGEST_MS, url=url, by=ADMIN)),
        )

    with open_door(Settings(database=database, url=url, desk=DESK), world) as (door, con):
        return door.write_now(con, work)


def serve(database: Path, at: socket.socket) -> int:
    """The exit code of the backend, once Ctrl-C or SIGTERM has stopped it."""
    import logging

    from backend.commands.serve import run
    from backend.config import Settings
    from backend.logs import log_json
    from backend.world import Machine

    log_json(logging.WARNING)
    url = f"http://{HOST}:{at.getsockname()[1]}"
    return run(Settings(database=database, url=url, desk=DESK), Machine(), at)
