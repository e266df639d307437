"""Environments for engines that cxml does not depend on, made once in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path


class NotInstalledError(Exception):
    """An environment that could not be made, and why."""


def python_of(name: str) -> Path:
    """Return the Python of an environment that has what ``requirements-<name>.txt`` lists.

    Raises
    ------
    NotInstalledError
        If it cannot be installed here, with the installer's last words.
    """
    requirements = Path(__file__).parent / f"requirements-{name}.txt"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cxml-benchmarks"
    folder = cache / f"{name}-{wanted}"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if (folder / "ready").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)]
    for command in ([sys.executable, "-m", "venv", str(folder)], install):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            words = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
            raise NotInstalledError(words[-1].strip())
    (folder / "ready").touch()
    return python
