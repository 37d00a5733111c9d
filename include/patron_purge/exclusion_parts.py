"""Find out which part of a workbook each of its sheets is."""

import posixpath
import zipfile
from typing import Final

import defusedxml.ElementTree as SafeXml

_BOOK: Final = "xl/workbook.xml"
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"


def sheets_of_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the name of the sheet that each part of a workbook holds.

    Args:
        archive: The workbook; its entries were checked.

    Returns:
        Names of sheets by the names of parts in lower case (ECMA-376, workbook relationships); none for a
        workbook that is laid out otherwise.

    Raises:
        ParseError: A part is no XML.
        DefusedXmlException: It declares entities.
    """
    stored = {name.lower(): name for name in archive.namelist()}
    if _BOOK not in stored or _RELATIONS not in stored:
        return {}
    relations = SafeXml.fromstring(archive.read(stored[_RELATIONS]))
    targets = {one.get("Id"): one.get("Target", "") for one in relations}
    found = {}
    for sheet in SafeXml.fromstring(archive.read(stored[_BOOK])).iterfind("./{*}sheets/{*}sheet"):
        identifier = next((value for key, value in sheet.items() if key.endswith("}id")), None)
        target = targets.get(identifier)
        if target:
            # A target is either absolute or seen from the folder of the workbook's own part.
            found[posixpath.normpath(posixpath.join("/xl", target)).lstrip("/").lower()] = sheet.get(
                "name", ""
            )
    return found
