"""Every text of the portal speaks English, German, Spanish and French."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from mail.translations import CATALOGS as OF_MAIL
from portal.languages import CATALOGS, DOMAIN, LANGUAGES, speech_of

PORTAL = Path(CATALOGS).parent
FACT = re.compile(r"%\(\w+\)s")
TRANSLATED = [one for one in LANGUAGES if one != "en"]


def read(file: Path) -> Catalog:
    """Return a catalog as it is stored."""
    with file.open("rb") as stream:
        return read_po(stream)


def texts(catalog: Catalog) -> Iterator[Message]:
    """Yield a catalog's messages without its head."""
    yield from (one for one in catalog if one.id)


def forms(said: str | tuple[str, ...] | list[str] | None) -> list[str]:
    """Return a text's forms: one, or singular and plural."""
    return [said] if isinstance(said, str) else list(said or ())


def test_the_list_of_what_is_to_be_translated_is_complete() -> None:
    found = extract_from_dir(
        PORTAL,
        [("**.py", "python"), ("templates/**.html", "jinja2")],
        {"templates/**.html": {"trimmed": "true"}},
        keywords={"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)},
    )
    listed = {forms(one.id)[0] for one in texts(read(CATALOGS / f"{DOMAIN}.pot"))}

    extracted = {forms(text)[0] for _, _, text, _, _ in found}

    assert extracted - listed == set(), "run `make texts` and translate them"
    assert listed - extracted == set(), "run `make texts`"


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("folder", [CATALOGS, OF_MAIL], ids=["portal", "mail"])
def test_every_text_is_translated(folder: Path, language: str) -> None:
    domain = folder.parent.name
    wanted = {forms(one.id)[0] for one in texts(read(folder / f"{domain}.pot"))}
    catalog = list(texts(read(folder / language / "LC_MESSAGES" / f"{domain}.po")))
    translated = {
        forms(one.id)[0]
        for one in catalog
        if forms(one.string) and all(forms(one.string)) and not one.fuzzy
    }

    assert sorted(wanted - translated) == []


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("folder", [CATALOGS, OF_MAIL], ids=["portal", "mail"])
def test_a_translation_says_the_same_facts(folder: Path, language: str) -> None:
    domain = folder.parent.name
    differing = [
        one.id
        for one in texts(read(folder / language / "LC_MESSAGES" / f"{domain}.po"))
        for form in forms(one.string)
        if form and set(FACT.findall(form)) != set(FACT.findall(forms(one.id)[-1]))
    ]

    assert differing == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "2 Anfragen warten auf Ihre Entscheidung"),
        ("es", "2 solicitudes esperan su decisión"),
        ("fr", "2 demandes attendent votre décision"),
    ],
)
def test_a_plural_has_its_own_words(language: str, said: str) -> None:
    catalog = read(CATALOGS / language / "LC_MESSAGES" / f"{DOMAIN}.po")
    found = next(one for one in texts(catalog) if "requests wait for" in str(one.id[-1]))

    assert forms(found.string)[1] % {"num": 2} == said
    assert speech_of(language, "UTC").language == language
