"""The folder that holds everything one run knows about people."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from airflow.sdk import ObjectStoragePath

from alma_purge.places import run_folder_name, store_root
from patron_purge.errors import RunFileError


@dataclass(frozen=True, slots=True)
class FileRef:
    """Which content a file of the run folder had when a task wrote it.

    Attributes:
        name: Name of the file in the run folder.
        sha256: Checksum of its content, in hexadecimal.
    """

    name: str
    sha256: str


def sha256_of(content: bytes) -> str:
    """Return the sha256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class RunFolder:
    """Reads and writes the files of one run; each file is replaced as a whole.

    Args:
        path: The folder, on any store that Airflow's `ObjectStoragePath` reaches.
    """

    def __init__(self, path: ObjectStoragePath) -> None:
        self.path = path

    @classmethod
    def of_run(cls, institution_code: str, run_id: str) -> "RunFolder":
        """Return the folder of a DAG run.

        Args:
            institution_code: The institution's short code.
            run_id: The DAG run's id.
        """
        return cls(store_root() / institution_code / run_folder_name(run_id))

    def write(self, name: str, content: bytes) -> FileRef:
        """Write a file, replacing it as a whole.

        Args:
            name: Plain file name.
            content: The new content.

        Returns:
            The reference that later readers must agree with.
        """
        if self.path.protocol in {"file", ""}:
            _write_local(Path(self.path.path), name, content)
        else:
            (self.path / name).write_bytes(content)
        return FileRef(name=name, sha256=sha256_of(content))

    def create(self, name: str, content: bytes) -> bool:
        """Write a file that must not be there yet; of several writers at the same time only one succeeds.

        Args:
            name: Plain file name.
            content: Its content.

        Returns:
            Whether this call has written it; False when the file was there already.
        """
        try:
            if self.path.protocol in {"file", ""}:
                _create_local(Path(self.path.path), name, content)
            else:
                _filesystem(self.path).pipe_file((self.path / name).path, content, mode="create")
        except FileExistsError:
            return False
        return True

    def read(self, name: str) -> bytes:
        """Read a file.

        Raises:
            RunFileError: The file is missing.
        """
        content = self.read_if_there(name)
        if content is None:
            raise RunFileError(
                f"The run folder has no {name}. Clear the task that writes it, or trigger a new run."
            )
        return content

    def read_checked(self, ref: FileRef) -> bytes:
        """Read a file and make sure that it is the one a task wrote.

        Raises:
            RunFileError: The file is missing, or its content has changed since.
        """
        content = self.read(ref.name)
        if sha256_of(content) != ref.sha256:
            raise RunFileError(
                f"{ref.name} in the run folder is not the file that its task wrote. "
                "Find out who changed it, then trigger a new run; nothing was sent to Alma."
            )
        return content

    def read_if_there(self, name: str) -> bytes | None:
        """Read a file that may be missing; trouble with the store is never taken for a missing file."""
        try:
            content: bytes = (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        return content

    def append(self, prefix: str, content: bytes) -> None:
        """Add an entry of a kind; each entry is a file of its own.

        So two people who add one at the same moment, even on two machines, never overwrite each other.

        Args:
            prefix: Begin of the names of all entries of this kind.
            content: The entry.
        """
        self.write(f"{prefix}{uuid4().hex}.json", content)

    def entries(self, prefix: str) -> tuple[bytes, ...]:
        """Read every entry of a kind, in no particular order.

        Args:
            prefix: Begin of their names.
        """
        return tuple(self.read(name) for name in self.names() if name.startswith(prefix))

    def names(self) -> tuple[str, ...]:
        """Return the names of all files, sorted; none when there is no such folder."""
        return tuple(sorted(one.name for one in _entries(self.path) if one.is_file()))

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is fine."""
        (self.path / name).unlink(missing_ok=True)


class HasFolder(Protocol):
    """A run, of now or of the past, with its folder."""

    @property
    def folder(self) -> RunFolder:
        """Return the run folder."""


def run_folders(institution_code: str) -> list[RunFolder]:
    """Return the folder of every run of an institution that is on file.

    Args:
        institution_code: The institution's short code.
    """
    folders = (one for one in _entries(store_root() / institution_code) if one.is_dir())
    return [RunFolder(one) for one in sorted(folders, key=lambda one: str(one.name))]


def institution_folders() -> list[str]:
    """Return the names of the institutions of which the store has a folder."""
    return sorted(str(one.name) for one in _entries(store_root()) if one.is_dir())


def _filesystem(path: ObjectStoragePath) -> Any:
    """Return what reaches the store; a path's own `fs` knows only stores that some provider package has registered."""
    return path.__wrapped__.fs


def _entries(path: ObjectStoragePath) -> list[ObjectStoragePath]:
    """List what is in a folder now; nothing when it is not there."""
    _filesystem(path).invalidate_cache()  # a store may remember an older listing
    try:
        return list(path.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _write_local(folder: Path, name: str, content: bytes) -> None:
    """Write through a temporary file that only its owner may read, then put it in place."""
    with _temporary(folder, name, content) as temporary:
        temporary.replace(folder / name)


def _create_local(folder: Path, name: str, content: bytes) -> None:
    """Put a whole new file in place that only its owner may read; the file system refuses when there is one.

    The name appears together with the content: a process that is killed in between leaves no empty file.
    """
    with _temporary(folder, name, content) as temporary:
        (folder / name).hardlink_to(temporary)


def _make_private(folder: Path) -> None:
    """Make a folder, and whatever is missing above it, for its owner alone; pathlib's `mode` is for the last only."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True, mode=0o700)


@contextmanager
def _temporary(folder: Path, name: str, content: bytes) -> Iterator[Path]:
    """Write a file beside its final place, safely on the disk; it is gone after the block."""
    _make_private(folder)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        yield Path(temporary)
    finally:
        Path(temporary).unlink(missing_ok=True)
