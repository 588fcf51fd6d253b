"""What a deployment sets: where the data is, where the server listens, who stands for the office."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from sync.blobs import TYPES


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service with whose accounts people sign in (OpenID Connect); `id` stands in addresses, `label` on the button.

    The secret stands in a file or in a variable of the environment; with neither the office is a public client.
    """

    id: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}$")]
    label: Annotated[str, Meta(min_length=1, max_length=60)]
    issuer: Annotated[str, Meta(pattern=r"^https?://[^\s?#]+$", max_length=500)]
    client_id: Annotated[str, Meta(min_length=1, max_length=500)]
    secret_file: str = ""
    secret_env: str = ""
    scope: str = "openid email profile"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of one backend.

    `database` is a SQLite file; the signing key is kept beside it. `url` is what enrolment codes tell
    devices to call. `desk` is the team that holds imported and dispatched jobs until somebody accepts.
    `escalate_every_s` is how often offers past their limit are looked for; 0 leaves that to the caller.
    """

    database: Path
    url: str = "http://127.0.0.1:8300"
    desk: Annotated[str, Meta(min_length=1, max_length=200)] = "desk"
    zone: str = "UTC"
    readers: Annotated[int, Meta(ge=1, le=16)] = 2
    session_s: Annotated[int, Meta(ge=60, le=86_400)] = 3_600
    escalate_every_s: Annotated[int, Meta(ge=0, le=3_600)] = 30
    checkers: Annotated[int, Meta(ge=0, le=16)] = 0
    """Processes that read pushes and check signatures; with none, the server does so itself."""
    cached_events: Annotated[int, Meta(ge=0, le=2_000_000)] = 60_000
    """How many judged events are kept in memory, so that a job in work is not read again for each push."""

    blob_types: tuple[str, ...] = TYPES
    """Media types of attachments that are taken."""
    blob_most_bytes: Annotated[int, Meta(ge=1)] = 20 * 1024 * 1024
    blob_quota_bytes: Annotated[int, Meta(ge=0)] = 4 * 1024 * 1024 * 1024
    """How many bytes of attachments one device may send in all."""
    blob_reserve_bytes: Annotated[int, Meta(ge=0)] = 256 * 1024 * 1024
    """Room on the disk that attachments leave to events."""

    call_hosts: tuple[str, ...] = ()
    """Hosts, addresses and networks that webhooks may call though they are not on the open network."""
    trust_file: Path | None = None
    """Certificates that are trusted besides the machine's own when other systems are called."""
    send_every_s: Annotated[float, Meta(ge=0, le=3_600)] = 1.0
    """How often it is looked for what is to be sent to webhooks; 0 leaves that to the caller."""

    providers: tuple[Provider, ...] = ()
    """Services with whose accounts people sign in, beside their passwords."""

    @property
    def blob_folder(self) -> Path:
        """Where the bytes of attachments are kept."""
        return self.database.with_name(self.database.name + ".blobs")

    @property
    def key_file(self) -> Path:
        """Where the backend's signing key is kept, readable by its owner alone."""
        return self.database.with_name(self.database.name + ".key")
