"""An HTTP server that answers from a script and remembers what arrived on the wire."""

import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0
    """How many bytes of the announced body are never sent."""
    drop: bool = False
    """Whether the connection is reset after the request was read."""


@dataclass(frozen=True)
class Seen:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    client_port: int

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def last_path_part(self) -> str:
        return unquote(self.path.rsplit("/", 1)[1])


@dataclass
class ScriptedAlma:
    url: str
    seen: list[Seen]
    _script: list[Reply]

    def will_reply(self, *replies: Reply) -> None:
        self._script.extend(replies)

    @property
    def unused(self) -> int:
        return len(self._script)


def json_reply(document: object, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json", **named})


def json_error(code: str, message: str = "A message.", status: int = 400) -> Reply:
    error = {"errorCode": code, "errorMessage": message, "trackingId": "E01-0000-TEST"}
    return json_reply({"errorsExist": True, "errorList": {"error": [error]}, "result": None}, status)


def xml_error(code: str, message: str = "A message.", status: int = 400) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<web_service_result xmlns="http://com/exlibris/urm/general/xmlbeans"><errorsExist>true</errorsExist>'
        f"<errorList><error><errorCode>{code}</errorCode><errorMessage>{message}</errorMessage></error>"
        "</errorList></web_service_result>"
    )
    return Reply(status, body.encode(), {"Content-Type": "application/xml"})


@contextmanager
def scripted_alma() -> Iterator[ScriptedAlma]:
    script: list[Reply] = []
    seen: list[Seen] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                seen.append(
                    Seen(self.command, self.path, dict(self.headers), body, int(self.client_address[1]))
                )
                reply = script.pop(0) if script else Reply(418, b"the script is over")
            if reply.drop:
                self._reset()
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body) + reply.cut))
            self.end_headers()
            self.wfile.write(reply.body)
            if reply.cut:
                self._reset()

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

        def _reset(self) -> None:
            self.close_connection = True
            if not self.wfile.closed:
                self.wfile.flush()
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield ScriptedAlma(f"http://127.0.0.1:{server.server_address[1]}", seen, script)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
