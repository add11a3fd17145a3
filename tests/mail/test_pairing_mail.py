"""The mail with a pairing's link: the only place that shows its token, and what it points to."""

import pytest

from tests.mail.notices import PORTAL, PROCESS, RENDERER, TOKEN, WITHOUT_PORTAL, notice


def test_the_link_holds_process_and_token_below_the_portal() -> None:
    letter = RENDERER.letter(notice("pairing_offered"), TOKEN)

    link = f"{PORTAL}/pairings/{PROCESS}/{TOKEN}"
    assert f"\n    {link}\n" in letter.text
    assert f'href="{link}"' in letter.html
    assert letter.text.count("://") == letter.html.count("://") == 1


def test_without_a_portal_the_command_and_the_token_stand_on_lines_of_their_own() -> None:
    letter = WITHOUT_PORTAL.letter(notice("pairing_offered"), TOKEN)

    assert f"\n    gatehouse pairing open {PROCESS}\n\n    {TOKEN}\n" in letter.text
    assert f"gatehouse pairing open {PROCESS}\n\n{TOKEN}</pre>" in letter.html


def test_the_token_stands_in_no_header() -> None:
    letter = RENDERER.letter(notice("pairing_offered"), TOKEN)

    assert TOKEN not in letter.subject + letter.message_id + letter.to


@pytest.mark.parametrize("secret", [TOKEN[:-1], TOKEN + "A", TOKEN[4:], "adl_" + TOKEN[4:], "apl_"])
def test_a_secret_that_is_no_token_is_an_error(secret: str) -> None:
    with pytest.raises(ValueError, match="eight digits"):
        RENDERER.letter(notice("pairing_offered"), secret)


def test_the_roles_that_are_left_are_told_by_what_they_lack() -> None:
    lacking = WITHOUT_PORTAL.letter(notice("pairing_roles_removed"), None).text
    enough = WITHOUT_PORTAL.letter(notice("pairing_roles_removed", missing=[]), None).text

    assert "What is left lacks logs.view, so nobody gets in" in lacking
    assert "The other roles stay as they are." in enough
