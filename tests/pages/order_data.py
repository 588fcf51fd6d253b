"""Orders for pages to show: the two hundred of the seed, some of their jobs offered, and the file of a week later."""

from functools import partial

import msgspec

from backend.acting import Acting
from backend.actions import ACTIONS, AskedDispatch
from backend.exchange.orders import read_orders
from backend.master import SITE, SiteRow, put
from backend.order_imports import Said, import_orders, zones_of
from backend.sheets import read_sheet
from backend.uploads import Upload, keep_upload, way_to_read
from backend.writing import Writing
from fixtures.seed.orders_200 import SITES
from sync.policy import Policy
from tests.lints import ROOT
from tests.pages.office import Office

SEED = ROOT / "fixtures" / "seed"
GERMAN = (
    "Auftragsnr;Standort;Anlage;Datum;von;bis;Dringlichkeit;Status;Bemerkung\n"
    "5001;market-hall;market-gate;09.03.2027;8:00;12:00;hoch;offen;Tor klemmt\n"
    "5002;bakery;bakery-cooler;10.03.2027;9:00;11:00;normal;offen;\n"
    "5003;old-mill;;11.03.2027;;;normal;storniert;\n"
)
PAYLOAD = {"priority": "routine", "state": "not_started", "summary": "As ordered", "next_actions": [{"what": "look"}]}

_JOB_OF = "SELECT j.id, j.body ->> '$.seen' FROM order_row AS o JOIN job_row AS j ON j.job = o.job WHERE o.name = ?"


def take_in(office: Office, file: str, by: str = "dora") -> int:
    """Afterwards this file of the seed was taken in; the number of its run."""
    raw = (SEED / file).read_bytes()

    def work(writing: Writing) -> int:
        read = read_orders(raw, zones_of(writing.con, None))
        return import_orders(office.intake.door, writing, read, Said(by=by, via="page", file=file)).run

    return office.do(work)


def offer(office: Office, orders: tuple[str, ...], to: str = "anna") -> None:
    """Afterwards the jobs of these orders are offered to somebody."""
    acting = Acting(office.intake.door, "dora")

    def work(writing: Writing) -> None:
        for name in orders:
            job, seen = writing.con.execute(_JOB_OF, (name,)).fetchone()
            plain = {"action": f"offers-{job}", "seen": seen, "to": [to], "boundary": "site", "payload": PAYLOAD}
            acting.act(writing, ACTIONS["dispatch"], job, msgspec.convert(plain, AskedDispatch))

    office.do(work)


def settle_sites(office: Office) -> None:
    """Afterwards the sites of the seed are listed, and work may be offered at them."""

    def work(writing: Writing) -> None:
        for site in SITES:
            row = SiteRow(name=site.replace("-", " ").capitalize(), zone="Europe/Berlin")
            put(writing.con, SITE, site, row, by="test", now_ms=writing.now_ms)
        writing.issue(Policy(boundary="site", version=1, issued_at=""))

    office.do(work)


def furnish_orders(office: Office) -> dict[str, str]:
    """Puts in orders in every state; what `{…}` in an address of a page stands for."""
    settle_sites(office)
    run = take_in(office, "orders-200.csv")
    offer(office, ("fsm/47100", "fsm/47101", "fsm/47102", "fsm/47104"))
    take_in(office, "orders-200-changed.csv")

    def rows(writing: Writing) -> dict[str, str]:
        con = writing.con
        (waiting,) = con.execute(
            "SELECT name FROM order_row WHERE job = -1 AND body ->> '$.order.reference' IS NULL ORDER BY name"
        ).fetchone()
        (aside,) = con.execute("SELECT id FROM order_aside WHERE state = '' AND field = 'priority'").fetchone()
        return {"waiting": waiting, "aside": str(aside)}

    names = office.do(rows) | {"changed": "fsm/47100", "cancelled": "fsm/47104", "run": str(run)}
    plain = (SEED / "orders.csv").read_bytes()
    for id_, file, raw in (("plain", "orders.csv", plain), ("mapped", "export.csv", GERMAN.encode())):
        name, mapping = way_to_read(read_sheet(raw), file, ())
        upload = Upload(id=f"{id_}-upload", file=file, raw=raw, name=name, mapping=mapping)
        office.do(partial(keep_upload, upload=upload, by="dora"))
        names[id_] = upload.id
    return names
