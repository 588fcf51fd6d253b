"""Bodies of events from what people and programs give by field name: nothing that was said is dropped."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from sync.events import Fact
from sync.problems import BAD_ARGUMENT, Problem

_F = TypeVar("_F", bound=Fact)


def body_of(kind: type[_F], fields: Mapping[str, object]) -> _F:
    """A body of this kind; None stands for a field that was not said. BAD_ARGUMENT names what does not fit."""
    said = {name: value for name, value in fields.items() if value is not None}
    unknown = sorted(said.keys() - set(kind.__struct_fields__))
    if unknown:
        raise Problem(BAD_ARGUMENT, f"there is no field {', '.join(unknown)}")
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        raise Problem(BAD_ARGUMENT, str(error)) from error
