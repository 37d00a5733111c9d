"""PostgreSQL, Redis and an S3 store of a test's own, on free ports of this machine."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import install_services
from demo.ports import HOST, any_free

UP_SECONDS = 60.0
STOP_SECONDS = 20.0
BUCKET = "alma-purge"


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server with an empty database.

    PostgreSQL refuses to run as root, so root runs it as Debian's user `postgres`.

    Yields:
        The database as SQLAlchemy names it, without the driver: `user:password@host:port/name`.
    """
    programs = install_services.find_postgres()
    assert programs is not None
    user = "postgres" if os.geteuid() == 0 else None
    password = secrets.token_hex(16)
    # Not below pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="alma-purge-postgres-") as folder:
        place, port = Path(folder), any_free()
        (place / "password").write_text(password, encoding="ascii")
        if user:
            owner = pwd.getpwnam(user)
            for path in (place, place / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        login = ["-U", "airflow", "-A", "scram-sha-256", "--pwfile", str(place / "password")]
        _run([str(programs / "initdb"), "-D", str(place / "data"), "--no-sync", "-E", "UTF8", *login], user)
        server = [str(programs / "postgres"), "-D", str(place / "data"), "-p", str(port), "-k", folder]
        settings = ["-c", f"listen_addresses={HOST}", "-c", "fsync=off", "-c", "max_connections=200"]
        environment = {**os.environ, "PGPASSWORD": password}
        ready = [str(programs / "pg_isready"), "-q", "-h", HOST, "-p", str(port)]
        with _running([*server, *settings], place / "log", user, stop=signal.SIGINT):
            _wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, place / "log")
            create = [str(programs / "createdb"), "-h", HOST, "-p", str(port), "-U", "airflow", "airflow"]
            subprocess.run(create, env=environment, check=True, timeout=UP_SECONDS)
            yield f"airflow:{password}@{HOST}:{port}/airflow"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis server that keeps nothing on disk.

    Args:
        folder: A folder for its log.

    Yields:
        Its address.
    """
    program = shutil.which("redis-server")
    assert program is not None
    port, password = any_free(), secrets.token_hex(16)
    settings = ["--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no", "--dir", str(folder)]
    log = folder / "redis.log"
    with _running([program, *settings, "--requirepass", password], log, None):
        _wait_until(lambda: b"Ready to accept connections" in log.read_bytes(), log)
        yield f"redis://:{password}@{HOST}:{port}/0"


@contextmanager
def object_store(folder: Path) -> Iterator[dict[str, str]]:
    """Run an S3 store with one bucket.

    Args:
        folder: A folder for its log.

    Yields:
        The environment variables that let s3fs reach it.
    """
    port = any_free()
    environment = {
        "AWS_ENDPOINT_URL_S3": f"http://{HOST}:{port}",
        "AWS_ACCESS_KEY_ID": "only-for-tests",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16),
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    log = folder / "store.log"
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with _running(command, log, None):
        _wait_until(lambda: b"Running on" in log.read_bytes(), log)
        make = f"import s3fs; s3fs.S3FileSystem().mkdir({BUCKET!r})"
        subprocess.run(
            [sys.executable, "-c", make], env={**os.environ, **environment}, check=True, timeout=UP_SECONDS
        )
        yield environment


@contextmanager
def _running(
    command: Sequence[str], log: Path, user: str | None, stop: signal.Signals = signal.SIGTERM
) -> Iterator[None]:
    """Run a server in a session of its own for the length of a block."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=log.parent,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
    try:
        yield
    finally:
        server.send_signal(stop)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _run(command: Sequence[str], user: str | None) -> None:
    done = subprocess.run(
        command,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _wait_until(ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while not ready():
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
        time.sleep(0.1)
