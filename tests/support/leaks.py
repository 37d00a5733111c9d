"""Everything that a run leaves behind or says, and the search for what must not be in it."""

import base64
import json
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import requests
from requests.adapters import HTTPAdapter

from alma_purge.file_kinds import kind_of
from patron_purge.retention import FileKind

# Shorter, it also occurs by chance in times, counts and checksums.
SHORTEST_TELLING = 5


@dataclass
class Wire:
    """What was sent to Alma over HTTP.

    Attributes:
        urls: Every address, with its query.
        authorizations: The distinct values of the Authorization header.
    """

    urls: list[str] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)


@contextmanager
def listening(host: str) -> Iterator[Wire]:
    """Note every request that leaves this process for a host, as it is on the wire.

    Args:
        host: Host and port, as in an address.
    """
    wire = Wire()
    original = HTTPAdapter.send

    def send(self: HTTPAdapter, request: requests.PreparedRequest, *args: object, **named: object) -> object:
        if request.url and host in request.url:
            wire.urls.append(request.url)
            wire.authorizations.add(str(request.headers.get("Authorization")))
        return original(self, request, *args, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", send)
        yield wire


def airflow_secrets() -> dict[str, str]:
    """Return the secrets of this Airflow itself."""
    from airflow.configuration import conf

    options = (("core", "fernet_key"), ("api", "secret_key"), ("api_auth", "jwt_secret"))
    found = {f"[{section}] {key}": conf.get(section, key, fallback="") for section, key in options}
    return {name: value for name, value in found.items() if value}


def database_tables() -> dict[str, str]:
    """Return the content of every table of Airflow's database that holds anything, as text by name."""
    from airflow.utils.session import create_session
    from sqlalchemy import MetaData, select

    with create_session() as session:
        metadata = MetaData()
        metadata.reflect(bind=session.get_bind())
        rows = {table.name: session.execute(select(table)).all() for table in metadata.sorted_tables}
    return {f"table {name}": "\n".join(map(_row_text, found)) for name, found in rows.items() if found}


def _row_text(row: Iterable[object]) -> str:
    return " | ".join(
        one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
        for one in row
        if one is not None
    )


def stored_files(root: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder."""
    return {f"file {one.relative_to(root)}": one.read_bytes() for one in root.rglob("*") if one.is_file()}


def without_personal_files(stored: Mapping[str, bytes]) -> dict[str, bytes]:
    """Leave out the files of run folders that are there to hold people."""
    personal = {FileKind.RAW_INPUT, FileKind.LEDGER, FileKind.WORKBOOK, FileKind.SNAPSHOT, FileKind.WORKING}
    return {name: content for name, content in stored.items() if kind_of(Path(name).name) not in personal}


def mail_text(mail: EmailMessage) -> str:
    """Return headers and all parts of a mail, decoded."""
    parts = [str(part.get_content()) for part in mail.walk() if not part.is_multipart()]
    return "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *parts])


def assert_no_secret(places: Mapping[str, str | bytes], secrets: Mapping[str, str]) -> None:
    """Make sure that no place holds a secret, in any of the ways in which a program may write it.

    Args:
        places: What is searched, by name.
        secrets: What must not be there, by name.
    """
    assert places
    told = [
        f"{name} in {place}"
        for place, content in places.items()
        for name, secret in secrets.items()
        if any(form in _bytes(content) for form in _forms(secret))
    ]
    assert not told, told


def assert_nobody(places: Mapping[str, str | bytes], words: Iterable[str]) -> None:
    """Make sure that no place holds a word about somebody.

    Args:
        places: What is searched, by name.
        words: Ids, names, barcodes and mail addresses.
    """
    assert places
    told = []
    telling = [word for word in words if len(word) >= SHORTEST_TELLING]
    for place, content in places.items():
        text = _bytes(content).decode("utf-8", "replace")
        present = [word for word in telling for form in {word, json.dumps(word)[1:-1]} if _stands(form, text)]
        told += [f"{word!r} in {place}" for word in present]
    assert not told, f"{len(told)}, such as {told[:8]}"


def assert_for_the_owner_alone(folder: Path) -> None:
    """Make sure that nobody but the owner can read a folder and what is in it."""
    found = [folder, *folder.rglob("*")]
    modes = {one: stat.S_IMODE(one.stat().st_mode) for one in found}
    open_to_others = [
        f"{mode:o} {one}" for one, mode in modes.items() if mode != (0o700 if one.is_dir() else 0o600)
    ]
    assert len(found) > 1
    assert not open_to_others, open_to_others


def _stands(form: str, text: str) -> bool:
    """Tell whether a text holds something that is no part of a longer word, such as a checksum."""
    return form in text and re.search(rf"(?<![\w-]){re.escape(form)}(?![\w-])", text) is not None


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "replace")


def _forms(secret: str) -> set[bytes]:
    assert len(secret) >= SHORTEST_TELLING
    encoded = secret.encode()
    plain = {secret, quote(secret), quote_plus(secret), json.dumps(secret)[1:-1], encoded.hex()}
    return {one.encode() for one in plain} | {base64.b64encode(encoded).rstrip(b"=")}
