import socket
from collections.abc import Iterator

import pytest

from demo.ports import any_free, choose, is_free, read_port
from demo.problems import DemoProblem


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def busy(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port with a listener."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((request.param, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_busy(busy: int) -> None:
    assert not is_free(busy)


def test_another_port_is_taken_for_a_busy_one(busy: int) -> None:
    taken = choose(busy)
    assert taken != busy
    assert is_free(taken)


def test_a_free_port_is_taken_as_it_is() -> None:
    port = any_free()
    assert choose(port) == port


def test_a_port_that_was_just_used_is_free() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    assert is_free(port)


@pytest.mark.parametrize("text", ["", "80x", "0", "65536", "-1", "8080.0", "²", "٣٣٣٣"])
def test_what_is_no_port_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(DemoProblem, match="is no port: choose a number") as error:
        read_port(text)
    assert "\n" not in str(error.value)


def test_a_port_number_is_read() -> None:
    assert read_port("8081") == 8081
