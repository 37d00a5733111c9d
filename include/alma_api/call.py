"""What one call to Alma consists of, before anything is sent."""

from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import quote, urlencode


class Effect(Enum):
    """What a call does to Alma, which decides whether it may ever be repeated."""

    NONE = auto()
    """Nothing: it may be repeated."""
    CURSOR = auto()
    """It moves a cursor on Alma's side (Analytics token): a repeat may silently skip a page."""
    CHANGE = auto()
    """It changes Alma: it is repeated only if it was certainly refused before it had an effect."""


@dataclass(frozen=True)
class Call:
    """One call. What may name a person is left out of its `repr`.

    Args:
        what: What the call does, as the second half of "Alma could not …": "read a user".
        method: The HTTP method.
        path: The parts of the path after /almaws/v1, not encoded.
        params: The query parameters, not encoded.
        body: The JSON body as it is sent, or None.
        effect: What the call does to Alma.
        accept: The media type asked for.
        personal: Identifiers of people in this call, which must not appear in an error text.
        with_main_key: Whether this read is about the main key, and must not be signed with the key for reads.
    """

    what: str
    method: str
    path: tuple[str, ...] = field(repr=False)
    params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    effect: Effect = Effect.NONE
    accept: str = "application/json"
    personal: tuple[str, ...] = field(default=(), repr=False)
    with_main_key: bool = False

    @property
    def may_use_read_key(self) -> bool:
        """Whether a key that may only read is enough for this call."""
        return self.method == "GET" and not self.with_main_key

    def target(self) -> str:
        """Returns path and query, percent-encoded so that no identifier can change the path's meaning.

        Raises:
            ValueError: A part of the path is empty or dots only. An empty user id would turn "read this
                user" into "list all users".
        """
        for part in self.path:
            if not part.strip() or part in {".", ".."}:
                raise ValueError(
                    f"can't {self.what}: an identifier is empty or consists of dots; nothing was sent"
                )
        encoded = "/".join(quote(part, safe="") for part in self.path)
        query = f"?{urlencode(self.params, quote_via=quote, safe='')}" if self.params else ""
        return f"/almaws/v1/{encoded}{query}"
