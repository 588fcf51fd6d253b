"""An authority of the test's own: certificates for a broker and its devices, made by OpenSSL's command."""

import shutil
import subprocess
from pathlib import Path

import pytest

MISSING = "openssl is missing, and this test makes certificates with it: apt-get install openssl"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2")


class Authority:
    """A certificate that signs others, each file in `folder` by its holder's name: NAME.pem and NAME.key."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._name = name
        self.file = folder / f"{name}.pem"
        self._request(name, "-addext", "keyUsage=critical,keyCertSign", "-nodes")

    def issue(self, name: str, *hosts: str, guard: str = "") -> tuple[Path, Path]:
        """The certificate and the key of this name, for these hosts (DNS:… or IP:…)."""
        signer = ("-CA", str(self.file), "-CAkey", str(self.file.with_suffix(".key")))
        named = ("-addext", f"subjectAltName={','.join(hosts)}") if hosts else ()
        guarded = ("-passout", f"pass:{guard}") if guard else ("-nodes",)
        self._request(name, *signer, *named, *guarded, "-addext", "basicConstraints=critical,CA:FALSE")
        return self._folder / f"{name}.pem", self._folder / f"{name}.key"

    def _request(self, name: str, *more: str) -> None:
        program = shutil.which("openssl")
        if program is None:
            pytest.fail(MISSING)
        files = ("-keyout", str(self._folder / f"{name}.key"), "-out", str(self._folder / f"{name}.pem"))
        words = [program, "req", "-x509", *NEW_KEY, "-subj", f"/CN={name}", *files, *more]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
