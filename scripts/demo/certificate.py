"""The run's outcome document, as far as a rehearsal looks at it."""

import json
from dataclasses import dataclass
from pathlib import Path

from demo.problems import DemoProblem


@dataclass(frozen=True)
class Certificate:
    """What the certificate says.

    Attributes:
        path: Where it is.
        outcome: How the run ended, in its own words.
        equation: Rows of the report = the sum of the final states.
        purged: How many people it says were purged.
    """

    path: Path
    outcome: str
    equation: str
    purged: int


def read_certificate(place: object) -> Certificate:
    """Read the certificate a run has written.

    Args:
        place: Path or `file://` address, as the task reports it.

    Raises:
        DemoProblem: There is none, or it can't be understood.
    """
    if not isinstance(place, str) or not place:
        raise DemoProblem("The run wrote no certificate.")
    path = Path(place.removeprefix("file://"))
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Certificate(
            path, str(content["outcome"]), str(content["equation"]), int(content["states"]["purged"])
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DemoProblem(
            f"The certificate {path} can't be read ({type(error).__name__}: {error})."
        ) from error
