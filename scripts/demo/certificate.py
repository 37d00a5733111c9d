"""The run's outcome document, as far as a rehearsal looks at it."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from demo.problems import DemoProblem
from patron_purge.certificate import Certificate
from patron_purge.states import RowState


@dataclass(frozen=True)
class FoundCertificate:
    """The certificate and where it is.

    Attributes:
        page: The page that can be printed.
        content: What it says.
    """

    page: Path
    content: Certificate

    @property
    def taken_off(self) -> int:
        """Return how many people the approver took off the list."""
        parts = self.content.equation.parts if self.content.equation else ()
        return sum(part.count for part in parts if part.code == RowState.TAKEN_OFF)

    def problems(self, answer: str | None, gone: int) -> list[str]:
        """Hold the certificate against itself and against what was seen in the tenant.

        Args:
            answer: `Approve`, `Reject`, or None when nobody was asked.
            gone: How many people are gone from the tenant.

        Returns:
            What does not fit, one line each.
        """
        found = []
        if self.content.purged != gone:
            found.append(
                f"the certificate says {self.content.purged:,} purged; in the sandbox {gone:,} are gone"
            )
        equation = self.content.equation
        if equation is None:
            found.append("the certificate has no equation")
        else:
            total = sum(part.count for part in equation.parts)
            if total != equation.total:
                found.append(f"the equation does not close: {total:,} instead of {equation.total:,}")
            if any(part.count for part in equation.parts if part.code == "unknown"):
                found.append("the certificate has rows whose state is unknown")
        decision = self.content.decision
        if answer == "Approve" and (decision is None or decision.state != "approved"):
            found.append("the certificate does not show the approval")
        if answer == "Reject" and self.content.outcome not in ("rejected", "timed_out"):
            found.append(f"the certificate says {self.content.outcome.label.lower()} after a reject")
        return found


def read_certificate(place: object) -> FoundCertificate:
    """Read the certificate a run has written.

    Args:
        place: Path or `file://` address of its page, as the task reports it; the content is beside the page.

    Raises:
        DemoProblem: There is none, or it can't be understood.
    """
    if not isinstance(place, str) or not place:
        raise DemoProblem("the run wrote no certificate")
    page = Path(place.removeprefix("file://"))
    try:
        text = page.with_suffix(".json").read_text(encoding="utf-8")
        return FoundCertificate(page, Certificate.model_validate_json(text))
    except (OSError, ValidationError) as error:
        raise DemoProblem(f"the certificate {page} can't be read ({type(error).__name__})") from error
