"""Who may call what: one line a route and method of the whole application, pages included.

`test_authorisation.py` tries every line as everybody, in every scope. A route without a line fails it.
"""

from dataclasses import dataclass
from typing import Final

from sync.policy import Role

ROLES: Final[tuple[Role, ...]] = ("technician", "depot", "dispatcher", "manager", "admin", "integration")
SCOPES: Final = ("here", "elsewhere", "nowhere", "everywhere")
"""The site where the things of the table are, another one, no site, every site."""

ADMINS: Final = frozenset({"admin"})
MANAGERS: Final = frozenset({"manager"})
OFFICE: Final = frozenset({"dispatcher", "manager"})
BRINGERS: Final = OFFICE | {"integration"}
DESKS: Final = OFFICE | {"depot"}
PRINTERS: Final = OFFICE | ADMINS | {"depot"}
READERS: Final = OFFICE | {"technician", "depot", "integration"}
EVERYBODY: Final = frozenset(ROLES) | {"none"}
"""Whoever is signed in, with a role or without."""
DEVICES: Final = frozenset({"device"})
ANYBODY: Final[frozenset[str]] = frozenset()
"""Also who is not signed in."""


@dataclass(frozen=True, kw_only=True)
class Permit:
    """One route and method. `{…}` in `asked`, in `query` and in texts of `sent` names a thing (`things.py`).

    `sent` is the body: a dict is JSON where programs call, a form where people do. Of things in the address or the
    body, `reach` says whose they are: `all`: everybody's whose role may; `site`: of whoever reaches the job here,
    that is the scope of the site, and the technician to whom it was offered; `every`: of whose scope is every site;
    `whole`: the same, and for others it is not there;
    `nobody`: they belong to somebody who is not among the callers. `shows` names what the answer of a list holds for
    who reaches it, and for nobody else. `new` says that what is named need not be there, `ends` that
    it is not there afterwards.
    """

    asked: str
    who: frozenset[str]
    sent: object = None
    query: str = ""
    reach: str = "all"
    shows: str = ""
    new: bool = False
    ends: bool = False


def on(
    asked: str,
    who: frozenset[str],
    sent: object = None,
    query: str = "",
    *,
    reach: str = "all",
    shows: str = "",
    new: bool = False,
    ends: bool = False,
) -> Permit:
    """A line of the table."""
    return Permit(asked=asked, who=who, sent=sent, query=query, reach=reach, shows=shows, new=new, ends=ends)


_ONCE: Final[dict[str, object]] = {"action": "{action}"}


def _act(name: str, **sent: object) -> Permit:
    """An action on a job, as of before it was opened: past the door it is stale, and changes nothing."""
    body = _ONCE | {"seen": 0} | sent
    return on(f"POST /api/jobs/{{job}}/{name}", OFFICE, body, reach="site")


PERMITS: Final = (
    # what devices call
    on("POST /v1/enrol", ANYBODY, {"code": "x"}),
    on("POST /v1/session/challenge", ANYBODY),
    on("POST /v1/session", ANYBODY, {"challenge": "x", "jws": "x"}),
    on("POST /v1/sync/push", DEVICES, "x"),
    on("GET /v1/sync/pull", DEVICES, shows="job", reach="site"),
    on("POST /v1/sync/return", DEVICES, "x"),
    on("POST /v1/sync/blobs", DEVICES, {"blobs": ["{blob}"]}, new=True),
    on("PUT /v1/sync/blobs/{blob}", DEVICES, "x", "offset=0&size=1&check=x", new=True),
    on("GET /v1/sync/blobs/{blob}", DEVICES, reach="site"),
    on("GET /v1/handovers/{handover}/receipt.pdf", DEVICES, reach="site"),
    # what programs call
    on("GET /api/jobs", READERS, reach="site", shows="job"),
    on("GET /api/jobs/{job}", READERS, reach="site"),
    on("POST /api/jobs", OFFICE, _ONCE | {"site": "{site}"}, reach="site"),
    _act("plan", plan={"stop": "s"}),
    _act("dispatch", to=["anna"], boundary="site", payload={}),
    _act("withdraw", offer="{handover}", reason="x"),
    _act("hold", reason="x"),
    _act("release"),
    _act("note", text="x"),
    _act("correct", event="{handover}", fields={"qty": "2"}, reason="x"),
    _act("reassign", party="anna", reason="ill"),
    _act("resolve", basis="{handover}", reason="x"),
    _act("accept-for", offer="{handover}", party="anna", synthesis={"words": "x"}),
    _act("cancel", reason="x"),
    _act("close"),
    _act("reopen", reason="x"),
    _act("edit", customer="kim"),
    _act("reschedule", window_from="2026-10-05T08:00:00Z"),
    on(
        "POST /api/merges",
        OFFICE,
        {"action": "{action}", "stop": "s", "jobs": [{"job": "{job}", "seen": 0}]},
        reach="site",
    ),
    on(
        "POST /api/unmerges",
        OFFICE,
        {"action": "{action}", "seen": 0, "job": "{job}", "merged": "{handover}"},
        reach="site",
    ),
    on("GET /api/handovers", READERS, reach="site", shows="handover"),
    on("GET /api/handovers/{handover}/receipt.pdf", READERS, reach="site"),
    on("GET /api/handovers/{handover}/proof", READERS, reach="site"),
    on("GET /api/blobs/{blob}", READERS, reach="site"),
    on("GET /api/cases", READERS),
    on("GET /api/visits", READERS, reach="site", shows="visit"),
    on("GET /api/orders", READERS, reach="site", shows="order"),
    on(
        "POST /api/orders/match",
        OFFICE,
        {"action": "{action}", "order": "{order}", "job": "{job}", "seen": 0},
        reach="site",
    ),
    on("POST /api/orders", BRINGERS, [{"source": "x", "id": "1", "kind": "fulfilment", "site": "north"}]),
    on("DELETE /api/orders/{source}/{number}", BRINGERS, reach="site"),
    on("GET /api/orders/one", READERS, query="name={order}", reach="site"),
    on("POST /api/orders/open-job", OFFICE, _ONCE | {"order": "{stray}"}, reach="site"),
    _act("settle-order", order="{order}", decision="keep", reason="x"),
    on("GET /api/orders/quarantine", OFFICE),
    on("POST /api/orders/quarantine/{aside}/mend", OFFICE, {"cells": {}}, reach="site"),
    on("POST /api/orders/quarantine/{aside}/dismiss", OFFICE, {"reason": "x"}, reach="site"),
    on("GET /api/order-mappings", READERS),
    on("PUT /api/order-mappings/{mapping}", OFFICE, {}, new=True),
    on("GET /api/reports/avoided", OFFICE),
    on("GET /api/reports/visits", OFFICE, reach="site", shows="visit"),
    on("GET /api/devices", ADMINS | MANAGERS, shows="device"),
    on("PUT /api/devices/{device}", ADMINS, {}, new=True),
    on("POST /api/devices/{device}/code", ADMINS, {}),
    on("DELETE /api/devices/{device}/code", ADMINS),
    on("POST /api/enrolment-cards", ADMINS, {"devices": ["{device}"]}),
    on("GET /api/labels.pdf", PRINTERS, query="site={site}", reach="site"),
    on("POST /api/devices/{device}/revoke", ADMINS | MANAGERS, _ONCE | {"reason": "lost"}),
    on("GET /api/aside", MANAGERS),
    on("POST /api/events/{handover}/promote", MANAGERS, _ONCE, reach="site"),
    on("POST /api/redactions/plan", ADMINS | MANAGERS, {"job": "{job}"}, reach="site"),
    on("POST /api/redactions", ADMINS | MANAGERS, {"job": "{job}"}, reach="site"),
    on("GET /api/losses", MANAGERS, reach="every"),
    on("POST /api/losses", MANAGERS, _ONCE | {"names": ["L" * 43]}, reach="every"),
    on("GET /api/search", READERS, None, "q=order", reach="site", shows="order"),
    on("GET /api/items/{item}", READERS, reach="site"),
    on("GET /health/live", ANYBODY),
    on("GET /health/ready", ANYBODY),
    # pages
    on("GET /", EVERYBODY),
    on("GET /first", ANYBODY),
    on("POST /first", ANYBODY, {}),
    on("GET /sign-in", ANYBODY),
    on("POST /sign-in", ANYBODY, {}),
    on("POST /preferences", ANYBODY, {}),
    on("GET /account", EVERYBODY),
    on("POST /account/sessions/{session}/end", EVERYBODY, {}, reach="nobody"),
    on("POST /account/sessions/end-others", EVERYBODY, {}),
    on("POST /account/password", EVERYBODY, {}),
    on("GET /sign-in/with/{provider}", ANYBODY),
    on("GET /sign-in/with/{provider}/answer", ANYBODY),
    on("POST /account/accounts/{provider}", EVERYBODY, {}, reach="nobody"),
    on("POST /account/accounts/end", EVERYBODY, {"issuer": "{issuer}"}, reach="nobody"),
    on("GET /link/{link}", ANYBODY),
    on("POST /link/{link}", ANYBODY, {}),
    on("GET /search", EVERYBODY, None, "q=erp"),
    on("GET /search/quick", EVERYBODY, None, "q=erp"),
    on("GET /jobs", READERS, reach="site", shows="job"),
    on("POST /jobs/filters", READERS, {"name": "mine"}),
    on("POST /jobs/filters/{saved}/remove", READERS, {}, reach="nobody"),
    on("GET /jobs/new", OFFICE),
    on("GET /jobs/new/found", OFFICE, None, "who=x"),
    on("POST /jobs/new", OFFICE, {}),
    on("GET /jobs/{job}", READERS, reach="site"),
    on("POST /jobs/{job}/{do}", OFFICE, {}, reach="site"),
    on("GET /jobs/{job}/events/{handover}", READERS, reach="site"),
    on("GET /jobs/{job}/events/{handover}/bytes", READERS, reach="site"),
    on("GET /jobs/{job}/blobs/{blob}", READERS, reach="site"),
    on("GET /handovers/{handover}/receipt.pdf", READERS, reach="site"),
    on("GET /handovers/{handover}/proof.zip", READERS, reach="site"),
    on("GET /items", READERS, None, "only=goods", reach="site", shows="item"),
    on("GET /items/{item}", READERS, reach="site"),
    on("GET /orders", OFFICE | {"depot"}, reach="site", shows="order"),
    on("GET /orders/order", OFFICE | {"depot"}, query="name={order}", reach="site"),
    on("POST /orders/match", OFFICE, _ONCE | {"order": "{order}", "job": "{job}", "seen": "0"}, reach="site"),
    on("POST /orders/open-job", OFFICE, _ONCE | {"order": "{stray}"}, reach="site"),
    on("POST /orders/settle", OFFICE, _ONCE | {"order": "{order}", "job": "{job}", "seen": "0"}, reach="site"),
    on("GET /orders/imports", OFFICE),
    on("POST /orders/imports", OFFICE, {}),
    on("GET /orders/imports/{run}", OFFICE, reach="whole"),
    on("GET /orders/uploads/{upload}", OFFICE, reach="nobody"),
    on("POST /orders/uploads/{upload}", OFFICE, {}, reach="nobody"),
    on("GET /orders/uploads/{upload}/mapping", OFFICE, reach="nobody"),
    on("POST /orders/uploads/{upload}/mapping", OFFICE, {}, reach="nobody"),
    on("POST /orders/uploads/{upload}/drop", OFFICE, {}, reach="nobody"),
    on("GET /orders/aside", OFFICE),
    on("GET /orders/aside/table.xlsx", OFFICE),
    on("GET /orders/aside/{aside}", OFFICE, reach="site"),
    on("POST /orders/aside/{aside}/mend", OFFICE, {}, reach="site"),
    on("POST /orders/aside/{aside}/dismiss", OFFICE, {}, reach="site"),
    on("GET /set-up", ADMINS),
    on("GET /set-up/people", ADMINS),
    on("GET /set-up/people/new", ADMINS),
    on("POST /set-up/people", ADMINS, {}),
    on("GET /set-up/people/{person}", ADMINS),
    on("GET /set-up/people/{person}/edit", ADMINS),
    on("POST /set-up/people/{person}/edit", ADMINS, {}),
    on("POST /set-up/people/{person}/link", ADMINS, {}),
    on("POST /set-up/people/{person}/sessions/{session}/end", ADMINS, {}, ends=True),
    on("POST /set-up/people/{somebody}/sessions/end", ADMINS, {}),
    on("POST /set-up/people/{person}/accounts/end", ADMINS, {"issuer": "https://id.example"}, ends=True),
    on("POST /set-up/people/{person}/off", ADMINS, {}, ends=True),
    on("GET /set-up/teams", ADMINS),
    on("GET /set-up/teams/new", ADMINS),
    on("POST /set-up/teams", ADMINS, {}),
    on("GET /set-up/teams/{team}", ADMINS),
    on("POST /set-up/teams/{team}", ADMINS, {}),
    on("POST /set-up/teams/{team}/off", ADMINS, {}, ends=True),
    on("GET /set-up/programs", ADMINS),
    on("GET /set-up/programs/new", ADMINS),
    on("POST /set-up/programs", ADMINS, {}),
    on("GET /set-up/programs/{program}", ADMINS),
    on("GET /set-up/programs/{program}/edit", ADMINS),
    on("POST /set-up/programs/{program}/edit", ADMINS, {}),
    on("POST /set-up/programs/{program}/tokens", ADMINS, {}),
    on("POST /set-up/programs/{program}/tokens/{token}/end", ADMINS, {}, ends=True),
    on("POST /set-up/programs/{program}/off", ADMINS, {}, ends=True),
    on("POST /set-up/sample", ADMINS, {}),
    on("GET /set-up/data/{sheet}", ADMINS),
    on("GET /set-up/data/{sheet}/new", ADMINS),
    on("POST /set-up/data/{sheet}/new", ADMINS, {}),
    on("GET /set-up/data/{sheet}/row", ADMINS, query="key={site}"),
    on("POST /set-up/data/{sheet}/row", ADMINS, {}, query="key={site}"),
    on("POST /set-up/data/{sheet}/end", ADMINS, {}, query="key={site}"),
    on("POST /set-up/data/{sheet}/stay", ADMINS, {}, query="key={site}"),
    on("GET /set-up/data/{sheet}/csv", ADMINS),
    on("GET /set-up/workbook", ADMINS),
    on("POST /set-up/workbook", ADMINS, {}),
    on("GET /set-up/workbook/template", ADMINS),
    on("GET /set-up/workbook/current", ADMINS),
    on("GET /set-up/workbook/{file}", ADMINS),
    on("POST /set-up/workbook/{file}", ADMINS, {}),
    on("GET /set-up/workbook/{file}/mend", ADMINS),
    on("GET /data", DESKS),
    on("GET /data/{sheet}", DESKS, new=True),
    on("GET /data/{sheet}/row", DESKS, query="key={site}", reach="site"),
    on("GET /set-up/policies", OFFICE | ADMINS),
    on("GET /set-up/policies/new", ADMINS),
    on("POST /set-up/policies", ADMINS, {}),
    on("GET /set-up/policies/{boundary}", OFFICE | ADMINS),
    on("GET /set-up/policies/{boundary}/policy.json", OFFICE | ADMINS),
    on("GET /set-up/policies/{boundary}/edit", ADMINS),
    on("POST /set-up/policies/{boundary}/edit", ADMINS, {}),
    on("GET /set-up/devices", ADMINS | MANAGERS, shows="device"),
    on("GET /set-up/device", ADMINS | MANAGERS, query="id={device}"),
    on("GET /set-up/new-device", ADMINS),
    on("POST /set-up/new-device", ADMINS, {}),
    on("GET /set-up/device/edit", ADMINS, query="id={device}"),
    on("POST /set-up/device/edit", ADMINS, {}, query="id={device}"),
    on("GET /set-up/device/code", ADMINS, query="id={device}&name={code}"),
    on("POST /set-up/device/code", ADMINS, {}, query="id={device}"),
    on("POST /set-up/device/end-code", ADMINS, {}, query="id={device}"),
    on("GET /set-up/device-cards", ADMINS),
    on("POST /set-up/device-cards", ADMINS, {"devices": "{device}", "days": "7", "language": "en"}),
    on("GET /set-up/device/revoke", ADMINS | MANAGERS, query="id={device}"),
    on("POST /set-up/device/revoke", ADMINS | MANAGERS, _ONCE | {"reason": "lost"}, query="id={device}"),
    on("GET /set-up/aside", MANAGERS),
    on("POST /set-up/aside", MANAGERS, _ONCE | {"event": "{handover}"}, reach="site"),
    on("GET /set-up/labels", PRINTERS, query="site={site}", reach="site"),
    on("GET /set-up/labels.pdf", PRINTERS, query="site={site}", reach="site"),
    on("GET /set-up/webhooks", ADMINS),
    on("GET /set-up/webhooks/new", ADMINS),
    on("POST /set-up/webhooks", ADMINS, {}),
    on("GET /set-up/webhooks/{hook}", ADMINS),
    on("GET /set-up/webhooks/{hook}/edit", ADMINS),
    on("POST /set-up/webhooks/{hook}/edit", ADMINS, {}),
    on("POST /set-up/webhooks/{hook}/pause", ADMINS, {}),
    on("POST /set-up/webhooks/{hook}/resume", ADMINS, {}),
    on("POST /set-up/webhooks/{hook}/rotate", ADMINS, {}),
    on("POST /set-up/webhooks/{hook}/test", ADMINS, {}),
    on("POST /set-up/webhooks/{hook}/again", ADMINS, {}),
    on("POST /set-up/webhooks/{hook}/remove", ADMINS, {}, ends=True),
    on("POST /sign-out", EVERYBODY, {}, ends=True),
)
