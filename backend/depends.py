"""What handlers are given, by name and type; `backend/app.py` provides it."""

from typing import Annotated, TypeAlias

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from backend.accounts.first import FirstCode
from backend.accounts.providers import Providers
from backend.auth import DeviceCaller, People, Sessions, StaffCaller
from backend.blobs import BlobDesk
from backend.intake import Intake
from backend.known import Known
from backend.limits import Attempts
from backend.webhooks.sending import Sender

TheBlobs: TypeAlias = NamedDependency[SkipValidation[BlobDesk]]
TheIntake: TypeAlias = NamedDependency[SkipValidation[Intake]]
ThePeople: TypeAlias = NamedDependency[SkipValidation[People]]
TheKnown: TypeAlias = NamedDependency[SkipValidation[Known]]
TheSessions: TypeAlias = NamedDependency[SkipValidation[Sessions]]
DeviceRequest: TypeAlias = Request[None, DeviceCaller, State]
StaffRequest: TypeAlias = Request[None, StaffCaller, State]
TheAttempts: TypeAlias = NamedDependency[SkipValidation[Attempts]]
TheSender: TypeAlias = NamedDependency[SkipValidation[Sender]]
TheProviders: TypeAlias = NamedDependency[SkipValidation[Providers]]
TheFirstCode: TypeAlias = NamedDependency[SkipValidation[FirstCode]]
InState: TypeAlias = Annotated[str, QueryParameter(name="state")]
"""The query parameter `state`: the framework keeps that name for something of its own."""
