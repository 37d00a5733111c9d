"""What pip writes, in words for the person who waits for it. Runs on Python 3.8 as well."""

from __future__ import annotations

import re
from pathlib import Path

NETWORK_TROUBLE = re.compile(
    r"Failed to establish a new connection: (?:\[Errno -?\d+\] )?([A-Z][\w ]+)"
    r"|(Name or service not known|Temporary failure in name resolution|nodename nor servname provided"
    r"|Connection refused|Network is unreachable|Connection reset by peer|Read timed out"
    r"|Tunnel connection failed[\w :]*|certificate verify failed|NameResolutionError|ConnectTimeoutError)"
)


def last_line(text: str) -> str:
    """Return the last line of a program's output that says something; pip's ERROR lines come first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["no output"])[-1]


def explain(output: str, log: Path) -> str:
    """Turn the output of a failed install into one line.

    Args:
        output: Everything pip wrote.
        log: The file that keeps it, named when the reason isn't one of the usual ones.
    """
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in output:
        return (
            "A downloaded package is not the locked one (its sha256 differs), so it was not installed. "
            "Try again; if it stays that way, ask whoever runs your package index."
        )
    if "No space left on device" in output:
        return "The disk is full: .venv needs about 600 MB. Free some space and run the same command again."
    trouble = NETWORK_TROUBLE.search(output)
    if trouble:
        reason = (trouble.group(1) or trouble.group(2)).strip()
        return (
            f"Could not reach the package index: {reason}; nothing was left running. "
            "Run the same command again once the network is there."
        )
    return f"The install failed: {last_line(output)} (all of it: {log}). Run the same command again to go on."


def count_packages(lock: Path) -> int:
    """Return how many packages a lock names."""
    return len(re.findall(r"^[A-Za-z0-9][\w.\[\]-]*==", lock.read_text(encoding="utf-8"), re.MULTILINE))


def progress(log: Path, seconds: float, total: int) -> str:
    """Return the line that shows how far pip is."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if not total or "Installing collected packages" in text:
        return f"  {seconds:3.0f} s  unpacking"
    seen = len(re.findall(r"^(?:Collecting|Requirement already satisfied:) ", text, re.MULTILINE))
    return f"  {seconds:3.0f} s  {seen} of about {total} packages fetched"
