"""The SFTP server beside the API: one login by password or key, one folder, keys that survive restarts."""

from __future__ import annotations

import hmac
from pathlib import Path

import asyncssh

KEY_FILE = "sftp_host_key"
CLIENT_KEY_FILE = "sftp_client_key"


class OneLoginServer(asyncssh.SSHServer):
    """Lets one user in, by password or by key.

    Args:
        user: The login.
        password: The password.
        client_key: The key; its public half is enough.
    """

    def __init__(self, user: str, password: str, client_key: asyncssh.SSHKey) -> None:
        self._user = user
        self._password = password
        self._client_key = client_key

    def begin_auth(self, username: str) -> bool:
        """Ask everybody for a password or a key."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Allow keys."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Check the key of a login."""
        return bool(username == self._user and key.public_data == self._client_key.public_data)

    def password_auth_supported(self) -> bool:
        """Allow passwords."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Check a login."""
        return username == self._user and hmac.compare_digest(password.encode(), self._password.encode())


def host_key(folder: Path) -> asyncssh.SSHKey:
    """Read the host key from the working folder, or make one there."""
    return _kept_key(folder / KEY_FILE)


def client_key(folder: Path) -> asyncssh.SSHKey:
    """Read the key that may log in from the working folder, or make one there."""
    return _kept_key(folder / CLIENT_KEY_FILE)


def _kept_key(path: Path) -> asyncssh.SSHKey:
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
    folder: Path, key: asyncssh.SSHKey, login: OneLoginServer, port: int, *, address: str
) -> asyncssh.SSHAcceptor:
    """Serve a folder.

    Args:
        folder: The folder clients see as `/`.
        key: The host key.
        login: Who may log in, and how.
        port: The port; 0 for any free one.
        address: Address to listen on.
    """

    def sftp_session(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(folder).encode())

    return await asyncssh.create_server(
        lambda: login,
        address,
        port,
        server_host_keys=[key],
        sftp_factory=sftp_session,
        allow_scp=False,
    )
