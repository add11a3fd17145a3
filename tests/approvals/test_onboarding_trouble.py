"""Trouble with the customer platform is shown while there is any."""

from approvals.platform import ImportState, ImportStatus, PlatformAway
from tests.onboardings import OnboardingLife, make_start

AWAY = PlatformAway("The customer platform cannot be reached.")
IMPORTING = ImportState(status=ImportStatus.IMPORTING, imported=1, total=2)


def test_trouble_goes_with_the_first_answer_even_if_that_says_nothing_new() -> None:
    life = OnboardingLife()
    life.platform.imports = [IMPORTING]
    life.says(make_start())
    life.goes_on()
    life.platform.before = lambda _: AWAY
    life.step()
    shown = life.onboarding.trouble

    life.platform.before = lambda _: None
    again, quiet = life.step(), life.step()

    assert (shown, life.onboarding.trouble) == (AWAY.sentence, None)
    assert life.onboarding.trouble_since is None
    assert life.events[-2:] == ["troubled", "importing"]
    assert [one and one.transition is not None for one in (again, quiet)] == [True, False]
    assert [one and one.waits is not None for one in (again, quiet)] == [True, True]
