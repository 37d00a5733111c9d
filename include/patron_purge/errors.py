"""What can stop a purge, each with a sentence for the person who reads it."""


class PurgeError(Exception):
    """A purge run can't go on; the text says what is wrong, where, and what to do."""


class MendableError(PurgeError):
    """A stop after which the run can go on once the cause is mended.

    The text does not say how the run goes on, because that depends on the task that stops; the task adds it.
    """


class ConfigurationError(PurgeError):
    """A setting of the institution, a job payload or a connection is missing or wrong."""


class InputRefusedError(MendableError):
    """An exclusion file or the report can't be trusted, so nobody may be purged by it."""


class GuardStopError(PurgeError):
    """The list as a whole is outside the limits that the institution has set."""


class ApprovalRefusedError(PurgeError):
    """There is no valid approval for exactly this list."""


class ApprovalWantedError(ApprovalRefusedError, MendableError):
    """There is no valid approval for exactly this list, and there is time to ask for one."""


class RunFileError(PurgeError):
    """A file of the run folder is missing, unreadable or not the one that a task wrote."""


class AccountingError(PurgeError):
    """The rows of the ledger do not add up."""
