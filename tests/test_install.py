"""Each side works with what its own extra installs, and with nothing that only the other one needs."""

import subprocess
import sys
from importlib.metadata import Distribution, distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.lints import ROOT, modules


def closure(extra: str) -> dict[str, Distribution]:
    """Every distribution that `pip install 'handover[extra]'` brings on this platform, less handover itself."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(f"handover[{extra}]")]
    while waiting:
        asked = waiting.pop()
        for line in requires(asked.name) or ():
            needed = Requirement(line)
            contexts = [{"extra": name} for name in ("", *asked.extras)]
            if needed.marker is None or any(needed.marker.evaluate(context) for context in contexts):
                name = canonicalize_name(needed.name)
                if name not in found:
                    waiting.append(needed)
                    found[name] = distribution(name)
    return found


def install(distributions: dict[str, Distribution], target: Path) -> None:
    """Make `target` a folder from which these distributions can be imported, and no others."""
    for found in distributions.values():
        for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            link = target / top
            if not link.exists() and not top.endswith(".pth"):
                link.symlink_to(str(found.locate_file(top)))


def run_alone(target: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code that sees the standard library, this project and what lies in `target`."""
    code = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(target)!r}]\n{code}"
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("side", "other", "absent"), [("device", "backend", "litestar"), ("backend", "device", "paho.mqtt")]
)
def test_a_side_loads_without_what_the_other_needs(side: str, other: str, absent: str, tmp_path: Path) -> None:
    install(closure(side) | {"handover": distribution("handover")}, tmp_path)
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules("sync", side)]
    done = run_alone(tmp_path, "\n".join(f"import {name.removesuffix('.__init__')}" for name in names))
    assert done.returncode == 0, done.stderr
    assert run_alone(tmp_path, f"import {absent}").returncode != 0
    done = run_alone(tmp_path, f"import {side}, sys; print({other!r} in sys.modules)")
    assert done.stdout == "False\n"


def test_the_extra_of_the_device_brings_no_server() -> None:
    assert {"litestar", "uvicorn", "numpy", "jinja2"}.isdisjoint(closure("device"))
    assert "paho-mqtt" in closure("device")
    assert "litestar" in closure("backend")
