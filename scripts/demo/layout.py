"""Where a rehearsal keeps its files: all of them under `.demo` in the clone."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders of one clone.

    Attributes:
        root: The clone.
    """

    root: Path

    @property
    def home(self) -> Path:
        """Return the folder that holds everything a rehearsal writes."""
        return self.root / ".demo"

    @property
    def airflow(self) -> Path:
        """Return `AIRFLOW_HOME`: database, logs, passwords."""
        return self.home / "airflow"

    @property
    def store(self) -> Path:
        """Return the folder of run folders and certificates."""
        return self.home / "store"

    @property
    def sandbox(self) -> Path:
        """Return the folder of the rehearsal tenant."""
        return self.home / "sandbox"

    @property
    def processes(self) -> Path:
        """Return the folder of the notes about started processes."""
        return self.home / "processes"

    def create(self) -> None:
        """Create the folders, closed to other users of the machine."""
        for folder in (self.home, self.airflow, self.store, self.sandbox, self.processes):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start_afresh(self) -> None:
        """Remove what the last rehearsal left: its tenant is gone, so its records mean nothing now."""
        for folder in (self.airflow, self.store, self.sandbox):
            if folder.exists():
                shutil.rmtree(folder)
        self.create()


def this_clone() -> Layout:
    """Return the folders of the clone this file belongs to."""
    return Layout(Path(__file__).resolve().parent.parent.parent)
