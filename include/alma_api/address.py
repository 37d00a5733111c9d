"""Checks the address and the key before anything is sent."""

from urllib.parse import SplitResult, urlsplit


def checked_base_url(base_url: str) -> str:
    """Returns scheme and host of Alma's API, without a slash or /almaws/v1 at the end.

    Args:
        base_url: Such as https://api-na.hosted.exlibrisgroup.com.

    Raises:
        ValueError: It is not such an address, or would send the key over the network unprotected.
    """
    parts = urlsplit(base_url.strip())
    # Before anything is quoted: whatever stands before an @ may be a key, also when it holds a slash.
    if "@" in base_url or parts.query or parts.fragment or not _has_usable_port(parts):
        raise ValueError(
            "the address of Alma must be scheme and host only, such as https://api-na.hosted.exlibrisgroup.com"
        )
    host = parts.hostname or ""
    # The key travels in a header: without TLS it may only go to this machine or a neighbouring container.
    near = host in {"127.0.0.1", "::1"} or (bool(host) and "." not in host and ":" not in host)
    if not host or parts.scheme not in {"https", "http"} or (parts.scheme == "http" and not near):
        raise ValueError(
            f"the address of Alma must start with https:// and name a host, not {parts.scheme}://{host}"
        )
    path = parts.path.rstrip("/").removesuffix("/almaws/v1").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _has_usable_port(parts: SplitResult) -> bool:
    """Tell whether the port is a number, or left out; urllib's own refusal would quote it."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def checked_key(api_key: str) -> str:
    """Returns the API key without blanks around it.

    Args:
        api_key: The key.

    Raises:
        ValueError: No HTTP header can carry it; the text does not quote it.
    """
    key = api_key.strip()
    # Checked here because requests would quote a key it can't send in its error text.
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("the API key is empty or holds blanks or characters that no Alma key has")
    return key
