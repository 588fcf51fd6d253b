"""Policies, for administrators: begun from a template, edited, tried on past offers, put in force, versions."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.master import PERSON, TEAM, all_of, check_name
from backend.pages.forms import Form, read_form
from backend.pages.policy_form import (
    ARMS,
    ELEMENTS_ASKED,
    LIMITS,
    NEEDS,
    PRIORITIES,
    ROLES,
    SIGNALS,
    STATES,
    given_of,
    read_policy,
)
from backend.pages.shell import frame_of, go, page, said_problem
from backend.policies.keeping import WHOM, check_policy, policy_versions, put_in_force
from backend.policies.templates import TEMPLATES, template
from backend.policies.trying import Trial, try_on
from backend.reach import EVERY_SITE
from backend.writing import Writing
from sync.codec import encode
from sync.details import NO_BOUNDARY
from sync.ids import b64
from sync.policy import ROLE, Policy
from sync.problems import NOT_FOUND, TAKEN, Problem

__all__ = ["router"]

ADMINS = may("admin")
READERS = may("admin", "manager", "dispatcher")
_SALT_BYTES = 9
_TRY = "try"


@get("/set-up/policies", guards=[READERS])
async def policies(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """Every boundary and its policy in force; templates for what is missing."""
    found = await intake.do(lambda writing: writing.documents.policies())
    taken = {policy.boundary for _, policy in found}
    offered = [name for name in TEMPLATES if name not in taken]
    return page(request, "policies/list.html", policies=found, templates=offered)


@get("/set-up/policies/new", guards=[ADMINS])
async def new(request: StaffRequest, intake: TheIntake, template_: FromQuery[str] = "") -> Response[str]:
    """The form of a boundary's first policy; `template_` names the template to begin with."""
    salt = b64(intake.door.world.token(_SALT_BYTES))
    policy = Policy(boundary="", version=1, issued_at="", salt=salt)
    if template_ in TEMPLATES:
        words = frame_of(request).words
        policy = template(template_, words, desk=intake.door.settings.desk, salt=salt)
    return await _form(request, intake, policy, is_new=True)


@post("/set-up/policies", guards=[ADMINS])
async def add(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards a boundary has its first policy; or it was only tried."""
    form = await read_form(request)
    boundary = form.text("boundary")
    return await _take(request, intake, form, boundary, is_new=True)


@get("/set-up/policies/{boundary:str}", guards=[READERS])
async def one(
    request: StaffRequest, intake: TheIntake, boundary: FromPath[str], done: FromQuery[str] = ""
) -> Response[str]:
    """A boundary's policy in force, rule by rule, and every version before it."""
    versions = await intake.store.reading(lambda con: policy_versions(con, boundary))
    if not versions:
        raise Problem(NOT_FOUND, NO_BOUNDARY.of(name=boundary[:60]))
    return page(request, "policies/one.html", versions=versions, policy=versions[0].policy, done=done, limits=LIMITS)


@get("/set-up/policies/{boundary:str}/policy.json", guards=[READERS])
async def as_json(intake: TheIntake, boundary: FromPath[str]) -> Response[bytes]:
    """The policy in force as `handover policies set` reads it."""
    policy = await _in_force(intake, boundary)
    headers = {"content-disposition": 'attachment; filename="policy.json"', "x-content-type-options": "nosniff"}
    return Response(msgspec.json.format(encode(policy), indent=2), media_type="application/json", headers=headers)


@get("/set-up/policies/{boundary:str}/edit", guards=[ADMINS])
async def edit(request: StaffRequest, intake: TheIntake, boundary: FromPath[str]) -> Response[str]:
    """The form of the policy in force."""
    return await _form(request, intake, await _in_force(intake, boundary))


@post("/set-up/policies/{boundary:str}/edit", guards=[ADMINS])
async def change(request: StaffRequest, intake: TheIntake, boundary: FromPath[str]) -> Response[Any]:
    """Afterwards a new version is in force; or it was only tried."""
    return await _take(request, intake, await read_form(request), boundary)


async def _take(
    request: StaffRequest, intake: TheIntake, form: Form, boundary: str, *, is_new: bool = False
) -> Response[Any]:
    before = None if is_new else await _in_force(intake, boundary)
    salt = before.salt if before else form.text("salt") or b64(intake.door.world.token(_SALT_BYTES))
    person = request.auth.person
    policy = before or Policy(boundary=boundary, version=1, issued_at="", salt=salt)
    try:
        check_name(boundary)
        read = read_policy(form, boundary, salt)
        policy = read.policy
        if read.problem is not None:
            raise read.problem
        if form.text("do") == _TRY:
            trial = await intake.do(lambda writing: _tried(writing, policy))
            return await _form(request, intake, policy, is_new=is_new, trial=trial)
        said = await intake.do(lambda writing: _put(writing, policy, person, is_new=is_new))
    except Problem as problem:
        return await _form(request, intake, policy, is_new=is_new, problem=problem, typed=form.values())
    return go(f"/set-up/policies/{boundary}?done={'changed' if said else 'same'}")


def _put(writing: Writing, policy: Policy, person: str, *, is_new: bool) -> str:
    if is_new and any(one.boundary == policy.boundary for _, one in writing.documents.policies()):
        raise Problem(TAKEN, policy.boundary, "boundary")
    return put_in_force(writing, policy, by=person)


def _tried(writing: Writing, policy: Policy) -> Trial:
    check_policy(writing.con, policy, {one.boundary for _, one in writing.documents.policies()})
    return try_on(writing, policy, {EVERY_SITE})


async def _in_force(intake: TheIntake, boundary: str) -> Policy:
    found = await intake.do(lambda writing: writing.documents.newest(f"policy:{boundary}"))
    if found is None or not isinstance(found[1], Policy):
        raise Problem(NOT_FOUND, NO_BOUNDARY.of(name=boundary[:60]))
    return found[1]


async def _form(
    request: StaffRequest,
    intake: TheIntake,
    policy: Policy,
    *,
    is_new: bool = False,
    problem: Problem | None = None,
    trial: Trial | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response[str]:
    def read(writing: Writing) -> tuple[list[str], list[tuple[str, str]]]:
        boundaries = [one.boundary for _, one in writing.documents.policies() if one.boundary != policy.boundary]
        people = [(id_, row.name or id_) for id_, row in all_of(writing.con, PERSON)]
        return boundaries, [(id_, row.name or id_) for id_, row in all_of(writing.con, TEAM)] + people

    boundaries, parties = await intake.do(read)
    words = frame_of(request).words
    roles = [(role, words.of("role", role)) for role in ROLES]
    content = {
        **given_of(policy),
        "is_new": is_new,
        "typed": typed or {},
        "problem": said_problem(words, problem) if problem else None,
        "trial": trial,
        "boundaries": [(name, name) for name in boundaries],
        "parties": [*parties, *((f"{ROLE}{role}", name) for role, name in roles)],
        "roles": roles,
        "whom": [(one, words.of("policies.whom", one)) for one in WHOM] + [(name, name) for name in boundaries],
        "states": [(one, words.of("state", one)) for one in STATES],
        "priorities": [(one, words.of("priority", one)) for one in PRIORITIES],
        "elements": [(one, words.of("element", one)) for one in ELEMENTS_ASKED],
        "needs": [(one, words.of("policies.needs", one)) for one in NEEDS],
        "arms": [(one, words.of("policies.arm", one)) for one in ARMS],
        "signals": [(one, words.of("signal", one)) for one in SIGNALS],
        "limits": LIMITS,
    }
    return page(request, "policies/form.html", status=problem.kind.status if problem else 200, **content)


router = Router("/", route_handlers=[policies, new, add, one, as_json, edit, change], include_in_schema=False)
