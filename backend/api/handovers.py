"""One handover as paper: the receipt for people, the proof for whoever wants to verify it, for those who may read it.

A handover is named by the hash of its offer, of an answer to it, or of a reassignment; outside the caller's scope the
answer is the same as for a name that nobody gave.
"""

import asyncio
from typing import Final

from litestar import Response, Router, get
from litestar.params import FromPath, FromQuery

from backend.api.blobs import NEVER_SHOWN
from backend.api.jobs import READERS
from backend.depends import DeviceRequest, StaffRequest, TheIntake, ThePeople
from backend.dossier import find_dossier
from backend.exchange.proof import as_zip
from backend.exchange.receipt import as_pdf
from backend.intake import Intake
from backend.proofs import proof_in
from backend.reach import person_keys
from backend.receipts import sheet_for
from backend.words import LANGUAGES, Language
from sync.problems import WRONG_INPUT, Problem

__all__ = ["device_router", "staff_router"]

PDF: Final = "application/pdf"
ZIP: Final = "application/zip"


@get("/{handover:str}/receipt.pdf", guards=[READERS])
async def receipt(
    request: StaffRequest, intake: TheIntake, handover: FromPath[str], language: FromQuery[str] = "en"
) -> Response[bytes]:
    """The receipt of a handover as a PDF, in English (`en`), German, Polish or Arabic."""
    return await receipt_for(intake, handover, request.auth.keys(), language)


@get("/{handover:str}/proof", guards=[READERS])
async def proof(
    request: StaffRequest, intake: TheIntake, handover: FromPath[str], language: FromQuery[str] = "en"
) -> Response[bytes]:
    """The proof of a handover as a ZIP: events, signatures, keys, documents, receipts, and a readable statement."""
    keys, spoken = request.auth.keys(), _language(language)
    return await proof_for(intake, handover, keys, spoken)


async def proof_for(intake: Intake, handover: str, keys: set[str], spoken: Language) -> Response[bytes]:
    """The proof as a ZIP, to be saved; NOT_FOUND where these keys do not reach the handover."""
    found = await intake.store.reading(lambda con: find_dossier(con, handover, keys))
    now_ms = intake.door.world.now_ms()
    raw = await asyncio.to_thread(lambda: as_zip(proof_in(found, intake.door.signer, now_ms, spoken)))
    return _file(raw, ZIP, f"proof-{found.subject.event.hash[:8]}.zip")


@get("/{handover:str}/receipt.pdf")
async def receipt_for_device(
    request: DeviceRequest,
    intake: TheIntake,
    people: ThePeople,
    handover: FromPath[str],
    language: FromQuery[str] = "en",
) -> Response[bytes]:
    """The same for a device, in the scope of the people who record on it."""
    _, directory = await people.now()
    return await receipt_for(intake, handover, person_keys(directory, request.auth.device.people), language)


async def receipt_for(intake: Intake, handover: str, keys: set[str], language: str) -> Response[bytes]:
    """The receipt as a PDF, to be saved; NOT_FOUND where these keys do not reach the handover."""
    spoken = _language(language)
    now_ms = intake.door.world.now_ms()
    sheet = await intake.store.reading(lambda con: sheet_for(con, handover, now_ms, language=spoken, keys=keys))
    return _file(await asyncio.to_thread(as_pdf, sheet), PDF, f"receipt-{sheet.subject[:8]}.pdf")


def _language(text: str) -> Language:
    for language in LANGUAGES:
        if text == language:
            return language
    raise Problem(WRONG_INPUT, f"one of {', '.join(LANGUAGES)}", "language")


def _file(raw: bytes, media: str, name: str) -> Response[bytes]:
    headers = NEVER_SHOWN | {"content-disposition": f'attachment; filename="{name}"'}
    return Response(raw, media_type=media, headers=headers)


staff_router = Router("/api/handovers", route_handlers=[receipt, proof], tags=["handovers"])
device_router = Router("/v1/handovers", route_handlers=[receipt_for_device], tags=["handovers"])
