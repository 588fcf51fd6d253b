"""Where JSON is not of its type: msgspec says that some entry of an object is wrong, this says which."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec


def first_fault(raw: Any, shape: Any, place: str = "$") -> tuple[str, str] | None:  # noqa: ANN401 - JSON and its type
    """What is wrong and where, as `$.people.anna.roles[0]`; None where `raw` is JSON of this type."""
    try:
        msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        for part, part_shape, part_place in _parts(raw, shape, place):
            found = first_fault(part, part_shape, part_place)
            if found:
                return found
        text, _, rest = str(error).partition(" - at `")
        return text, place + rest.removesuffix("`").removeprefix("key in ").removeprefix("$")
    return None


def _parts(raw: Any, shape: Any, place: str) -> Iterator[tuple[Any, Any, str]]:  # noqa: ANN401 - as above
    """What `raw` consists of, each part with the type that is asked of it."""
    origin, args = get_origin(shape), get_args(shape)
    if origin is Annotated:
        yield from _parts(raw, args[0], place)
    elif origin in (Union, UnionType):
        yield from _parts_of_union(raw, args, place)
    elif isinstance(raw, dict) and origin is dict:
        for key, value in raw.items():
            yield key, args[0], f"{place}.{key}"
            yield value, args[1], f"{place}.{key}"
    elif isinstance(raw, dict) and isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        hints = get_type_hints(shape, include_extras=True)
        for field in msgspec.structs.fields(shape):
            if field.encode_name in raw:
                yield raw[field.encode_name], hints[field.name], f"{place}.{field.encode_name}"
    elif isinstance(raw, list) and origin is tuple:
        for index, value in enumerate(raw):
            yield value, args[0], f"{place}[{index}]"


def _parts_of_union(raw: Any, members: tuple[Any, ...], place: str) -> Iterator[tuple[Any, Any, str]]:  # noqa: ANN401
    structs = [one for one in members if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    for one in structs:
        tag = one.__struct_config__.tag
        if isinstance(raw, dict) and (tag is None or raw.get(one.__struct_config__.tag_field or "") == tag):
            yield from _parts(raw, one, place)
