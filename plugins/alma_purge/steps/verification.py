"""Works a certificate out again from its run folder, and names every difference."""

from collections.abc import Iterator

from pydantic import ValidationError

from alma_purge import files
from alma_purge.run_folder import RunFolder
from alma_purge.steps.certificate_content import PAPERS_OF_DIGEST, Known, content_of, digest_again
from alma_purge.steps.certificate_facts import outcome_facts
from alma_purge.steps.papers import StoredPapers
from alma_purge.steps.verified_files import Finding, Verdict, file_findings, present_files
from patron_purge.certificate import Certificate, CertificateContent
from patron_purge.decision import DecisionState
from patron_purge.digest import approval_code
from patron_purge.errors import PurgeError, RunFileError
from patron_purge.run_outcome import outcome_of
from patron_purge.states import RowState

_LONGEST = 200
_LEDGERS = frozenset({files.LEDGER, files.LEDGER_RESTORED, files.LEDGER_REVIEWED})
_LISTS = _LEDGERS | {files.DROPS_REGROUP, files.DROPS_PURGE, files.TAKEN_OFF}
# What depends on who was taken off the list, if anybody was.
_FROM_TAKEN_OFF = frozenset({"by_group", "money", "digest"})
# What can't be worked out any more when the lists of people have been deleted.
_FROM_LISTS = frozenset(
    {"period", "sent", "purged", "equation", "by_reason", "kept_by_alma", "money_waived", "instances"}
)


def read_certificate(folder: RunFolder) -> Certificate:
    """Read the certificate of a run.

    Args:
        folder: The run folder.

    Raises:
        RunFileError: There is none, or it is no certificate of this version.
    """
    content = folder.read_if_there(files.CERTIFICATE)
    if content is None:
        raise RunFileError(
            f"There is no {files.CERTIFICATE} in {folder.path}, so there is nothing to verify."
        )
    try:
        return Certificate.model_validate_json(content)
    except ValidationError as error:
        raise RunFileError(
            f"{files.CERTIFICATE} in {folder.path} is no certificate that this version of the package can read."
        ) from error


def verify(folder: RunFolder, certificate: Certificate) -> Iterator[Finding]:
    """Hold a certificate against its run folder.

    Args:
        folder: The run folder.
        certificate: Its certificate.

    Yields:
        What each check found.
    """
    present = present_files(folder, certificate)
    yield from file_findings(folder, certificate, present)
    yield from _within_itself(certificate)
    used = frozenset(one.name for one in certificate.files if one.used)
    gone = {name for name in used if present[name] is None}
    papers = StoredPapers(folder, used)
    try:
        content = content_of(papers, _known(certificate))
        yield from _content(content, certificate, gone)
        if not gone & _LISTS:
            yield _outcome(content, certificate, papers)
        yield from _digest(papers, certificate, gone)
    except (PurgeError, ValidationError) as error:
        said = str(error) if isinstance(error, PurgeError) else "A paper of the run can't be read any more."
        yield Finding(Verdict.DIFFERS, f"The certificate can't be worked out again. {said}")


def _within_itself(certificate: Certificate) -> Iterator[Finding]:
    """Hold the numbers of a certificate against each other, which needs no list of people."""
    if certificate.equation is None:
        return
    parts = {part.code: part.count for part in certificate.equation.parts}
    kept = sum(one.count for one in certificate.kept_by_alma or ())
    agree = (
        sum(parts.values()) == certificate.equation.total
        and parts.get(RowState.PURGED, 0) == certificate.purged
        and parts.get(RowState.KEPT_BY_ALMA, 0) == kept
    )
    if not agree:
        yield Finding(
            Verdict.DIFFERS,
            "The certificate contradicts itself: its equation, the people purged and the people kept by Alma do not "
            "fit together.",
        )


def _known(certificate: Certificate) -> Known:
    return Known(
        institution=certificate.institution,
        institution_code=certificate.institution_code,
        environment=certificate.environment,
        run_id=certificate.run_id,
        mode=certificate.mode,
        engine=certificate.engine,
        criteria=certificate.criteria,
    )


def _content(content: CertificateContent, certificate: Certificate, gone: set[str]) -> Iterator[Finding]:
    """Compare what was worked out again with what the certificate says, field by field."""
    skipped = _FROM_LISTS if gone & _LISTS else frozenset()
    somebody_was = any(one.name == files.TAKEN_OFF and one.used for one in certificate.files)
    if somebody_was and gone & {files.TAKEN_OFF, files.LEDGER_REVIEWED}:
        skipped |= _FROM_TAKEN_OFF
    names = [name for name in CertificateContent.model_fields if name not in skipped]
    different = [name for name in names if getattr(content, name) != getattr(certificate, name)]
    for name in different:
        yield Finding(
            Verdict.DIFFERS,
            f"{name.replace('_', ' ')}: the certificate says {_short(getattr(certificate, name))}, the run folder says "
            f"{_short(getattr(content, name))}.",
        )
    if not different:
        yield Finding(
            Verdict.FINE,
            f"{len(names):,} statements of the certificate were worked out again from the run folder and agree"
            f"{', the equation among them' if 'equation' in names else ''}.",
        )
    if skipped:
        said = ", ".join(name.replace("_", " ") for name in sorted(skipped))
        yield Finding(Verdict.GONE, f"These statements rest on lists that are deleted: {said}.")


def _short(value: object) -> str:
    text = getattr(value, "text", None) or str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _outcome(content: CertificateContent, certificate: Certificate, papers: StoredPapers) -> Finding:
    """Make sure that the outcome is one that the numbers allow; only Airflow knows which tasks failed."""
    ways = ((True, False), (False, True)) if certificate.problems else ((False, False),)
    # Besides: problems that changed nothing, such as a workbook that somebody saved again.
    possible = {
        outcome_of(outcome_facts(content, papers, failed=failed, stopped=stopped))
        for failed, stopped in (*ways, (False, False))
    }
    if certificate.outcome in possible:
        return Finding(Verdict.FINE, f"The outcome, {certificate.outcome.label.lower()}, fits the numbers.")
    return Finding(
        Verdict.DIFFERS,
        f"The outcome is {certificate.outcome.label.lower()}, which the numbers of the run folder don't allow.",
    )


def _digest(papers: StoredPapers, certificate: Certificate, gone: set[str]) -> Iterator[Finding]:
    """Compute the digest of the list again, and hold the decision against it."""
    if gone & PAPERS_OF_DIGEST:
        yield Finding(Verdict.GONE, "The digest can't be computed again without the list that was approved.")
    else:
        digest = digest_again(papers)
        if digest is None:
            return
        what = "The digest, computed again from list, payloads, settings and inputs,"
        if digest == certificate.digest:
            yield Finding(Verdict.FINE, f"{what} is the one of the certificate.")
        else:
            yield Finding(Verdict.DIFFERS, f"{what} is another one.")
    decision = certificate.decision
    if decision is None:
        return
    approved = decision.state is DecisionState.APPROVED
    if decision.digest != certificate.digest or (
        approved and decision.code != approval_code(decision.digest)
    ):
        yield Finding(Verdict.DIFFERS, "The decision is about another list: its digest or its code differs.")
    else:
        yield Finding(Verdict.FINE, f"The decision ({decision.state.label}) is about exactly this list.")
