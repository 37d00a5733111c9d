"""How an exclusion file is refused: what is wrong with it, and that nothing was changed."""

from patron_purge.errors import InputRefusedError


def workbook_refusal(file_name: str, problem: str) -> InputRefusedError:
    """Refuse a file that can't be opened, or whose cells can't be trusted.

    Args:
        file_name: Name of the file.
        problem: What is wrong, to follow the name.

    Returns:
        The exception to raise.
    """
    return InputRefusedError(
        f"The exclusion file {file_name} {problem}. Nobody can be excluded by it, so nothing was changed. "
        "Fetch it again or ask for a new one."
    )


def file_refusal(problem: str) -> InputRefusedError:
    """Refuse a file for what it says, or does not say.

    Args:
        problem: The file's name and what is wrong.

    Returns:
        The exception to raise.
    """
    return InputRefusedError(
        f"Exclusion file {problem}. Nobody can safely be purged without it, so nothing was changed. "
        "Ask for a new file or correct the setting."
    )
