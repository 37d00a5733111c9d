"""Serve a rehearsal tenant: `python -m alma_sandbox`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from alma_sandbox.server import Ports, PortTakenError, RunningSandbox, start
from alma_sandbox.stage import Plot
from alma_sandbox.state.switches import Switches


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    made = argparse.ArgumentParser(
        prog="python -m alma_sandbox", description="A rehearsal tenant: Alma API and SFTP."
    )
    made.add_argument("--port", type=int, default=0, help="port of the API; 0 for any free one")
    made.add_argument("--sftp-port", type=int, default=0, help="port of the SFTP server; 0 for any free one")
    made.add_argument(
        "--listen", default="127.0.0.1", help="address to listen on; 0.0.0.0 only in a network of containers"
    )
    made.add_argument("--name", default="127.0.0.1", help="host name under which others reach it")
    made.add_argument("--users", type=int, default=2000, help="number of user records")
    made.add_argument("--seed", type=int, default=1, help="seed of everything random")
    made.add_argument(
        "--dir", type=Path, default=None, help="working folder; keeps the SFTP host key and password"
    )
    made.add_argument("--job-seconds", type=float, default=1.0, help="length of each job phase")
    made.add_argument(
        "--per-second", type=int, default=25, help="calls per second before 429; 0 for no limit"
    )
    made.add_argument("--ready-file", type=Path, default=None, help="JSON file written once it is serving")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT.

    Args:
        arguments: Command line; the process's own when left out.

    Returns:
        Exit status: 0 after a signal, 1 if a port is taken.
    """
    options = parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    switches = Switches(job_seconds=options.job_seconds, per_second_limit=options.per_second)
    with ExitStack() as stack:
        folder = options.dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alma-sandbox-")))
        try:
            sandbox = start(
                Plot(options.users, options.seed, switches),
                folder,
                Ports(options.port, options.sftp_port, options.listen, options.name),
            )
        except PortTakenError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        stack.callback(sandbox.stop)
        announce(sandbox, options.ready_file)
        while sandbox.thread.is_alive() and not stop.wait(1):
            pass
        return 0 if stop.is_set() else 1


def announce(sandbox: RunningSandbox, ready_file: Path | None) -> None:
    """Print how to reach the sandbox, and write it to the ready file."""
    about = sandbox.describe()
    sys.stdout.write(
        f"API URL:        {about['base_url']}\n"
        f"Key:            {about['key']}\n"
        f"Read-only key:  {about['read_key']}\n"
        f"Report path:    {about['report_path']}\n"
        f"SFTP login:     {about['sftp_user']} {about['sftp_password']} "
        f"{about['sftp_host']} {about['sftp_port']}\n"
        f"SFTP host key:  {about['sftp_host_key']}\n"
        f"Control URL:    {about['control_url']}\n"
    )
    sys.stdout.flush()
    if ready_file is not None:
        half_written = ready_file.with_name(f"{ready_file.name}.part")
        half_written.write_text(json.dumps(about, indent=2), encoding="utf-8")
        os.replace(half_written, ready_file)  # noqa: PTH105 - the atomic call by its usual name


if __name__ == "__main__":
    raise SystemExit(main())
