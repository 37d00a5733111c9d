"""Both servers, API and SFTP, in one thread with one event loop."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import uvicorn

from alma_sandbox.app import PREFIX, build_app
from alma_sandbox.connections import TrackedProtocol
from alma_sandbox.control.service import Control
from alma_sandbox.sftp import CLIENT_KEY_FILE, OneLoginServer, client_key, host_key, public_line, serve_sftp
from alma_sandbox.stage import KEY, READ_KEY, Plot, Stage
from alma_sandbox.state.people import Json
from alma_sandbox.state.tenant import Tenant

HOST = "127.0.0.1"
SFTP_USER = "xyzftp"


class PortTakenError(RuntimeError):
    """A port the sandbox was told to use is taken."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen.

    Args:
        api: Port of the API; 0 for any free one.
        sftp: Port of the SFTP server; 0 for any free one.
        address: Address to listen on. Anything but this machine's own lets others in: only in a closed network
            of containers.
        name: Host name under which others reach the tenant; it stands in every link.
    """

    api: int = 0
    sftp: int = 0
    address: str = HOST
    name: str = HOST


@dataclass(slots=True)
class RunningSandbox:
    """A sandbox that is serving.

    `base_url` ends before `/almaws`; `tenant` is the state itself, to be used while holding `tenant.lock`.
    """

    stage: Stage
    control: Control
    base_url: str
    control_url: str
    sftp_port: int
    sftp_host_key: str
    sftp_folder: Path
    stop_event: asyncio.Event
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    key: str = KEY
    read_key: str = READ_KEY
    sftp_host: str = HOST
    sftp_user: str = SFTP_USER
    sftp_password: str = field(default="", repr=False)

    @property
    def tenant(self) -> Tenant:
        """The tenant that is playing; another one after a reset."""
        return self.stage.tenant

    @property
    def sftp_client_key(self) -> Path:
        """The file with the private key that may log in to the SFTP server."""
        return self.sftp_folder.parent / CLIENT_KEY_FILE

    @property
    def report_path(self) -> str:
        """Path of the Analytics report."""
        return self.tenant.reports.path

    def describe(self) -> Json:
        """Write down how to reach it."""
        return {
            "base_url": self.base_url,
            "key": self.key,
            "read_key": self.read_key,
            "report_path": self.report_path,
            "sftp_user": self.sftp_user,
            "sftp_password": self.sftp_password,
            "sftp_client_key": str(self.sftp_client_key),
            "sftp_host": self.sftp_host,
            "sftp_port": self.sftp_port,
            "sftp_host_key": self.sftp_host_key,
            "control_url": self.control_url,
            "institution": self.tenant.institution,
            "library_code": self.tenant.library_code,
            "environment": self.tenant.environment,
        }

    def stop(self) -> None:
        """Stop serving and wait until it has stopped."""
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.stop_event.set)
            self.thread.join()


@dataclass(slots=True)
class _Launch:
    """What the server thread hands back."""

    ready: threading.Event = field(default_factory=threading.Event)
    sandbox: RunningSandbox | None = None
    error: BaseException | None = None


def start(plot: Plot, folder: Path, ports: Ports) -> RunningSandbox:
    """Start serving in a thread.

    Args:
        plot: How the tenant is set up.
        folder: Working folder: host key, SFTP password, workbooks.
        ports: Where to listen.

    Raises:
        PortTakenError: If a port is taken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    api_socket = _listen(ports)
    launch = _Launch()
    thread = threading.Thread(
        target=_run, args=(plot, folder, api_socket, ports, launch), name="alma-sandbox", daemon=True
    )
    thread.start()
    launch.ready.wait()
    if launch.error is not None:
        thread.join()
        raise launch.error
    if launch.sandbox is None:
        raise RuntimeError("The sandbox ended before it was serving.")
    launch.sandbox.thread = thread
    return launch.sandbox


def _listen(ports: Ports) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ports.address, ports.api))
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"Port {ports.api} on {ports.address} is taken; choose another with --port."
        ) from error
    return listener


def _run(plot: Plot, folder: Path, api_socket: socket.socket, ports: Ports, launch: _Launch) -> None:
    try:
        asyncio.run(_serve(plot, folder, api_socket, ports, launch))
    except BaseException as error:
        if launch.ready.is_set():
            raise
        launch.error = error
        launch.ready.set()
    finally:
        api_socket.close()


async def _serve(plot: Plot, folder: Path, api_socket: socket.socket, ports: Ports, launch: _Launch) -> None:
    base_url = f"http://{ports.name}:{api_socket.getsockname()[1]}"
    sftp_folder = folder / "sftp"
    sftp_folder.mkdir(exist_ok=True)
    stage = Stage(plot)
    stage.base_url = stage.tenant.base_url = base_url + PREFIX
    control = Control(stage, sftp_folder)
    key = host_key(folder)
    password = _password(folder)
    login = OneLoginServer(SFTP_USER, password, client_key(folder))
    sftp = await _start_sftp(sftp_folder, key, login, ports)
    server = uvicorn.Server(_config(stage, control))
    stop_event = asyncio.Event()
    serving = asyncio.create_task(server.serve(sockets=[api_socket]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    launch.sandbox = RunningSandbox(
        stage,
        control,
        base_url,
        f"{base_url}/control",
        sftp.get_port(),
        public_line(key),
        sftp_folder,
        stop_event,
        asyncio.get_running_loop(),
        threading.current_thread(),
        sftp_host=ports.name,
        sftp_password=password,
    )
    launch.ready.set()
    await stop_event.wait()
    server.should_exit = True
    await serving
    sftp.close()
    await sftp.wait_closed()


async def _start_sftp(
    folder: Path, key: asyncssh.SSHKey, login: OneLoginServer, ports: Ports
) -> asyncssh.SSHAcceptor:
    try:
        return await serve_sftp(folder, key, login, ports.sftp, address=ports.address)
    except OSError as error:
        raise PortTakenError(
            f"Port {ports.sftp} on {ports.address} is taken; choose another with --sftp-port."
        ) from error


def _config(stage: Stage, control: Control) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(stage, control),
        http=TrackedProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )


def _password(folder: Path) -> str:
    path = folder / "sftp_password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(12), encoding="ascii")
    return path.read_text(encoding="ascii")
