"""Alma's test calls, which prove that a key may read or change an area without changing anything."""

from alma_api.call import Call
from alma_api.error_body import read_fault
from alma_api.errors import AlmaAuthError, AlmaUnreadableError
from alma_api.faults import error_for
from alma_api.transport import Transport


def is_permitted(transport: Transport, method: str, path: tuple[str, ...]) -> bool:
    """Asks Alma whether the key may use an area.

    Args:
        transport: Sends the call.
        method: GET tests reading, POST tests changing. Neither changes anything, so both may be repeated.
        path: Path of the area's test call.

    Returns:
        False if Alma refuses the key.

    Raises:
        AlmaError: Alma could not be asked.
    """
    call = Call(f"test the API key for {path[0]}", method, path)

    def understand(body: bytes) -> bool:
        if read_fault(body) is not None:
            raise error_for(call, 200, body)
        # Alma publishes no schema for this answer, only that it reads "GET - OK" or "POST - OK".
        if f"{method} - OK".encode() not in body:
            raise AlmaUnreadableError(f"Could not {call.what}: what answered does not sound like Alma.")
        return True

    try:
        return transport.raw(call, understand)
    except AlmaAuthError:
        return False
