"""Writes .env for docker-compose.yaml: the example with fresh secrets, readable by its owner only."""

import base64
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECRETS: dict[str, Callable[[], str]] = {
    "POSTGRES_PASSWORD": lambda: secrets.token_hex(24),
    "REDIS_PASSWORD": lambda: secrets.token_hex(24),
    "FERNET_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "API_SECRET_KEY": lambda: secrets.token_hex(32),
    "JWT_SECRET": lambda: secrets.token_hex(64),
    "SITE_ADMIN_PASSWORD": lambda: secrets.token_urlsafe(18),
}


def filled(example: str) -> str:
    """Return the example with a value for each empty secret.

    Args:
        example: Content of .env.example.
    """
    lines = []
    for line in example.splitlines():
        name, is_setting, value = line.partition("=")
        make = SECRETS.get(name) if is_setting and not value else None
        lines.append(f"{name}={make()}" if make else line)
    return "\n".join(lines) + "\n"


def main(root: Path = ROOT) -> int:
    """Write .env once; one that is there is left alone, because the database was made with its secrets.

    Args:
        root: Folder of docker-compose.yaml.

    Returns:
        Exit status: 0 when .env was written, 1 when there is one already.
    """
    target = root / ".env"
    content = filled((root / ".env.example").read_text(encoding="utf-8"))
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target} is there already and was left alone: the database was made with its secrets.")
        return 1
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(content)
    print(f"Wrote {target}. SITE_ADMIN_PASSWORD in it is the first administrator's password.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
