"""Asks of an office what a line of the table of permits says, as one of its callers."""

import re
from itertools import count
from typing import Any, Final

from httpx import AsyncClient, Response

from backend.accounts.sessions import COOKIE, form_token
from backend.addresses import PROGRAMS
from backend.pages.forms import FIELD
from sync.codec import encode
from tests.backend.permits import Permit
from tests.backend.things import Caller, Things

NAMED: Final = re.compile(r"{([a-z]+)}")
_action = (f"action-{number}" for number in count())


class Office:
    """A client of a backend, and who and what is there."""

    def __init__(self, client: AsyncClient, things: Things) -> None:
        self.client = client
        self.things = things

    async def ask(self, permit: Permit, caller: Caller, names: dict[str, str]) -> Response:
        """What the caller is answered, who does all as it is to be done."""
        method, _, path = permit.asked.partition(" ")
        names = names | {"action": next(_action)}
        address = filled(path, names) + (f"?{filled(permit.query, names)}" if permit.query else "")
        sent = filled(permit.sent, names)
        if path.startswith(PROGRAMS):
            headers = {"authorization": f"Bearer {caller.token}", "content-type": "application/json"}
            content = sent.encode() if isinstance(sent, str) else encode(sent)
            return await self.client.request(
                method, address, headers=headers, content=None if sent is None else content
            )
        headers = {"sec-fetch-site": "same-origin", "cookie": f"{COOKIE}={caller.session}"}
        form = {FIELD: form_token(caller.session)} | (sent or {})
        return await self.client.request(method, address, headers=headers, data=form if method == "POST" else None)

    async def post(self, permit: Permit, caller: Caller, form: dict[str, str], headers: dict[str, str]) -> Response:
        """What is answered to this form with these headers, in the caller's browser."""
        names = self.things.names | {"link": "x", "secret": "x", "action": next(_action)}
        address = filled(permit.asked.partition(" ")[2], names)
        data = (filled(permit.sent, names) or {}) | form
        cookie = {"cookie": f"{COOKIE}={caller.session}"}
        return await self.client.post(address, data=data, headers=headers | cookie)


def filled(text: Any, names: dict[str, str]) -> Any:  # noqa: ANN401 - whatever stands in the table
    """The same with each name in braces replaced."""
    match text:
        case str():
            return NAMED.sub(lambda found: names[found[1]], text)
        case dict():
            return {key: filled(value, names) for key, value in text.items()}
        case list():
            return [filled(value, names) for value in text]
    return text
