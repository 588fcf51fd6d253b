"""Two years of visits whose truth is known, because they were drawn here.

Each visit has one draw that decides whether it is repeated, compared once with its chance as the world is and once
with its chance as it would have been without the product. The difference, summed, is the number that an estimator
must find; the estimator sees the visits only. Drawn with the standard library's generator from a stated seed, so a
seed is one history for ever.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from math import exp, pi, sin
from random import Random
from typing import Final

import msgspec

from sync.attendances import NO_GAP, NOT_CHECKED, Visit
from sync.clock import milliseconds, rfc3339
from sync.holdout import arm_for
from sync.policy import Arm
from sync.visits import DAY_MS, WINDOW_MS

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
WEEK_MS: Final = 7 * DAY_MS
MONTH_MS: Final = 28 * DAY_MS

TRADES: Final = {"cooling": 0.30, "doors": -0.20, "heating": 0.05, "lifts": -0.05}
"""Trade to its shift of the logit; the mix moves from the first to the last over the two years."""
GAPS: Final = {"part_not_ordered": (2.9, 0.40), "test_not_run": (1.9, 0.65), "photo_missing": (0.8, 0.90)}
"""Type of gap, worst first: how much likelier a repeat becomes (logit), and how often a prompt gets it put right."""
SEVERITY: Final = tuple(GAPS)
VISIT_COLUMNS: Final = (
    "visit",
    "job",
    "site",
    "trade",
    "asset",
    "type",
    "arrived_at",
    "departed_at",
    "outcome",
    "part",
    "plan_declared_at",
    "converted_at",
    "excluded",
    "excluded_by",
    "gap",
    "arm",
)
SITE_COLUMNS: Final = ("site", "live_from")


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What kind of world is drawn. Rates are a site's first visits a week; shares and chances are 0 to 1.

    Sites are switched on in `cohorts` of `cohort_sites`, the first after `first_switch_week` weeks, the next ones
    each `cohort_weeks` later, in an order drawn by lot; `never_live` sites never are. `spill_over` is how much a
    live site repeats less apart from gaps (logit, below 0 is less); `prompting` is false where the product does
    nothing at all. `silent_share` of the checks at live sites is silent by lot.
    """

    start: str = "2024-01-01T00:00:00Z"
    weeks: int = 104
    cohorts: int = 4
    cohort_sites: int = 6
    first_switch_week: int = 40
    cohort_weeks: int = 8
    never_live: int = 6
    assets: int = 70
    rate: float = 4.8
    gap_share: float = 0.22
    base: float = -2.0
    site_sd: float = 0.35
    site_month_sd: float = 0.12
    season: float = 0.25
    a_year: float = -0.25
    spill_over: float = -0.2
    prompting: bool = True
    silent_share: float = 0.0


class Drawn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A visit as it was drawn: repeated by `follow_up` as the world is, and whether it would have been `without`.

    `live` is after its site's switch-on, `prompted` where in addition a gap was shown to somebody.
    """

    id: str
    departed_ms: int
    live: bool
    prompted: bool
    follow_up: str | None
    without: bool


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """Repeat visits avoided for certain among mature visits after the switch-on, and those of them with a prompt.

    `expected` and `observed` are the repeats without the product and with it, over `visits`.
    """

    total: int
    at_the_check: int
    visits: int
    expected: int
    observed: int


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The attendances in order of arrival, each site's switch-on, and what only the one who drew them knows."""

    seed: int
    visits: tuple[Visit, ...]
    switch_on: dict[str, int]
    as_of_ms: int
    drawn: tuple[Drawn, ...]

    def truth(self, watermark_ms: int, window_ms: int = WINDOW_MS) -> Truth:
        """The truth over visits whose window is over at the watermark."""
        mature = [one for one in self.drawn if one.live and one.departed_ms + window_ms <= watermark_ms]
        expected = sum(one.without for one in mature)
        observed = sum(one.follow_up is not None for one in mature)
        return Truth(
            total=expected - observed,
            at_the_check=sum(one.without - (one.follow_up is not None) for one in mature if one.prompted),
            visits=len(mature),
            expected=expected,
            observed=observed,
        )


def history(seed: int, plan: Plan | None = None) -> History:
    """The history of a seed: by default 30 sites and about 20,000 visits in two years.

    By rule rv-1 its repeats are exactly those that were drawn, as far as their windows lie inside it.
    """
    with_ = plan or Plan()
    draw = Random(seed)
    count = with_.cohorts * with_.cohort_sites + with_.never_live
    sites = [f"site-{number:02}" for number in range(1, count + 1)]
    start = milliseconds(with_.start)
    lots = sites.copy()
    draw.shuffle(lots)
    switch_on = {
        site: start
        + (with_.first_switch_week + place // with_.cohort_sites * with_.cohort_weeks) * WEEK_MS
        # In the middle of a working day of that week, as it is done.
        + (int(draw.random() * 5) * DAY_MS + 9 * HOUR_MS)
        for place, site in enumerate(lots[: with_.cohorts * with_.cohort_sites])
    }
    visits: list[Visit] = []
    drawn: list[Drawn] = []
    for number, site in enumerate(sites, start=1):
        place = _Place(Random(draw.random()), with_, site, number, start, switch_on.get(site))
        place.live_through()
        visits.extend(place.visits)
        drawn.extend(place.drawn)
    return History(
        seed=seed,
        visits=tuple(sorted(visits, key=lambda visit: (visit.arrived_ms or 0, visit.id))),
        switch_on=dict(sorted(switch_on.items())),
        as_of_ms=start + with_.weeks * WEEK_MS,
        drawn=tuple(sorted(drawn, key=lambda one: (one.departed_ms, one.id))),
    )


class _Place:
    """One site through the two years. An asset is left alone after its last visit until that one's window is over.

    Without that, two faults of one asset that have nothing to do with each other would be a repeat by rv-1, and the
    truth would no longer be known.
    """

    def __init__(self, draw: Random, plan: Plan, site: str, number: int, start: int, live_from: int | None) -> None:
        self.draw = draw
        self.plan = plan
        self.site = site
        self.number = number
        self.start = start
        self.end = start + plan.weeks * WEEK_MS
        self.live_from = live_from
        self.shift = draw.gauss(0, plan.site_sd)
        self.months = [draw.gauss(0, plan.site_month_sd) for _ in range(plan.weeks // 4 + 1)]
        self.rate = plan.rate * exp(draw.gauss(0, 0.2))
        self.free_from = {f"{site}-unit-{unit:02}": start for unit in range(1, plan.assets + 1)}
        self.visits: list[Visit] = []
        self.drawn: list[Drawn] = []
        self.jobs = 0
        self.trips = 0

    def live_through(self) -> None:
        for day in range(self.plan.weeks * 7):
            midnight = self.start + day * DAY_MS
            weekend = day % 7 >= 5
            for _ in range(self._poisson(self.rate * (0.05 if weekend else 0.18))):
                self._fault(midnight + self._minutes(7 * 60, 16 * 60))
            if self.draw.random() < (0.0 if weekend else 0.1):
                self._upkeep(midnight + self._minutes(7 * 60, 16 * 60))

    def _fault(self, arrived: int) -> None:
        """A fault that has nothing to do with any visit before it, and all visits that follow from it."""
        free = [asset for asset, from_ in self.free_from.items() if from_ < arrived]
        if not free:
            return
        asset = free[int(self.draw.random() * len(free))]
        trade = self._trade(arrived)
        job = self._job()
        first = self._visit(job, asset, trade, arrived)
        if self.draw.random() < 0.08:
            first = msgspec.structs.replace(first, type="install")
        if self.draw.random() < 0.005:
            first = msgspec.structs.replace(first, excluded="storm", excluded_by="dispatcher")
        if self.draw.random() < 0.02:
            self._nobody_there(first)
        if self.draw.random() < 0.03:
            self._second_van(first)
        self._with_all_that_follows(first)

    def _with_all_that_follows(self, first: Visit) -> None:
        visit: Visit | None = first
        while visit is not None:
            departed = visit.departed_ms or 0
            self.free_from[visit.asset or ""] = departed + WINDOW_MS
            if departed >= self.end:
                # Still there when the history ends.
                self.visits.append(msgspec.structs.replace(visit, departed_ms=None, outcome=None, gap=NOT_CHECKED))
                return
            live = self.live_from is not None and departed >= self.live_from
            gap = self._gap()
            arm = self._arm(visit.id, live=live)
            checked = msgspec.structs.replace(visit, gap=gap, arm=arm)
            prompted = live and arm == "prompt" and gap != NO_GAP
            lot, righted = self.draw.random(), self.draw.random()
            plain = self._logit(visit.trade or "", departed)
            without = _chance(plain + (GAPS[gap][0] if gap in GAPS else 0.0))
            as_is = self._as_is(plain, gap, live=live, prompted=prompted, righted=righted)
            self.visits.append(checked)
            again = self._again(checked) if lot < as_is else None
            self.drawn.append(
                Drawn(
                    id=visit.id,
                    departed_ms=departed,
                    live=live,
                    prompted=prompted,
                    follow_up=again.id if again else None,
                    without=lot < without,
                )
            )
            visit = again if again is not None and (again.arrived_ms or 0) < self.end else None

    def _as_is(self, plain: float, gap: str, *, live: bool, prompted: bool, righted: float) -> float:
        """The chance of a repeat with the product: never above the chance without it."""
        worse, put_right = GAPS.get(gap, (0.0, 0.0))
        if not live or not self.plan.prompting:
            return _chance(plain + worse)
        still = 0.0 if prompted and righted < put_right else worse
        return _chance(plain + self.plan.spill_over + still)

    def _again(self, visit: Visit) -> Visit:
        """The visit that repeats this one, at some moment inside its window."""
        departed = visit.departed_ms or 0
        wait = 3 * HOUR_MS + self.draw.random() ** 2 * (WINDOW_MS - 4 * HOUR_MS)
        arrived = departed + int(wait) // MINUTE_MS * MINUTE_MS
        how = self.draw.random()
        same_job = how < 0.4
        again = self._visit(visit.job if same_job else self._job(), visit.asset or "", visit.trade or "", arrived)
        if how < 0.15:
            # The part was not on the van; the second trip was planned only when the first was over.
            return msgspec.structs.replace(again, part="last", plan_declared_ms=departed + 10 * MINUTE_MS)
        if how > 0.9:
            return msgspec.structs.replace(again, type="preventive", converted_ms=arrived + 15 * MINUTE_MS)
        return again

    def _upkeep(self, arrived: int) -> None:
        """Planned upkeep of any asset, which repeats nothing whenever it comes."""
        assets = list(self.free_from)
        asset = assets[int(self.draw.random() * len(assets))]
        visit = self._visit(self._job(), asset, self._trade(arrived), arrived)
        if (visit.departed_ms or 0) < self.end:
            self.visits.append(msgspec.structs.replace(visit, type="preventive"))

    def _nobody_there(self, first: Visit) -> None:
        before = (first.arrived_ms or 0) - DAY_MS
        if before > self.start:
            self.visits.append(
                msgspec.structs.replace(
                    first,
                    id=f"{first.id}-0",
                    arrived_ms=before,
                    departed_ms=before + 10 * MINUTE_MS,
                    outcome="no_access",
                    excluded=None,
                    excluded_by=None,
                )
            )

    def _second_van(self, first: Visit) -> None:
        arrived, departed = first.arrived_ms or 0, first.departed_ms or 0
        if departed < self.end:
            half = (arrived + departed) // 2 // MINUTE_MS * MINUTE_MS
            self.visits.append(msgspec.structs.replace(first, id=f"{first.id}-2", arrived_ms=half))

    def _visit(self, job: str, asset: str, trade: str, arrived: int) -> Visit:
        self.trips += 1
        return Visit(
            id=f"v{self.number:02}-{self.trips:05}",
            job=job,
            site=self.site,
            trade=trade,
            asset=asset,
            type="corrective",
            arrived_ms=arrived,
            departed_ms=arrived + self._minutes(25, 180),
            outcome="done",
        )

    def _job(self) -> str:
        self.jobs += 1
        return f"job-{self.number:02}-{self.jobs:05}"

    def _arm(self, visit: str, *, live: bool) -> Arm:
        return arm_for("history", visit, self.plan.silent_share) if live else "shadow"

    def _gap(self) -> str:
        lot = self.draw.random() / self.plan.gap_share
        return SEVERITY[int(lot * len(SEVERITY))] if lot < 1 else NO_GAP

    def _trade(self, arrived: int) -> str:
        # One in ten faults moves from the first trade to the last over the two years.
        moved = 0.1 * (arrived - self.start) / (self.end - self.start)
        lot = self.draw.random()
        names = tuple(TRADES)
        if lot < moved:
            return names[-1]
        return names[int((lot - moved) / (1 - moved) * len(names))]

    def _logit(self, trade: str, departed: int) -> float:
        years = (departed - self.start) / (52 * WEEK_MS)
        plan = self.plan
        month = self.months[(departed - self.start) // MONTH_MS]
        return plan.base + TRADES[trade] + self.shift + month + plan.season * sin(2 * pi * years) + plan.a_year * years

    def _poisson(self, mean: float) -> int:
        count, product = 0, self.draw.random()
        while product > exp(-mean):
            count += 1
            product *= self.draw.random()
        return count

    def _minutes(self, least: int, most: int) -> int:
        return int(least + self.draw.random() * (most - least)) * MINUTE_MS


def _chance(logit: float) -> float:
    return 1 / (1 + exp(-logit))


def visits_csv(visits: Iterable[Visit]) -> str:
    """The visits as `handover import visits` reads them."""
    return _csv(
        VISIT_COLUMNS,
        (
            (
                visit.id,
                visit.job,
                visit.site,
                visit.trade,
                visit.asset,
                visit.type,
                _when(visit.arrived_ms),
                _when(visit.departed_ms),
                visit.outcome,
                visit.part,
                _when(visit.plan_declared_ms),
                _when(visit.converted_ms),
                visit.excluded,
                visit.excluded_by,
                visit.gap,
                visit.arm,
            )
            for visit in visits
        ),
    )


def switch_on_csv(switch_on: Mapping[str, int]) -> str:
    """The switch-on table as `handover import visits --switch-on` reads it."""
    return _csv(SITE_COLUMNS, ((site, _when(at)) for site, at in sorted(switch_on.items())))


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _when(ms: int | None) -> str | None:
    return None if ms is None else rfc3339(ms)
