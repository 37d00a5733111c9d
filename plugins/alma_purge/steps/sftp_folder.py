"""Reads files from an institution's SFTP folder, from the pinned server only."""

import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from io import BytesIO
from posixpath import join

from airflow.providers.sftp.hooks.sftp import SFTPHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException, AirflowRuntimeError
from paramiko import AuthenticationException, BadHostKeyException, SFTPAttributes, SFTPClient, SSHException

from alma_purge.hooks.connection_settings import connection_extra
from alma_purge.operators.base import TryAgainError
from patron_purge.errors import ConfigurationError, InputRefusedError
from patron_purge.institution import Institution

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 50_000_000
_LAX_EXTRAS = ("no_host_key_check", "allow_host_key_change", "ignore_hostkey_verification")


class ExclusionServerError(TryAgainError):
    """The SFTP server can't be reached right now; another try may help."""


class SftpFolder:
    """The folder in which an institution's lists lie, over one open connection.

    Args:
        connection: The open connection.
        path: Path of the folder.
        listing: What lies in it.
        library_code: Replaces `XXX` in patterns.
    """

    def __init__(
        self, connection: SFTPClient, path: str, listing: list[SFTPAttributes], library_code: str
    ) -> None:
        self._connection = connection
        self._path = path
        self._listing = listing
        self._library_code = library_code

    def glob(self, pattern: str) -> str:
        """Return a pattern with the library code put in."""
        return pattern.replace("XXX", self._library_code)

    def newest(self, pattern: str) -> str | None:
        """Return the name of the newest file that matches a pattern, or None.

        Args:
            pattern: File name with `*` and `?`; `XXX` stands for the library code.
        """
        glob = self.glob(pattern)
        matching = [
            entry
            for entry in self._listing
            if fnmatchcase(entry.filename, glob) and entry.st_mode is not None and stat.S_ISREG(entry.st_mode)
        ]
        if not matching:
            return None
        newest = str(max(matching, key=lambda entry: (entry.st_mtime or 0, entry.filename)).filename)
        if len(matching) > 1:
            log.info("%s files match %s; the newest is used: %s", len(matching), glob, newest)
        return newest

    def read(self, name: str) -> bytes:
        """Read a file, and make sure that it is complete.

        Args:
            name: Its name in the folder.

        Raises:
            InputRefusedError: It is absurdly large.
            ExclusionServerError: It changed while it was read.
        """
        return _retrieve(self._connection, join(self._path, name))


@contextmanager
def open_sftp_folder(institution: Institution) -> Iterator[SftpFolder]:
    """Connect to the server and give the institution's folder.

    Args:
        institution: The settings.

    Raises:
        ConfigurationError: The connection is missing, can't be used or does not pin a host key, or the folder
            does not exist.
        InputRefusedError: The server shows another host key or refuses the login.
        ExclusionServerError: The server can't be reached right now.
    """
    require_pinned_host_key(institution.sftp_connection)
    hook = _hook(institution.sftp_connection)
    try:
        with hook.get_managed_conn() as connection:
            _require_pinned_server(connection, hook)
            listing = _listing(connection, institution)
            yield SftpFolder(connection, institution.sftp_folder, listing, institution.library_code)
    except BadHostKeyException as error:
        raise _other_host_key() from error
    except AuthenticationException as error:
        raise InputRefusedError(
            f"The SFTP server refuses the login of the connection {institution.sftp_connection}. Correct user, "
            "password or key; nothing was changed."
        ) from error
    except (SSHException, OSError) as error:
        raise ExclusionServerError(
            f"The exclusion files can't be fetched by SFTP right now ({type(error).__name__}). "
            "Nothing was changed."
        ) from error


def require_pinned_host_key(connection_id: str) -> None:
    """Make sure that the SFTP connection exists and accepts one host key only.

    Args:
        connection_id: Id of the Airflow connection.

    Raises:
        ConfigurationError: The connection is missing, or would trust any server.
    """
    try:
        connection = BaseHook.get_connection(connection_id)
    except (AirflowNotFoundException, AirflowRuntimeError) as error:
        raise ConfigurationError(
            f"The Airflow connection {connection_id} is missing. Create it under Admin > Connections with type "
            "SFTP; nothing was changed."
        ) from error
    extra = connection_extra(connection.extra)
    lax = [name for name in _LAX_EXTRAS if _is_on(extra.get(name))]
    if lax or not extra.get("host_key"):
        raise ConfigurationError(
            f"The Airflow connection {connection_id} must pin the SFTP server's host key: put the key that "
            "`ssh-keyscan` shows (compared by hand) into the extra field host_key"
            f"{' and remove ' + ' and '.join(lax) if lax else ''}; nothing was changed."
        )


def _hook(connection_id: str) -> SFTPHook:
    """Return the hook of a connection; it knocks once, since knocking on with a wrong password can lock it."""
    try:
        return SFTPHook(ssh_conn_id=connection_id, conn_retry_attempts=1)
    except (AirflowException, SSHException, ValueError) as error:
        raise ConfigurationError(
            f"The Airflow connection {connection_id} can't be used ({error}). Correct its host, keys and the "
            "extra field host_key, which takes type and key as `ssh-keyscan` shows them; nothing was changed."
        ) from error


def _require_pinned_server(connection: SFTPClient, hook: SFTPHook) -> None:
    """Refuse a server with another key than the pinned one.

    Paramiko lets a key in the worker's own known_hosts file win over the pinned one.
    """
    channel = connection.get_channel()
    shown = channel.get_transport().get_remote_server_key() if channel else None
    if shown is None or shown != hook.host_key:
        raise _other_host_key()


def _other_host_key() -> InputRefusedError:
    return InputRefusedError(
        "The SFTP server shows another host key than the pinned one. Ask the server's owner whether it was "
        "changed before you pin the new one; nothing was changed."
    )


def _listing(connection: SFTPClient, institution: Institution) -> list[SFTPAttributes]:
    """List the folder of the exclusion files."""
    try:
        return connection.listdir_attr(institution.sftp_folder)
    except (FileNotFoundError, PermissionError) as error:
        raise ConfigurationError(
            f"The SFTP server shows no folder {institution.sftp_folder} to the login of the connection "
            f"{institution.sftp_connection}. Correct sftp_folder in {institution.code}.yaml; nothing was changed."
        ) from error


def _is_on(value: object) -> bool:
    """Tell whether an extra field is switched on, as the SSH hook understands it."""
    return str(value).lower() in {"true", "1", "yes"}


def _retrieve(connection: SFTPClient, path: str) -> bytes:
    """Read a remote file into memory, and make sure that it is complete."""
    name = path.rpartition("/")[2]
    before = connection.stat(path)
    if (before.st_size or 0) > MAX_FILE_BYTES:
        raise InputRefusedError(
            f"{name} is larger than {MAX_FILE_BYTES:,} bytes. No list of exclusions is that large; look at "
            "the file. Nothing was changed."
        )
    buffer = BytesIO()
    connection.getfo(path, buffer)
    after = connection.stat(path)
    content = buffer.getvalue()
    if (before.st_size, before.st_mtime) != (after.st_size, after.st_mtime) or len(content) != after.st_size:
        raise ExclusionServerError(f"{name} changed while it was fetched. Nothing was changed in Alma.")
    return content
