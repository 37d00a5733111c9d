"""`explain`: say what happened to one person, and why."""

import argparse
from typing import TYPE_CHECKING

from pydantic import ValidationError

from alma_purge import files
from alma_purge.run_folder import RunFolder
from alma_purge.steps.review_list import latest_ledger
from alma_purge.steps.stored_runs import StoredRun, require_institution, stored_run, stored_runs
from alma_purge.terminal import Exit, complain, say
from patron_purge.decision import Decision
from patron_purge.errors import RunFileError
from patron_purge.explanation import rows_of_person, what_happened
from patron_purge.ledger import read_ledger_csv

if TYPE_CHECKING:
    from alma_purge.commands import Subparsers

_FACTS = (
    ("original_group", "user group"),
    ("expiry_date", "expiry date"),
    ("purge_date", "purge date"),
    ("last_activity", "last activity"),
    ("fees", "fees"),
    ("loans", "loans"),
)


def add_parser(subparsers: "Subparsers") -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "explain",
        description="Say what happened to one person in each run that still has its list of people, and why. Reads the "
        "run folders only. The answer holds personal data and goes to this terminal only.",
    )
    parser.add_argument("--institution", required=True, help="short code of the institution")
    parser.add_argument(
        "--user",
        help="primary id; asked for when left out, so that no shell history or process list keeps it",
    )
    parser.add_argument("--run", help="run id of Airflow; every run when left out")
    return parser


def run(args: argparse.Namespace) -> int:
    """Look for the person in the ledgers."""
    require_institution(args.institution)
    typed = args.user if args.user is not None else input("Primary id: ")
    runs = (stored_run(args.institution, args.run),) if args.run else stored_runs(args.institution)
    said = [_say_about(one, typed) for one in runs]
    without = said.count(None)
    if not any(said):
        say("No run that still has its list of people has a person with this primary id in its report.")
    if without:
        say(
            f"{without:,} run(s) have no list of people any more, or never had one; nothing can be said about them. "
            "Lists of people are kept for a short time only."
        )
    return Exit.FINE


def _say_about(one: StoredRun, typed: str) -> bool | None:
    """Say what happened in one run; return whether the person was in it, None when it has no ledger."""
    content = latest_ledger(one.folder)
    if content is None:
        return None
    try:
        rows = rows_of_person(read_ledger_csv(content), typed)
    except RunFileError as error:
        complain(f"Run {one.name}: {error}")
        return None
    if not rows:
        return False
    when = f", {one.began_at:%Y-%m-%d %H:%M %Z}" if one.began_at else ""
    say(f"Run {one.name}{when}")
    for row in rows:
        other = "" if row["primary_id"] == typed else f" (typed: {typed})"
        say(f"  {row['primary_id']}{other}, row {row['row']} of the report")
        say(f"  {what_happened(row)}")
        facts = ", ".join(f"{name} {row[column]}" for column, name in _FACTS if row[column])
        say(f"  On record: {facts or 'nothing more'}.")
    say(f"  {_approval(one.folder)}")
    say()
    return True


def _approval(folder: RunFolder) -> str:
    """Say what was decided about the list of the run."""
    content = folder.read_if_there(files.DECISION)
    if content is None:
        return "Nobody was asked to approve the list of this run."
    try:
        decision = Decision.model_validate_json(content)
    except ValidationError as error:
        raise RunFileError(f"{files.DECISION} in the folder {folder.path.name} can't be read.") from error
    who = f" by {decision.answered_by.name} ({decision.answered_by.id})" if decision.answered_by else ""
    when = f" on {decision.answered_at:%Y-%m-%d %H:%M %Z}" if decision.answered_at else ""
    return f"The list of this run: {decision.state.label}{who}{when}."
