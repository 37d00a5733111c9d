"""Tables with a row number and text columns, as CSV files of the run folder."""

import csv
from io import BytesIO
from typing import TYPE_CHECKING

from patron_purge.errors import RunFileError

if TYPE_CHECKING:
    import pandas as pd


def table_csv(table: "pd.DataFrame") -> bytes:
    """Write a table with a `row` number and text columns as CSV.

    Args:
        table: The table, without missing values.

    Returns:
        UTF-8 bytes in which every text is quoted.
    """
    text: str = table.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    return text.encode("utf-8")


def read_table_csv(content: bytes, file_name: str) -> "pd.DataFrame":
    """Read a table written by `table_csv`: everything but `row` is text.

    Args:
        content: The file's bytes.
        file_name: Name for messages.

    Returns:
        The table.

    Raises:
        RunFileError: The bytes are not such a file.
    """
    import pandas as pd

    try:
        table = pd.read_csv(
            BytesIO(content), dtype="str", keep_default_na=False, na_filter=False, encoding="utf-8"
        )
        return table.astype({"row": "int64"})
    except (ValueError, KeyError) as error:
        raise damaged(file_name) from error


def damaged(file_name: str) -> RunFileError:
    """Return the error for a file of the run folder that can't be what a task wrote.

    Args:
        file_name: Name of the file.

    Returns:
        The error.
    """
    return RunFileError(
        f"{file_name} in the run folder is damaged or was edited. Clear the task that wrote it, so that "
        "it is written again; nothing was changed."
    )
