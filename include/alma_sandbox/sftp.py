"""The SFTP server beside the API: one login, one folder, a host key that survives restarts."""

from __future__ import annotations

import hmac
from pathlib import Path

import asyncssh

KEY_FILE = "sftp_host_key"


class PasswordServer(asyncssh.SSHServer):
    """Lets one user in by password.

    Args:
        user: The login.
        password: The password.
    """

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._password = password

    def begin_auth(self, username: str) -> bool:
        """Ask everybody for a password."""
        return True

    def password_auth_supported(self) -> bool:
        """Allow passwords."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Check a login."""
        return username == self._user and hmac.compare_digest(password.encode(), self._password.encode())


def host_key(folder: Path) -> asyncssh.SSHKey:
    """Read the host key from the working folder, or make one there."""
    path = folder / KEY_FILE
    if path.exists():
        return asyncssh.read_private_key(str(path))
    key = asyncssh.generate_private_key("ssh-ed25519", comment="alma-sandbox")
    path.touch(mode=0o600)
    key.write_private_key(str(path))
    return key


def public_line(key: asyncssh.SSHKey) -> str:
    """Write the public half as a known_hosts client wants it: type and key."""
    kind, text, *_ = key.export_public_key().decode().split()
    return f"{kind} {text}"


async def serve_sftp(
    folder: Path, key: asyncssh.SSHKey, user: str, password: str, port: int, *, address: str
) -> asyncssh.SSHAcceptor:
    """Serve a folder.

    Args:
        folder: The folder clients see as `/`.
        key: The host key.
        user: The login.
        password: The password.
        port: The port; 0 for any free one.
        address: Address to listen on.
    """

    def sftp_session(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(folder).encode())

    return await asyncssh.create_server(
        lambda: PasswordServer(user, password),
        address,
        port,
        server_host_keys=[key],
        sftp_factory=sftp_session,
        allow_scp=False,
    )
