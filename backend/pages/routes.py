"""Every page there is: one router a file, joined here and nowhere else."""

from importlib import resources
from typing import Final

from litestar import Router
from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router

from backend.pages import (
    access,
    account,
    aside,
    devices,
    elsewhere,
    entrance,
    evidence,
    items,
    job,
    jobs,
    labels,
    masters,
    new_job,
    order_imports,
    order_rows,
    orders,
    people,
    policies,
    programs,
    search,
    start,
    teams,
    webhooks,
    workbook,
)
from backend.pages.forms import check_form

__all__ = ["PAGES", "STATIC"]

PAGES: Final = Router(
    "/",
    route_handlers=[
        entrance.open_router,
        entrance.router,
        access.open_router,
        access.router,
        elsewhere.open_router,
        elsewhere.router,
        account.router,
        start.router,
        people.router,
        teams.router,
        programs.router,
        masters.router,
        workbook.router,
        orders.router,
        order_imports.router,
        order_rows.router,
        policies.router,
        devices.router,
        aside.router,
        labels.router,
        webhooks.router,
        jobs.router,
        new_job.router,
        job.router,
        evidence.router,
        items.router,
        search.router,
    ],
    before_request=check_form,
)

with resources.as_file(resources.files("backend.pages").joinpath("static")) as _folder:
    STATIC: Final = create_static_files_router(
        "/static",
        directories=[_folder],
        opt={"open": True},
        cache_control=CacheControlHeader(max_age=31_536_000, immutable=True),
        include_in_schema=False,
    )
"""Addresses under /static carry a digest of the content, so that browsers may keep what they got."""
