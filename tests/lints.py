"""Rules of this house that no type checker knows, as lints over syntax trees: each has a name and a reason."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("sync", "device", "backend", "trial")

# What asks the world for the time or for entropy. A clock that only measures a wait (monotonic) is not among them.
FROM_THE_WORLD = (
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "os.urandom",
    "random.*",
    "secrets.*",
    "time.gmtime",
    "time.localtime",
    "time.time",
    "time.time_ns",
    "uuid.uuid1",
    "uuid.uuid4",
    "*SigningKey.generate",
)
ROOMLESS_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "base"})
ROOMLESS_ALLOWED = frozenset({"device/store/base.py", "backend/store/base.py"})


def modules(*rooms: str, root: Path = ROOT) -> Iterator[Path]:
    """Yield every Python file of the rooms, in order."""
    for room in rooms:
        yield from sorted((root / room).rglob("*.py"))


def full_names(tree: ast.Module) -> dict[str, str]:
    """Map each name that an import binds to what it stands for, "now" to "time.time" for example."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """Give the full name of an attribute or name, "" when it does not start at an import."""
    if isinstance(node, ast.Attribute):
        start = dotted(node.value, names)
        return f"{start}.{node.attr}" if start else ""
    return names.get(node.id, "") if isinstance(node, ast.Name) else ""


def asks_the_world(path: Path) -> list[str]:
    """List the lines that read a clock or draw entropy, as "path:line name".

    Mentioning counts, not only calling: `field(default_factory=time.time)` reads the clock as well.
    """
    tree = ast.parse(path.read_text())
    names = full_names(tree)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = dotted(node, names)
            if any(fnmatchcase(name, source) for source in FROM_THE_WORLD):
                found.append(f"{path}:{node.lineno} {name}")
    return found


def parses_as_it_comes(path: Path) -> list[str]:
    """List the lines that make an ArgumentParser of argparse's own, as "path:line".

    It takes a name that begins with a hyphen for an option; `Parser` of either side does not.
    """
    tree = ast.parse(path.read_text())
    names = full_names(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [f"{path}:{node.lineno}" for node in calls if dotted(node.func, names) == "argparse.ArgumentParser"]


def is_roomless(path: str) -> bool:
    """Tell whether a file's or a folder's name says nothing about what is in it."""
    parts = Path(path).with_suffix("").parts
    return path not in ROOMLESS_ALLOWED and bool(ROOMLESS_NAMES & set(parts))


def lacks_docstring(path: Path) -> bool:
    """Tell whether a module with code in it does not start with a sentence."""
    tree = ast.parse(path.read_text())
    return bool(tree.body) and not ast.get_docstring(tree)
