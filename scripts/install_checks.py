"""Is this Python good enough to create the environment? Runs on Python 3.8 as well, to say that it is not."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from typing import Callable

OLDEST = (3, 11)
NEWER_PYTHONS = ("python3.14", "python3.13", "python3.12", "python3.11")


class Stop(Exception):  # noqa: N818 - not an error of the program: the install can't go on, and this is the line
    """The install can't go on; the text is the one line that says why and what to do."""


def check_python(version: tuple[int, ...], find: Callable[[str], str | None] = shutil.which) -> None:
    """Refuse a Python that is too old, naming a newer one when there is one on the path.

    Args:
        version: Major and minor number, as in `sys.version_info`.
        find: Looks a command up on the path; returns None when there is none.

    Raises:
        Stop: The Python is older than 3.11.
    """
    if version >= OLDEST:
        return
    newer = next((name for name in NEWER_PYTHONS if find(name)), None)
    advice = (
        f"add PYTHON={newer} to the command"
        if newer
        else "install one, then add PYTHON=/path/to/it to the command"
    )
    raise Stop(f"Python 3.11 or newer is needed and {sys.executable} is {version[0]}.{version[1]}: {advice}.")


def check_modules(find: Callable[[str], object] = importlib.util.find_spec) -> None:
    """Refuse a Python that can't create virtual environments (Debian ships that part separately).

    Args:
        find: Looks a module up; returns None when there is none.

    Raises:
        Stop: `venv` or `ensurepip` is missing.
    """
    missing = [name for name in ("venv", "ensurepip") if find(name) is None]
    if missing:
        raise Stop(
            f"{sys.executable} can't create virtual environments ({' and '.join(missing)} missing): "
            "install your system's python3-venv package, or name another Python with PYTHON=/path/to/python3."
        )
