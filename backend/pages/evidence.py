"""What a job's page rests on, to be opened and saved: each event down to its bytes, attachments, receipts, proofs."""

import sqlite3

from litestar import Response, Router, get
from litestar.params import FromPath
from litestar.response import Stream

from backend.api.blobs import NEVER_SHOWN, as_download
from backend.api.handovers import proof_for, receipt_for
from backend.api.jobs import READERS
from backend.depends import StaffRequest, TheBlobs, TheIntake
from backend.dossier import find_exhibit
from backend.exhibits import Bytes
from backend.intake import Intake
from backend.pages.shell import frame_of, page
from backend.redactions import shown_row
from backend.views import find_job

__all__ = ["router"]


@get("/jobs/{job:str}/events/{event:str}", guards=[READERS])
async def event(request: StaffRequest, intake: TheIntake, job: FromPath[str], event: FromPath[str]) -> Response[str]:
    """One event: who recorded it where, what commits to it, and its bytes."""
    found, text = await _find(intake, job, event, request.auth.keys())
    return page(request, "jobs/event.html", job=job, found=found, one=found.exhibit, text=text)


async def _find(intake: Intake, job: str, event: str, keys: set[str]) -> tuple[Bytes, str]:
    """The event, and its JSON as people see it: with a mark where words were taken out."""

    def read(con: sqlite3.Connection) -> tuple[Bytes, str]:
        found = find_exhibit(con, job, event, keys)
        return found, shown_row(con, found.exhibit.raw).decode()

    return await intake.store.reading(read)


@get("/jobs/{job:str}/events/{event:str}/bytes", guards=[READERS])
async def exact(request: StaffRequest, intake: TheIntake, job: FromPath[str], event: FromPath[str]) -> Response[bytes]:
    """The exact bytes of an event, to be saved: their SHA-256 is its name. Of one whose words are gone, the hash."""
    found, _ = await _find(intake, job, event, request.auth.keys())
    name = f"event-{found.exhibit.event.hash[:8]}.json"
    headers = NEVER_SHOWN | {"content-disposition": f'attachment; filename="{name}"'}
    return Response(found.exhibit.raw, media_type="application/json", headers=headers)


@get("/jobs/{job:str}/blobs/{blob:str}", guards=[READERS])
async def blob(
    request: StaffRequest, intake: TheIntake, blobs: TheBlobs, job: FromPath[str], blob: FromPath[str]
) -> Stream:
    """An attachment of the job, to be saved: what somebody attached is never shown as part of this office."""
    keys = request.auth.keys()
    await intake.store.reading(lambda con: find_job(con, keys, job))
    return as_download(blobs, await blobs.readable_by(keys, blob), 0)


@get("/handovers/{handover:str}/receipt.pdf", guards=[READERS])
async def receipt(request: StaffRequest, intake: TheIntake, handover: FromPath[str]) -> Response[bytes]:
    """The receipt of a handover in the reader's language."""
    return await receipt_for(intake, handover, request.auth.keys(), frame_of(request).words.language)


@get("/handovers/{handover:str}/proof.zip", guards=[READERS])
async def proof(request: StaffRequest, intake: TheIntake, handover: FromPath[str]) -> Response[bytes]:
    """The proof of a handover, with a statement in the reader's language."""
    return await proof_for(intake, handover, request.auth.keys(), frame_of(request).words.language)


router = Router("/", route_handlers=[event, exact, blob, receipt, proof], include_in_schema=False)
