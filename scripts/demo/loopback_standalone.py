"""`airflow standalone` that nobody can reach from another machine.

Its scheduler and triggerer would each open a log server on all addresses, and no setting prevents that; on
one machine the log files are read directly. And where standalone goes on without a dead part, this ends.
"""

import os
import signal
from typing import Any

from airflow.cli.commands import standalone_command
from airflow.cli.commands.standalone_command import StandaloneCommand, SubCommand

LOG_SERVERS = ("scheduler", "triggerer")


class LoopbackSubCommand(SubCommand):
    """One part of Airflow, without a log server."""

    def __init__(self, parent: StandaloneCommand, name: str, command: list[str], env: dict[str, str]) -> None:
        extra = ["--skip-serve-logs"] if name in LOG_SERVERS else []
        super().__init__(parent, name=name, command=[*command, *extra], env=env)

    def run(self) -> None:
        """Run the part; when it ends, end the whole."""
        super().run()  # type: ignore[no-untyped-call]
        self.parent.print_output("standalone", f"The {self.name} has ended.")
        os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run it until it is ended."""
    module: Any = standalone_command
    module.SubCommand = LoopbackSubCommand
    module.StandaloneCommand().run()


if __name__ == "__main__":
    main()
