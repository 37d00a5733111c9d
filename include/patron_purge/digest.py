"""The digest that ties an approval to exactly one purge, and the code that a person types."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel

from patron_purge.errors import AccountingError
from patron_purge.institution import GuardSettings, RuleSettings
from patron_purge.payloads import FrozenPayload
from patron_purge.states import Engine, Mode

# Letters that can't be taken for one another or for a digit.
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE_LENGTH = 8


@dataclass(frozen=True, slots=True)
class DigestSubject:
    """Everything that an approval approves.

    Attributes:
        institution: Short code of the institution.
        institution_code: Alma's institution code.
        environment: Alma environment.
        run_id: Run id of Airflow.
        engine: How the purge itself is started.
        mode: How far the run may go.
        marker_group: Code of the marker group.
        regroup_job_id: Id of the Update/Notify Users job.
        purge_job_id: Id of the purge job; empty when no job is started by API.
        regroup_payload: The frozen payload of the regroup job.
        purge_payload: The frozen payload of the purge job.
        rules: The rule settings.
        guards: The guard settings.
        overrides: New limits of guards from the trigger form.
        primary_ids: The people to purge, in any order.
        snapshot_sha256: Checksum of the snapshot with the original groups.
        input_sha256: Checksums of the input files by their name.
    """

    institution: str
    institution_code: str
    environment: str
    run_id: str
    engine: Engine
    mode: Mode
    marker_group: str
    regroup_job_id: str
    purge_job_id: str
    regroup_payload: FrozenPayload
    purge_payload: FrozenPayload
    rules: RuleSettings
    guards: GuardSettings
    overrides: Mapping[str, Decimal]
    primary_ids: tuple[str, ...]
    snapshot_sha256: str
    input_sha256: Mapping[str, str]


def purge_digest(subject: DigestSubject) -> str:
    """Compute the digest of a purge.

    Args:
        subject: Everything that is to be approved.

    Returns:
        SHA-256 over canonical JSON, in hexadecimal: the same for the same content in any order of ids,
        overrides and inputs, and another one for any other content.

    Raises:
        AccountingError: A primary id stands on the list twice.
    """
    if len(set(subject.primary_ids)) != len(subject.primary_ids):
        raise AccountingError(
            "The list to purge names somebody twice. Clear select_candidates and let it run again; "
            "nothing was changed."
        )
    content = {
        "institution": subject.institution,
        "institution_code": subject.institution_code,
        "environment": subject.environment,
        "run_id": subject.run_id,
        "engine": subject.engine.value,
        "mode": subject.mode.value,
        "marker_group": subject.marker_group,
        "regroup_job_id": subject.regroup_job_id,
        "purge_job_id": subject.purge_job_id,
        # The bytes as text, one character for each byte, so that nothing is lost.
        "regroup_payload": subject.regroup_payload.raw.decode("latin-1"),
        "purge_payload": subject.purge_payload.raw.decode("latin-1"),
        "rules": _canonical(subject.rules),
        "guards": _canonical(subject.guards),
        "overrides": _canonical(dict(subject.overrides)),
        "primary_ids": sorted(subject.primary_ids),
        "snapshot_sha256": subject.snapshot_sha256,
        "input_sha256": dict(subject.input_sha256),
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def digest_of_rest(digest: str, primary_ids: tuple[str, ...]) -> str:
    """Compute the digest of what is left of a list after people were taken off it.

    Args:
        digest: The digest of the purge with the whole list.
        primary_ids: Everybody who is left on the list, in any order.

    Returns:
        SHA-256 in hexadecimal.
    """
    text = json.dumps([digest, *sorted(primary_ids)], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(f"what is left of {text}".encode()).hexdigest()


def approval_code(digest: str) -> str:
    """Derive the code that a person types to approve.

    Args:
        digest: The digest of the purge.

    Returns:
        Eight capital letters without I, L and O.
    """
    number = int.from_bytes(hashlib.sha256(f"approval code of {digest}".encode()).digest(), "big")
    letters = []
    for _ in range(_CODE_LENGTH):
        number, index = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[index])
    return "".join(letters)


def same_code(typed: str, expected: str) -> bool:
    """Compare a typed code with the expected one, whatever the case, blanks and hyphens, in constant time.

    Args:
        typed: What the person typed.
        expected: The code from the review page.
    """
    return hmac.compare_digest(_bare(typed), _bare(expected)) and bool(_bare(expected))


def _bare(code: str) -> bytes:
    """Leave only what counts of a code."""
    return "".join(code.split()).replace("-", "").upper().encode("utf-8")


def _canonical(value: object) -> object:
    """Turn settings into JSON without floats, in which equal amounts are written alike."""
    match value:
        case BaseModel():
            return {name: _canonical(getattr(value, name)) for name in type(value).model_fields}
        case dict():
            return {str(key): _canonical(each) for key, each in value.items()}
        case tuple() | list():
            return [_canonical(each) for each in value]
        case Decimal():
            return format(value.normalize() + 0, "f")
        case None | bool() | int() | str():
            return value
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form")
