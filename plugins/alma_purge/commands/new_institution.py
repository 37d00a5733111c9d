"""`new-institution`: write a commented settings file for one more institution."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from alma_purge.places import config_folder, dag_id_of
from alma_purge.terminal import Exit, complain, say
from patron_purge.settings_doc import settings_of
from patron_purge.settings_schema import schema_text
from patron_purge.settings_text import settings_text
from patron_purge.staggering import staggered_schedule
from patron_purge.states import Mode

if TYPE_CHECKING:
    from alma_purge.commands import Subparsers

_CODE = re.compile(r"[a-z0-9][a-z0-9_]{0,30}")
_TO_FILL_IN = ("name", "institution_code", "environment", "timezone")


def add_parser(subparsers: "Subparsers") -> argparse.ArgumentParser:
    """Add the command's parser and return it."""
    made = subparsers.add_parser(
        "new-institution",
        description="Writes include/institutions/CODE.yaml with every setting and what it means. The mode is "
        "report_only, and day and hour of the monthly run are chosen from the code, so that many institutions "
        "do not run at once. A file that is there is never overwritten.",
    )
    made.add_argument("--code", required=True, help="the library's code, such as XYZ")
    return made


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    library_code = str(args.code).strip()
    code = library_code.lower()
    if not _CODE.fullmatch(code):
        complain(
            f"{library_code!r} is no code: take up to 31 letters, digits and underscores, such as "
            "CODE=XYZ. Nothing was written."
        )
        return Exit.TROUBLE
    folder = config_folder() / "institutions"
    path = folder / f"{code}.yaml"
    try:
        _write_new(path, institution_text(code, library_code))
        if not (folder / "schema.json").exists():
            _write_new(folder / "schema.json", schema_text())
    except FileExistsError:
        complain(f"{path} is there already and is left as it is. Nothing was written.")
        return Exit.TROUBLE
    except OSError as error:
        complain(f"{path} can't be written ({error.strerror}).")
        return Exit.TROUBLE
    say(f"{path} is written, with mode report_only and the schedule {staggered_schedule(code)}.")
    say(f"Fill in {', '.join(_TO_FILL_IN)} and report.path, then type: make check-config")
    say(f"Its DAG is {dag_id_of(code)}; it comes paused.")
    return Exit.FINE


def institution_text(code: str, library_code: str) -> str:
    """Return the settings file of a new institution.

    Args:
        code: Its code, in small letters.
        library_code: The code as it stands in the names of the consortium's files.
    """
    given: dict[str, object] = {
        "code": code,
        "library_code": library_code,
        "schedule": staggered_schedule(code),
        "mode": Mode.REPORT_ONLY.value,
        "alma_connection": f"alma_{code}",
        "sftp_connection": f"sftp_{code}",
        "report": {"path": None},
    }
    given |= {doc.name: doc.example for doc in settings_of() if doc.name == "purge_job"}
    heading = (
        f"The settings of {library_code}. Fill in what is empty, then type `make check-config`; what Alma and "
        f"the SFTP server say to it, `make doctor CODE={code}` tells."
    )
    return settings_text(heading, given | dict.fromkeys(_TO_FILL_IN))


def _write_new(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as stream:
        stream.write(text)
