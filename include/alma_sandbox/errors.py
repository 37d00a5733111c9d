"""How the tenant says no."""

from __future__ import annotations


class AlmaRefusal(Exception):  # noqa: N818 - it is an answer, not a fault of the sandbox
    """A refusal in Alma's words.

    Args:
        code: Alma's error code, for example `401861`.
        message: Alma's error text.
        status: HTTP status; logical errors are 400 in Alma, "not found" included.
        gateway: Whether the gateway in front of Alma says it: always XML, without a tracking id.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, gateway: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.gateway = gateway


def user_not_found(identifier: str, id_type: str = "all_unique") -> AlmaRefusal:
    """Build the answer for an unknown user; the code depends on whether an identifier type was named."""
    if id_type == "all_unique":
        return AlmaRefusal("401861", f"User with identifier {identifier} was not found.")
    return AlmaRefusal("401890", f"User with identifier {identifier} of type {id_type} was not found.")
