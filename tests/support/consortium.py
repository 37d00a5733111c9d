"""A configuration folder with as many institutions as a consortium has."""

import os
import shutil
from pathlib import Path

from patron_purge.staggering import staggered_schedule

INCLUDE = Path(__file__).resolve().parents[2] / "include"


def write_consortium(folder: Path, count: int) -> Path:
    """Write a configuration folder with the given number of institutions.

    Args:
        folder: A folder that does not exist yet.
        count: How many institutions.

    Returns:
        The folder, to be named by ALMA_PURGE_CONFIG.
    """
    shutil.copytree(INCLUDE / "jobs", folder / "jobs")
    (folder / "institutions").mkdir()
    shutil.copy(INCLUDE / "institutions" / "demo-protect.csv", folder / "institutions")
    text = (INCLUDE / "institutions" / "demo.yaml").read_text(encoding="utf-8")
    for number in range(count):
        code = f"lib{number:02d}"
        changed = {
            "code: demo": f"code: {code}",
            "institution_code: 01DEMO_XYZ": f"institution_code: 01ABC_{code.upper()}",
            'schedule: "0 6 2 * *"': f"schedule: {staggered_schedule(code)}",
            "alma_connection: alma_demo": f"alma_connection: alma_{code}",
        }
        own = text
        for old, new in changed.items():
            if old not in own:
                raise ValueError(f"demo.yaml no longer says {old}")
            own = own.replace(old, new, 1)
        (folder / "institutions" / f"{code}.yaml").write_text(own, encoding="utf-8")
    return folder


def environment_of(folder: Path) -> dict[str, str]:
    """Return this program's environment with that configuration folder."""
    return {**os.environ, "ALMA_PURGE_CONFIG": str(folder)}
