"""Steps as hosts do them: the scenario's names replaced by what they came to stand for, hashes and ids."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import inspect

from sync.clock import rfc3339
from sync.problems import NOTHING_RECORDED, Problem
from trial.naming import chosen, info_of
from trial.steps import AnyStep
from trial.times import after


class Filler:
    """Replaces names in steps: `jobs`, `events` and `visits` give the ids and hashes known so far."""

    def __init__(
        self, start_ms: int, jobs: Mapping[str, str], events: Mapping[str, str], visits: Mapping[str, str]
    ) -> None:
        self._start_ms = start_ms
        self._ids: dict[str, Mapping[str, str]] = {"job": jobs, "event": events, "visit": visits}

    def filled(self, step: AnyStep) -> AnyStep:
        """The step with its names replaced. NOTHING_RECORDED where one names a step that recorded nothing."""
        said = msgspec.to_builtins(step)
        return msgspec.convert(self._walk(said, info_of(type(step)), ""), type(step))

    def _walk(self, value: Any, info: inspect.Type, kind: str) -> Any:  # noqa: ANN401 - JSON of any shape
        match info:
            case inspect.Metadata():
                return self._walk(value, info.type, (info.extra or {}).get("names", kind))
            case inspect.UnionType():
                return self._walk(value, chosen(value, info), kind)
            case inspect.StructType() if isinstance(value, dict):
                shapes = {field.encode_name: field.type for field in info.fields}
                return {
                    key: self._walk(part, shapes[key], "") if key in shapes else part for key, part in value.items()
                }
            case inspect.VarTupleType() if isinstance(value, tuple | list):
                return [self._walk(part, info.item_type, "") for part in value]
            case inspect.StrType() if kind and value:
                return self._named(kind, value)
        return value

    def _named(self, kind: str, name: str) -> str:
        if kind == "instant":
            return rfc3339(after(self._start_ms, name))
        if kind not in self._ids:
            return name
        if name not in self._ids[kind]:
            raise Problem(NOTHING_RECORDED, f"{name!r} recorded no such event")
        return self._ids[kind][name]
