"""`verify`: work the certificate of a run out again and name every difference."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import ObjectStoragePath
from airflow.utils.session import create_session
from sqlalchemy.exc import SQLAlchemyError

from alma_purge.places import dag_id_of, institution_files
from alma_purge.run_folder import RunFolder
from alma_purge.steps.stored_runs import require_institution, stored_run
from alma_purge.steps.verification import read_certificate, verify
from alma_purge.steps.verified_files import Finding, Verdict, recorded_elsewhere
from alma_purge.terminal import Exit, say
from alma_purge.web.records import read_records
from patron_purge.certificate import Certificate
from patron_purge.errors import RunFileError

if TYPE_CHECKING:
    from alma_purge.commands import Subparsers

_LIMITS = (
    "This shows that the certificate and the run folder fit together. It does not show that neither was forged: "
    "whoever can write to the store can change both."
)
_NOT_ASKED = "With --database the checksums are also held against Airflow's database, which is another place."


def add_parser(subparsers: "Subparsers") -> argparse.ArgumentParser:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "verify",
        description="Work the certificate of a run out again from its run folder: checksums, counts, equation, digest "
        "and decision. The exit status is 0 when it is confirmed, 1 when something differs, and 2 when it can't be "
        "verified.",
    )
    parser.add_argument("run", metavar="RUN", help="run id of Airflow, or the path or URL of the run folder")
    parser.add_argument(
        "--institution", help="short code of the institution; needed when two have a run of this id"
    )
    parser.add_argument(
        "--database", action="store_true", help="also compare with the checksums in Airflow's database"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Verify the run and say what was found."""
    folder = _folder(args.run, args.institution)
    certificate = read_certificate(folder)
    say(f"{certificate.institution_name}, {certificate.environment.upper()}, run {certificate.run_id}")
    say(f"{certificate.outcome.label}. {certificate.headline}")
    say()
    findings = list(verify(folder, certificate))
    if args.database:
        findings += recorded_elsewhere(folder, certificate, _on_record(certificate))
    for finding in findings:
        say(f"{finding.verdict.value:8} {finding.text}")
    say()
    say(_conclusion(findings))
    say(_LIMITS if args.database else f"{_LIMITS} {_NOT_ASKED}")
    return Exit.FOUND if _count(findings, Verdict.DIFFERS) else Exit.FINE


def _conclusion(findings: list[Finding]) -> str:
    different = _count(findings, Verdict.DIFFERS)
    if different:
        return f"NOT CONFIRMED: {different:,} difference(s)."
    if _count(findings, Verdict.GONE):
        return "CONFIRMED, as far as the run folder still holds what the certificate rests on."
    return "CONFIRMED."


def _count(findings: list[Finding], verdict: Verdict) -> int:
    return sum(finding.verdict is verdict for finding in findings)


def _folder(named: str, institution: str | None) -> RunFolder:
    """Find the run folder that somebody means."""
    if "://" in named:
        return RunFolder(ObjectStoragePath(named))
    if Path(named).is_dir():
        return RunFolder(ObjectStoragePath(Path(named).resolve().as_uri()))
    if institution:
        require_institution(institution)
        return stored_run(institution, named).folder
    found = [folder for path in institution_files() if (folder := _in_store(path.stem, named))]
    if len(found) > 1:
        raise RunFileError(f"{len(found)} institutions have a run {named}. Say which one with --institution.")
    if not found:
        raise RunFileError(
            f"No institution has a folder of the run {named}. Copy the run id from Airflow, and make sure that "
            "ALMA_PURGE_STORE names the store that Airflow uses."
        )
    return found[0]


def _in_store(institution: str, named: str) -> RunFolder | None:
    try:
        return stored_run(institution, named).folder
    except RunFileError:
        return None


def _on_record(certificate: Certificate) -> dict[str, str]:
    """Ask Airflow's database for the checksums that the tasks of the run have recorded."""
    try:
        with create_session() as session:
            records = read_records(session, dag_id_of(certificate.institution), certificate.run_id)
    except SQLAlchemyError as error:
        raise RunFileError(
            f"Airflow's database can't be reached from here ({type(error).__name__}). Run this where Airflow runs, or "
            "leave out --database."
        ) from error
    if records is None:
        raise RunFileError(
            f"Airflow's database knows no run {certificate.run_id} of this institution any more."
        )
    return {name: sha256 for (_, name), sha256 in records.checksums.items()}
