import contextlib
import logging
import re
import socket
import socketserver
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.unit.alma_api.conftest import KEY, FakeTime
from tests.unit.alma_api.scripted_alma import Reply, ScriptedAlma, json_error, json_reply, xml_error
from tests.unit.alma_api.user_sample import user_record

from alma_api.client import AlmaClient
from alma_api.errors import (
    AlmaAuthError,
    AlmaDailyLimitError,
    AlmaError,
    AlmaRateError,
    AlmaRequestError,
    AlmaUnavailableError,
    AlmaUnclearError,
    AlmaUnreadableError,
    NotFoundError,
)

PERSON = "pat.o'sample+x@example.edu/ü é"
OK_READ = json_reply(user_record())
STARTED = json_reply(
    {"id": "M148", "additional_info": {"link": "https://example.org/almaws/v1/conf/jobs/M148/instances/77"}}
)


def read(client: AlmaClient) -> object:
    return client.users.get("9900112233")


def change(client: AlmaClient) -> object:
    return client.jobs.run("M148", b'{"parameter": []}')


def test_key_travels_in_the_authorization_header_only(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(OK_READ)
    read(client)
    (seen,) = alma.seen
    assert seen.headers["Authorization"] == f"apikey {KEY}"
    assert seen.headers["Accept"] == "application/json"
    assert KEY not in seen.target


def test_netrc_does_not_replace_the_key(
    alma: ScriptedAlma, client: AlmaClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    alma.will_reply(OK_READ)
    read(client)
    assert alma.seen[0].headers["Authorization"] == f"apikey {KEY}"


def test_identifier_is_one_encoded_path_part(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(OK_READ)
    client.users.get(PERSON)
    assert alma.seen[0].path.count("/") == "/almaws/v1/users/x".count("/")
    assert alma.seen[0].last_path_part == PERSON
    assert "%2F" in alma.seen[0].path
    assert "%40" in alma.seen[0].path
    assert "%20" in alma.seen[0].path


@pytest.mark.parametrize("identifier", ["", " ", ".", ".."])
def test_identifier_that_would_change_the_path_is_never_sent(
    alma: ScriptedAlma, client: AlmaClient, identifier: str
) -> None:
    with pytest.raises(ValueError, match="nothing was sent"):
        client.users.get(identifier)
    assert alma.seen == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_refused_and_the_key_goes_nowhere(
    alma: ScriptedAlma, client: AlmaClient, status: int
) -> None:
    alma.will_reply(Reply(status, headers={"Location": f"{alma.url}/elsewhere"}))
    with pytest.raises(AlmaRequestError, match="redirect"):
        read(client)
    assert len(alma.seen) == 1


def test_redirect_of_a_change_is_unclear(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(Reply(303, headers={"Location": f"{alma.url}/elsewhere"}))
    with pytest.raises(AlmaUnclearError):
        change(client)
    assert len(alma.seen) == 1


def test_remaining_calls_follow_the_last_answer(alma: ScriptedAlma, client: AlmaClient) -> None:
    assert client.remaining_calls is None
    alma.will_reply(
        json_reply(user_record(), X_Exl_Api_Remaining="4711"),
        json_reply(user_record(), X_Exl_Api_Remaining="not a number"),
        Reply(400, json_error("401861").body, {"X-Exl-Api-Remaining": "4709"}),
    )
    read(client)
    assert client.remaining_calls == 4711
    read(client)
    assert client.remaining_calls == 4711
    with pytest.raises(NotFoundError):
        read(client)
    assert client.remaining_calls == 4709


TRANSIENT = [
    pytest.param(Reply(500, b""), id="500-empty"),
    pytest.param(json_error("INTERNAL_SERVER_ERROR", status=500), id="500-alma"),
    pytest.param(json_error("401861", status=500), id="500-with-a-code"),
    pytest.param(Reply(502, b"<html><body>Bad gateway</body></html>"), id="502-html"),
    pytest.param(Reply(503, b"Service Unavailable"), id="503-text"),
    pytest.param(xml_error("GENERAL_ERROR", "503 Service Unavailable", 400), id="400-gateway-trouble"),
    pytest.param(Reply(504, b""), id="504"),
    pytest.param(Reply(408, b""), id="408"),
    pytest.param(Reply(drop=True), id="reset"),
    pytest.param(Reply(200, b'{"primary_id": "99', {}, cut=100), id="cut-off-on-the-wire"),
    pytest.param(Reply(200, b'{"primary_id": "99'), id="cut-off-but-complete-on-the-wire"),
    pytest.param(Reply(200, b"<html>Please log in</html>"), id="200-html"),
    pytest.param(Reply(200, b""), id="200-empty"),
]


@pytest.mark.parametrize("reply", TRANSIENT)
def test_read_is_repeated(alma: ScriptedAlma, client: AlmaClient, fake_time: FakeTime, reply: Reply) -> None:
    alma.will_reply(reply, reply, reply, OK_READ)
    assert client.users.get("9900112233").primary_id == "9900112233"
    assert [pause for pause in fake_time.slept if pause >= 1] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("reply", TRANSIENT)
def test_read_is_not_repeated_for_ever(alma: ScriptedAlma, client: AlmaClient, reply: Reply) -> None:
    alma.will_reply(*[reply] * 9)
    with pytest.raises((AlmaUnavailableError, AlmaUnreadableError)):
        read(client)
    assert len(alma.seen) == 4


@pytest.mark.parametrize("reply", TRANSIENT)
def test_unclear_change_is_sent_once(alma: ScriptedAlma, client: AlmaClient, reply: Reply) -> None:
    alma.will_reply(reply, STARTED)
    with pytest.raises(AlmaUnclearError, match="may or may not"):
        change(client)
    assert len(alma.seen) == 1


@pytest.mark.parametrize(
    "reply",
    [
        json_reply({"id": "M148"}),
        json_reply({"id": "M148", "additional_info": {"value": "Job no. 77", "link": ""}}),
        json_reply(["not an object"]),
        json_error("402222", status=200),
        json_error("PER_SECOND_THRESHOLD", status=200),
        json_error("UNAUTHORIZED", status=500),
        json_error("402228", status=408),
        json_error("402224"),
        json_error("402119"),
        Reply(400, b"<html>no code</html>"),
        Reply(404, b""),
    ],
)
def test_answer_to_a_change_that_proves_nothing_is_unclear(
    alma: ScriptedAlma, client: AlmaClient, reply: Reply
) -> None:
    alma.will_reply(reply, STARTED)
    with pytest.raises(AlmaUnclearError):
        change(client)
    assert len(alma.seen) == 1


PER_SECOND = xml_error(
    "PER_SECOND_THRESHOLD", "HTTP requests are more than allowed per second. See https://goo.gl/2x1c1M ", 429
)


@pytest.mark.parametrize(("call", "success"), [(read, OK_READ), (change, STARTED)])
@pytest.mark.parametrize(
    "refusal",
    [
        PER_SECOND,
        json_error("PER_SECOND_THRESHOLD", status=400),
        Reply(429, b"<html>Too many</html>"),
        Reply(429, b""),
    ],
)
def test_call_refused_for_its_pace_is_repeated(
    alma: ScriptedAlma,
    client: AlmaClient,
    call: Callable[[AlmaClient], object],
    success: Reply,
    refusal: Reply,
) -> None:
    alma.will_reply(refusal, refusal, success)
    call(client)
    assert len(alma.seen) == 3
    assert len({seen.body for seen in alma.seen}) == 1


@pytest.mark.parametrize("call", [read, change])
def test_pace_refused_every_time_ends_as_rate_error(
    alma: ScriptedAlma, client: AlmaClient, call: Callable[[AlmaClient], object]
) -> None:
    alma.will_reply(*[PER_SECOND] * 9)
    with pytest.raises(AlmaRateError, match="nothing was changed") as caught:
        call(client)
    assert not isinstance(caught.value, AlmaDailyLimitError)
    assert len(alma.seen) == 4


@pytest.mark.parametrize("call", [read, change])
def test_used_up_day_is_not_repeated(
    alma: ScriptedAlma, client: AlmaClient, call: Callable[[AlmaClient], object]
) -> None:
    alma.will_reply(xml_error("DAILY_THRESHOLD", "Daily API Request Threshold has been reached.", 429))
    with pytest.raises(AlmaDailyLimitError, match="midnight"):
        call(client)
    assert len(alma.seen) == 1


@pytest.mark.parametrize("call", [read, change])
@pytest.mark.parametrize(
    "reply",
    [
        xml_error("UNAUTHORIZED", "API-key not defined or not configured to allow this API."),
        json_error("FORBIDDEN", status=403),
        xml_error("INVALID_REQUEST", "Invalid API Key", 403),
        Reply(403, b""),
        Reply(401, b"<html><title>HTTP Status 401</title></html>"),
    ],
)
def test_refused_key_is_definite_for_reads_and_changes(
    alma: ScriptedAlma, client: AlmaClient, call: Callable[[AlmaClient], object], reply: Reply
) -> None:
    alma.will_reply(reply)
    with pytest.raises(AlmaAuthError, match="API key") as caught:
        call(client)
    assert len(alma.seen) == 1
    assert KEY not in str(caught.value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("call", [read, change])
def test_connection_refused_means_nothing_was_sent(
    fake_time: FakeTime, call: Callable[[AlmaClient], object]
) -> None:
    with AlmaClient(f"http://127.0.0.1:{free_port()}", KEY, timing=fake_time.timing(), attempts=3) as client:
        with pytest.raises(AlmaUnavailableError, match="nothing was changed"):
            call(client)
        assert [pause for pause in fake_time.slept if pause >= 1] == [1.0, 2.0]


def test_reset_change_stays_unclear_while_a_refused_connection_is_handled(
    alma: ScriptedAlma, client: AlmaClient
) -> None:
    alma.will_reply(Reply(drop=True))
    try:
        requests.get(f"http://127.0.0.1:{free_port()}", timeout=5)
    except requests.ConnectionError:
        with pytest.raises(AlmaUnclearError):
            change(client)
    assert len(alma.seen) == 1


def test_silent_alma_makes_a_change_unclear(fake_time: FakeTime) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            AlmaClient(url, KEY, timing=fake_time.timing(), timeout=(5.0, 0.05)) as client,
            pytest.raises(AlmaUnclearError, match="ReadTimeout"),
        ):
            change(client)


@pytest.fixture
def untrusted_server(tmp_path: Path) -> Iterator[tuple[str, list[bytes]]]:
    """A TLS server whose certificate nobody vouches for, and what it received inside TLS."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    received: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(self.request, server_side=True) as tls:
                received.append(tls.recv(65536))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://localhost:{server.server_address[1]}", received
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("call", [read, change])
def test_certificate_nobody_vouches_for_gets_no_key(
    untrusted_server: tuple[str, list[bytes]],
    fake_time: FakeTime,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[AlmaClient], object],
) -> None:
    url, received = untrusted_server
    monkeypatch.setenv("NO_PROXY", "localhost")
    with (
        AlmaClient(url, KEY, timing=fake_time.timing(), attempts=2) as client,
        pytest.raises(AlmaUnavailableError, match="SSLError"),
    ):
        call(client)
    assert b"".join(received) == b""


def test_change_after_a_pause_uses_a_fresh_connection(
    alma: ScriptedAlma, client: AlmaClient, fake_time: FakeTime
) -> None:
    alma.will_reply(OK_READ, STARTED, STARTED)
    read(client)
    change(client)
    fake_time.now += 60
    change(client)
    first, second, third = (seen.client_port for seen in alma.seen)
    assert first == second
    assert second != third


def test_error_text_and_its_chain_hold_no_identifier(alma: ScriptedAlma, client: AlmaClient) -> None:
    person = "A-1.b"
    alma.will_reply(
        *[Reply(drop=True)] * 4, json_error("401861", f"User with identifier {person} was not found.")
    )
    for _ in range(2):
        with pytest.raises(AlmaError) as caught:
            client.users.get(person)
        error: BaseException | None = caught.value
        while error is not None:
            assert person not in f"{error!r}{error}{vars(error)}"
            error = error.__cause__ or error.__context__


def test_debug_log_of_urllib3_hides_users(
    alma: ScriptedAlma, client: AlmaClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    alma.will_reply(Reply(503), OK_READ)
    read(client)
    assert "/almaws/v1/users/(hidden)" in caplog.text
    assert "trying again" in caplog.text
    assert "9900112233" not in caplog.text
    assert KEY not in caplog.text


def test_no_answer_is_taken_from_a_cache(alma: ScriptedAlma, client: AlmaClient) -> None:
    alma.will_reply(
        json_reply(user_record(), Cache_Control="max-age=3600"), json_reply(user_record(last_name="New"))
    )
    read(client)
    assert client.users.get("9900112233").last_name == "New"
    assert "no-cache" in alma.seen[0].headers["Cache-Control"]


def test_threads_share_pace_but_not_connections(alma: ScriptedAlma, fake_time: FakeTime) -> None:
    alma.will_reply(*[OK_READ] * 8)
    barrier = threading.Barrier(4)
    failures: list[Exception] = []

    def work() -> None:
        try:
            barrier.wait(timeout=10)
            read(client)
            read(client)
        except (AlmaError, threading.BrokenBarrierError) as error:
            failures.append(error)

    with AlmaClient(alma.url, KEY, timing=fake_time.timing(), calls_per_second=10) as client:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len({seen.client_port for seen in alma.seen}) == 4
    assert fake_time.now >= 1000.0 + 7 * 0.1 - 1e-6


@pytest.mark.parametrize(
    "url",
    [
        "http://api-na.hosted.exlibrisgroup.com",
        "ftp://api-na.hosted.exlibrisgroup.com",
        "api-na.hosted.exlibrisgroup.com",
        "https://",
        "https://api-na.hosted.exlibrisgroup.com?apikey=x",
        "https://user:pw@api-na.hosted.exlibrisgroup.com",
        "https://user:p/w@api-na.hosted.exlibrisgroup.com",
        "https://user:pw",
        "https://api-na.hosted.exlibrisgroup.com:99999",
    ],
)
def test_unsafe_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address of Alma") as caught:
        AlmaClient(url, KEY)
    assert not {"pw", "p/w"} & set(re.findall(r"[\w/]+", "".join(traceback.format_exception(caught.value))))


@pytest.mark.parametrize("suffix", ["", "/", "/almaws/v1", "/almaws/v1/"])
def test_address_may_end_as_people_write_it(alma: ScriptedAlma, suffix: str) -> None:
    alma.will_reply(OK_READ)
    with AlmaClient(alma.url + suffix, f" {KEY}\n") as client:
        read(client)
    assert alma.seen[0].path == "/almaws/v1/users/9900112233"
    assert alma.seen[0].headers["Authorization"] == f"apikey {KEY}"


@pytest.mark.parametrize("key", ["", "  ", "secret\nvalue", "secret value", "secrét"])
def test_impossible_key_is_refused_without_quoting_it(key: str) -> None:
    with pytest.raises(ValueError, match="API key") as caught:
        AlmaClient("https://api-na.hosted.exlibrisgroup.com", key)
    assert "secr" not in str(caught.value)


def test_pace_must_be_positive() -> None:
    with pytest.raises(ValueError, match="per second"):
        AlmaClient("https://api-na.hosted.exlibrisgroup.com", KEY, calls_per_second=0)
