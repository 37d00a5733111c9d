"""Names for job instances in Alma, by which a job can be found again."""

import hashlib
import json
import re
from enum import StrEnum

_JOB_NAME_LENGTH = 100
_RUN_ID_LENGTH = 40


class JobStep(StrEnum):
    """Which of the two jobs of a run a payload or a job name belongs to."""

    REGROUP = "regroup"
    PURGE = "purge"


def job_name(institution_code: str, run_id: str, digest: str, step: JobStep) -> str:
    """Name a job instance so that it can be found again after an unclear answer.

    Args:
        institution_code: The institution's short code or Alma's institution code.
        run_id: The run id of Airflow, in any form.
        digest: The digest of the approved purge.
        step: Which job it is.

    Returns:
        A plain ASCII name of at most 100 characters, the same for the same arguments and for no others.
    """
    identity = json.dumps([institution_code, run_id, digest, step])
    fingerprint = hashlib.sha256(identity.encode("utf-8")).hexdigest()[:16]
    readable = "-".join(_plain(part) for part in (institution_code, run_id[:_RUN_ID_LENGTH]))
    return f"{step}-{readable[: _JOB_NAME_LENGTH - len(step) - 18]}-{fingerprint}"


def _plain(text: str) -> str:
    """Reduce a text to characters that no job list changes."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-")
