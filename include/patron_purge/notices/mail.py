"""Puts a notice into the form of a mail."""

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from patron_purge.notices.notice import Notice


@dataclass(frozen=True, slots=True)
class Mail:
    """The content of a mail.

    Attributes:
        subject: One line with the institution and the environment.
        text: The mail in plain text.
        html: The same as HTML, every value escaped; it needs nothing from outside.
    """

    subject: str
    text: str
    html: str


def mail_of(notice: Notice) -> Mail:
    """Write a notice as a mail in plain text and HTML.

    Args:
        notice: The notice.
    """
    environment = Environment(
        loader=PackageLoader("patron_purge"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text, html = (
        environment.get_template(name).render(notice=notice, place=notice.place)
        for name in ("notice.txt.j2", "notice.html.j2")
    )
    place = notice.place
    subject = f"{place.institution_name} ({place.environment.upper()}), user purge: {notice.headline}"
    return Mail(subject=" ".join(subject.split()), text=text, html=html)
