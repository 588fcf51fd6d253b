"""Where devices send attachments and, with people of the office, fetch them: bytes, never a page.

What is fetched is a download whatever its type says: nothing that somebody attached is shown by a browser as part of
this product.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from litestar import MediaType, Response, Router, get, post, put
from litestar.params import FromPath, FromQuery, QueryParameter, RawBody
from litestar.response import Stream

from backend.api.jobs import READERS
from backend.blobs import BlobDesk, Chunk, Readable
from backend.depends import DeviceRequest, StaffRequest, TheBlobs
from sync.codec import decode, encode
from sync.problems import WRONG_INPUT, Problem
from sync.protocol import MOST_ASKED, MOST_CHUNK, BlobsAsked

__all__ = ["device_router", "staff_router"]

_PIECE: Final = 256 * 1024
FromOffset = Annotated[int, QueryParameter(name="from", ge=0)]
NEVER_SHOWN: Final = {
    "content-disposition": "attachment",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cache-control": "private, no-store",
}
"""Headers of every attachment that leaves: save it, guess nothing, run nothing."""


@post("", status_code=200, request_max_body_size=64 * MOST_ASKED)
async def ask(request: DeviceRequest, body: RawBody, blobs: TheBlobs) -> Response[bytes]:
    """How much of each blob is held; one that is whole has its signed receipt. See BlobsAsked and BlobsReply."""
    reply = await blobs.ask(request.auth, decode(body, BlobsAsked))
    return Response(encode(reply), media_type=MediaType.JSON)


@put("/{name:str}", status_code=200, request_max_body_size=MOST_CHUNK)
async def send(
    request: DeviceRequest,
    body: RawBody,
    blobs: TheBlobs,
    name: FromPath[str],
    offset: FromQuery[int],
    size: FromQuery[int],
    check: FromQuery[str],
) -> Response[bytes]:
    """A chunk of a blob of `size` bytes, from `offset` on; `check` is its own SHA-256. See BlobHeld in the answer.

    One that does not go on where the last one ended is not taken: the answer says where that is.
    """
    chunk = Chunk(sha256=name, offset=offset, size=size, check=check, raw=body)
    return Response(encode(await blobs.take(request.auth, chunk)), media_type=MediaType.JSON)


@get("/{name:str}")
async def fetch(request: DeviceRequest, blobs: TheBlobs, name: FromPath[str], offset: FromOffset = 0) -> Stream:
    """A blob of a job in this device's scope, from the byte `from` on."""
    return as_download(blobs, await blobs.readable_by_device(request.auth.kid, name), offset)


@get("/{name:str}", guards=[READERS])
async def download(request: StaffRequest, blobs: TheBlobs, name: FromPath[str], offset: FromOffset = 0) -> Stream:
    """A blob of a job in the caller's scope, from the byte `from` on."""
    return as_download(blobs, await blobs.readable_by(request.auth.keys(), name), offset)


def as_download(blobs: BlobDesk, found: Readable, offset: int) -> Stream:
    """The blob from this byte on, to be saved and never shown."""
    if offset > found.size:
        raise Problem(WRONG_INPUT, f"it has {found.size} bytes", "from")
    headers = NEVER_SHOWN | {"content-length": str(found.size - offset)}
    return Stream(_pieces(blobs, found, offset), media_type=found.type, headers=headers)


async def _pieces(blobs: BlobDesk, found: Readable, offset: int) -> AsyncIterator[bytes]:
    while offset < found.size:
        piece = await blobs.piece(found.sha256, offset, min(_PIECE, found.size - offset))
        yield piece
        offset += len(piece)


device_router = Router("/v1/sync/blobs", route_handlers=[ask, send, fetch], tags=["devices"])
staff_router = Router("/api/blobs", route_handlers=[download], tags=["jobs"])
