"""Which language a reader gets: theirs where there is a catalog, else English, the source.

Catalogs are PO files, read as they are: ``locale/<language>/LC_MESSAGES/mail.po``. What is to be
translated stands in ``locale/mail.pot``; babel.cfg says how it is made. Other packages have
catalogs of their own, in a folder and under a *domain* of theirs.
"""

from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

CATALOGS = Path(__file__).parent / "locale"
DOMAIN = "mail"
SOURCE = Locale("en")


@lru_cache(maxsize=256)
def locale_of(wanted: str, catalogs: Path = CATALOGS, domain: str = DOMAIN) -> Locale:
    """Return the reader's locale if its language can be served, else English."""
    try:
        locale = Locale.parse(wanted.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return SOURCE
    language = locale.language
    is_served = language == SOURCE.language or _catalog(language, catalogs, domain).is_file()
    return locale if is_served else SOURCE


@lru_cache(maxsize=32)
def translations_into(
    language: str, catalogs: Path = CATALOGS, domain: str = DOMAIN
) -> NullTranslations:
    """Return the catalog of one language; without one, every text stays as it is."""
    source = _catalog(language, catalogs, domain)
    if not source.is_file():
        return NullTranslations()
    with source.open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _catalog(language: str, catalogs: Path, domain: str) -> Path:
    return catalogs / language / "LC_MESSAGES" / f"{domain}.po"
