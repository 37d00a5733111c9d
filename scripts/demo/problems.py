"""What can go wrong in a rehearsal, as one line for the person at the screen."""


class DemoProblem(Exception):  # noqa: N818 - a problem of the machine or the rehearsal, not of this program
    """The rehearsal can't go on; the text is the one line that says why and what to do."""
