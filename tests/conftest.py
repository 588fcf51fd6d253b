"""What every test gets: asyncio under anyio, Hypothesis as bounded here, and no quiet skips under CI."""

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# A slow machine is no failure, and what failed once is shown so that it can be replayed. Examples are
# drawn afresh in each run, also under CI, where Hypothesis would otherwise repeat the same ones for ever.
BOUNDED = settings(
    deadline=None, print_blob=True, derandomize=False, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.register_profile("bounded", BOUNDED)
settings.register_profile("soak", BOUNDED, max_examples=5_000)
settings.load_profile(os.environ.get("HANDOVER_EXAMPLES", "bounded"))

NOTHING_IS_SKIPPED = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a skip or an expected failure a failure that says what it was."""
    if NOTHING_IS_SKIPPED and report.skipped:
        reason = getattr(report, "wasxfail", None) or report.longrepr
        if isinstance(reason, tuple):
            reason = reason[2]
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was not run, and CI runs everything: {reason}"
        if hasattr(report, "wasxfail"):
            del report.wasxfail


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report
