"""User groups as people know them: by their description, with the code beside it."""

from collections.abc import Mapping

from patron_purge.identifiers import folded


class GroupNames:
    """Descriptions of user groups; the report names a group by either code or description.

    Args:
        descriptions: Description of every user group by its code.
    """

    def __init__(self, descriptions: Mapping[str, str]) -> None:
        self._descriptions = descriptions
        self._codes = {folded(text): code for code, text in descriptions.items() if folded(text)}
        self._codes |= {folded(code): code for code in descriptions}

    def code(self, name: str) -> str:
        """Return the code of a group; the name itself when Alma has no such group.

        Args:
            name: Code or description.
        """
        return self._codes.get(folded(name), name)

    def description(self, code: str) -> str:
        """Return the description of a group; empty when there is none, or it only repeats the code.

        Args:
            code: The code.
        """
        text = self._descriptions.get(code, "")
        return "" if folded(text) == folded(code) else text

    def label(self, code: str) -> str:
        """Return a group on one line: `Undergraduates (UG)`.

        Args:
            code: The code.
        """
        description = self.description(code)
        return f"{description} ({code})" if description else code
