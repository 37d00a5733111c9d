"""Everything that can go wrong with a call to Alma, as one tree of exceptions.

The tree answers one question first: may the call have had an effect? `AlmaUnclearError` says yes,
every other error says no.
"""


class AlmaError(Exception):
    """A call to Alma failed.

    Args:
        sentence: One plain sentence for the person who reads it. Never holds the API key or a person's id.
        message: Alma's own message with identifiers taken out, or an empty text.
        code: Alma's error code, such as "401861", or None when Alma gave none.
        http_status: The HTTP status of the answer, or None when there was no answer.
        tracking_id: Alma's tracking id, which Ex Libris support asks for, or None.
    """

    def __init__(
        self,
        sentence: str,
        *,
        message: str = "",
        code: str | None = None,
        http_status: int | None = None,
        tracking_id: str | None = None,
    ) -> None:
        super().__init__(sentence)
        self.message = message
        self.code = code
        self.http_status = http_status
        self.tracking_id = tracking_id


class AlmaUnclearError(AlmaError):
    """A change was sent and no clear answer came back: it may or may not have happened.

    Never repeat such a call. Read Alma's state first.
    """


class AlmaUnavailableError(AlmaError):
    """Alma could not be reached, or a read failed in every attempt; nothing was changed."""


class AlmaAuthError(AlmaError):
    """The API key is unknown, lacks the area or the permission, or may not be used from this address."""


class AlmaRateError(AlmaError):
    """Alma refused the call in every attempt because too many came in one second; nothing was changed."""


class AlmaDailyLimitError(AlmaRateError):
    """The institution's API calls for today are used up; they return at midnight."""


class AlmaRequestError(AlmaError):
    """Alma refused the call with an error code; nothing was changed."""


class NotFoundError(AlmaRequestError):
    """The user, set, job or job instance does not exist in Alma."""


class JobLimitError(AlmaRequestError):
    """Too many jobs started by API are running, or this job was started too often in the last hour.

    Alma allows 3 running jobs and 5 starts of one job per hour (Alma Jobs API).
    """


class JobOverlapError(AlmaRequestError):
    """The job was not started because it overlaps with a running one."""


class SetNameTakenError(AlmaRequestError):
    """A set of this name already exists."""


class SetMemberError(AlmaRequestError):
    """Alma refused the list of members to add to or take out of a set."""


class ReportNotFoundError(AlmaRequestError):
    """The Analytics report does not exist at this path, or is not in a shared folder."""


class ReportInterruptedError(AlmaRequestError):
    """Reading an Analytics report broke off after its first page.

    The rows read so far are worthless: Alma's cursor may have moved on. Read the report again from
    its beginning.
    """


class AlmaResponseError(AlmaError):
    """Alma answered a read, but the answer does not have the form it should have."""


class AlmaUnreadableError(AlmaResponseError):
    """The answer is not even readable as JSON or XML, for instance because it was cut off."""


def not_understood(why: str) -> AlmaResponseError:
    """Returns the error for an answer whose form is wrong.

    Args:
        why: What is wrong with it, without quoting content: it may be a person's.
    """
    return AlmaResponseError(f"Alma's answer can't be understood: {why}; nothing was changed.")
