"""The story of `gatehouse demo`: one module a chapter, told in the order of `CHAPTERS`."""

from time import monotonic

from starter.console import print_text
from starter.story import customer, onboarding, pairing, people, record, request, site
from starter.story.stage import Chapter, Stage
from starter.story.telling import heading, say_in_sum

CHAPTERS: tuple[Chapter, ...] = (
    (people.TITLE, people.play),
    (onboarding.TITLE, onboarding.play),
    (customer.TITLE, customer.play),
    (pairing.TITLE, pairing.play),
    (request.TITLE, request.play),
    (site.TITLE, site.play),
    (record.TITLE, record.play),
)


async def play(stage: Stage) -> None:
    """Play every chapter and sum up what happened. Raises StoryError when a step differs."""
    begun, happened = monotonic(), []
    for number, (title, chapter) in enumerate(CHAPTERS, start=1):
        heading(f"{number}. {title}")
        happened.append(await chapter(stage))
    heading("What happened")
    for number, sentence in enumerate(happened, start=1):
        say_in_sum(number, sentence)
    print_text(f"\nEvery step was as expected, in {monotonic() - begun:.0f} seconds.")
