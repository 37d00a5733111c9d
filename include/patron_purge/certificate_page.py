"""The certificate as a page for people."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from patron_purge.amounts import money, number, people
from patron_purge.certificate import Certificate
from patron_purge.review_model import Parameter

_SWITCH = "_Active"


def sealed(certificate: Certificate) -> tuple[Certificate, str]:
    """Write the page of a certificate and put its checksum into the certificate.

    Args:
        certificate: The certificate, still without that checksum.

    Returns:
        The certificate and its page.
    """
    page = certificate_html(certificate)
    return certificate.model_copy(update={"page_sha256": hashlib.sha256(page.encode()).hexdigest()}), page


def certificate_html(certificate: Certificate) -> str:
    """Write the certificate as a page that can be printed and needs nothing from outside.

    Args:
        certificate: The certificate; its times are shown in the zone in which it was written.

    Returns:
        HTML in which every value is escaped.
    """
    environment = Environment(
        loader=PackageLoader("patron_purge"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def moment(value: datetime) -> str:
        return f"{value.astimezone(certificate.created_at.tzinfo):%Y-%m-%d %H:%M %Z}"

    def day_or_moment(value: date | None) -> str:
        if value is None:
            return "not given"
        return moment(value) if isinstance(value, datetime) else f"{value:%Y-%m-%d}"

    environment.filters["number"] = number
    environment.filters["people"] = people
    environment.filters["money"] = money
    environment.filters["moment"] = moment
    environment.filters["day_or_moment"] = day_or_moment
    environment.filters["switched_on"] = switched_on
    return environment.get_template("certificate.html.j2").render(certificate=certificate)


def switched_on(parameters: Sequence[Parameter]) -> list[Parameter]:
    """Leave out the parameters of changes that a payload switches off.

    Args:
        parameters: The parameters of a job payload; in one of *Update/Notify Users* a parameter `…_Active` is the
            switch of all parameters whose names begin alike.
    """
    is_on = {
        each.name.removesuffix(_SWITCH): each.value.lower() != "false"
        for each in parameters
        if each.name.endswith(_SWITCH)
    }
    return [each for each in parameters if is_on.get(_switch_of(each.name, is_on), True)]


def _switch_of(name: str, switches: Iterable[str]) -> str:
    """Find the switch of a parameter: the longest one that its name begins with."""
    return max((switch for switch in switches if name.startswith(f"{switch}_")), key=len, default="")
