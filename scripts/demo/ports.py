"""Ports on this machine that nobody listens on."""

import errno
import socket

from demo.problems import DemoProblem

HOST = "127.0.0.1"
HIGHEST_PORT = 65_535


def is_free(port: int, host: str = HOST) -> bool:
    """Tell whether a server could listen on this port now.

    Binding alone is not enough on every system: macOS lets a program bind one address beside a listener on all.

    Args:
        port: Port number, 1 to 65535.
        host: The address a server would bind.

    Raises:
        DemoProblem: Ordinary users may not listen there.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise DemoProblem(
                    f"Port {port} is reserved for the system: choose one above 1023, for example PORT=8080."
                ) from error
            return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) != 0


def read_port(text: str) -> int:
    """Return the port a person typed.

    Args:
        text: The value of PORT.

    Raises:
        DemoProblem: It is no port number.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= HIGHEST_PORT):
        raise DemoProblem(f"PORT={text} is no port: choose a number from 1024 to {HIGHEST_PORT}.")
    return int(text)


def choose(preferred: int) -> int:
    """Return the preferred port when it is free, otherwise any free one.

    Args:
        preferred: Port number, 1 to 65535.

    Raises:
        DemoProblem: The port is reserved for the system.
    """
    return preferred if is_free(preferred) else any_free()


def any_free() -> int:
    """Return a port that the system gives out as free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
