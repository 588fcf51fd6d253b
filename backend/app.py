"""The one place that knows every part of the server and joins them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from litestar import Litestar
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.openapi.config import OpenAPIConfig

from backend.accounts.first import FirstCode, has_admin
from backend.accounts.providers import Providers
from backend.api import (
    blobs,
    devices,
    enrolment,
    handovers,
    health,
    jobs,
    labels,
    lists,
    losses,
    orders,
    redactions,
    reports,
    search,
    sync,
    trust,
)
from backend.auth import Doorkeeper, People, Sessions
from backend.blobs import BlobDesk
from backend.config import Settings
from backend.escalation import Escalation
from backend.intake import Intake, open_intake
from backend.known import Known
from backend.limits import Attempts
from backend.pages.routes import PAGES, STATIC
from backend.pages.shell import problem_page
from backend.problems import handlers
from backend.webhooks.addresses import Destinations
from backend.webhooks.sending import Caller, Sender
from backend.world import World
from sync.problems import Problem

T = TypeVar("T", int, float)
BODY = 256 * 1024
"""Bytes of a request body, where an address does not say otherwise."""


@asynccontextmanager
async def _meanwhile(run: Callable[[T], Coroutine[Any, Any, None]], every_s: T, name: str) -> AsyncGenerator[None]:
    """What is due is done meanwhile, again and again; never where `every_s` is 0."""
    task = asyncio.create_task(run(every_s), name=name) if every_s else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def intake_of(app: Litestar) -> Intake:
    """The door of an application that runs."""
    intake: Intake = app.state.intake
    return intake


def create_app(settings: Settings, world: World) -> Litestar:
    """The application; its database is opened when it starts and closed when it stops."""
    sessions = Sessions(world, settings.session_s)
    attempts = Attempts(world)
    first_code = FirstCode(world)
    known = Known()
    providers = Providers(settings.providers, url=settings.url, now_ms=world.now_ms, trust=settings.trust_file)

    @asynccontextmanager
    async def hold(app: Litestar) -> AsyncGenerator[None]:
        async with AsyncExitStack() as opened:
            try:
                intake = await opened.enter_async_context(open_intake(settings, world))
            except Problem as problem:
                app.state.refused = problem  # for whoever started it, who has a sentence to say
                raise
            app.state.intake = intake
            app.state.has_admin = await intake_of(app).store.reading(has_admin)
            app.state.sessions = sessions
            app.state.people = People(intake.store)
            app.state.blobs = BlobDesk(intake, app.state.people)
            await app.state.blobs.match()
            await opened.enter_async_context(
                _meanwhile(Escalation(intake).run, settings.escalate_every_s, "escalation")
            )
            caller = Caller(Destinations(settings.call_hosts), settings.trust_file)
            opened.push_async_callback(caller.close)
            app.state.sender = Sender(intake, caller)
            await opened.enter_async_context(_meanwhile(app.state.sender.run, settings.send_every_s, "webhooks"))
            yield

    def the_intake() -> Intake:
        return intake_of(app)

    def the_sender() -> Sender:
        sender: Sender = app.state.sender
        return sender

    def the_people() -> People:
        people: People = app.state.people
        return people

    def the_blobs() -> BlobDesk:
        desk: BlobDesk = app.state.blobs
        return desk

    app = Litestar(
        route_handlers=[
            devices.router,
            sync.router,
            blobs.device_router,
            blobs.staff_router,
            handovers.device_router,
            handovers.staff_router,
            jobs.router,
            lists.router,
            redactions.router,
            orders.router,
            reports.router,
            search.router,
            trust.router,
            enrolment.router,
            labels.router,
            losses.router,
            health.router,
            PAGES,
            STATIC,
        ],
        lifespan=[hold],
        middleware=[DefineMiddleware(Doorkeeper, exclude_from_auth_key="open", exclude="^/schema")],
        dependencies={
            "intake": Provide(the_intake, sync_to_thread=False),
            "blobs": Provide(the_blobs, sync_to_thread=False),
            "sender": Provide(the_sender, sync_to_thread=False),
            "people": Provide(the_people, sync_to_thread=False),
            "sessions": Provide(lambda: sessions, sync_to_thread=False),
            "attempts": Provide(lambda: attempts, sync_to_thread=False),
            "known": Provide(lambda: known, sync_to_thread=False),
            "providers": Provide(lambda: providers, sync_to_thread=False),
            "first_code": Provide(lambda: first_code, sync_to_thread=False),
        },
        exception_handlers=handlers(problem_page),
        request_max_body_size=BODY,
        logging_config=None,
        openapi_config=OpenAPIConfig(title="field handover", version="0.1.0", path="/schema"),
    )
    app.state.first_code = first_code
    return app
