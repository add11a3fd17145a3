"""What a refusal says to readers of other languages, and when the English sentence stands below."""

from collections.abc import Iterator

import pytest

from approvals.errors import (
    AlreadyDecidedError,
    ApprovalError,
    EndDateError,
    NotFoundError,
    OwnRequestError,
    StaleError,
    SubmissionError,
    TooLateError,
)
from approvals.pairing.errors import LinkUsedError, MissingPermissionsError, RoleUnknownError
from portal import sentences
from portal.languages import LANGUAGES, speech_of
from tests.factories import START, TOM

TRANSLATED = [one for one in LANGUAGES if one != "en"]
BY_THE_FIELD = {EndDateError}  # its sentence stands beside the end, by the rule that it breaks


def every(kind: type[ApprovalError] = ApprovalError) -> Iterator[type[ApprovalError]]:
    """Yield every way in which a rule says no."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("approvals."):
            yield one
            yield from every(one)


def test_every_refusal_has_a_sentence_for_readers_of_other_languages() -> None:
    codes = {one.code for one in every() if one not in BY_THE_FIELD}

    assert codes - set(sentences.REFUSALS) == set()
    assert sentences.NAMING - set(sentences.REFUSALS) == set()


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize(
    "refusal",
    [
        OwnRequestError(),
        NotFoundError(),
        TooLateError("The offer", START),
        LinkUsedError(START),
        AlreadyDecidedError("granted", TOM.id, START),
    ],
    ids=lambda one: one.code,
)
def test_a_refusal_of_which_the_page_shows_the_rest_is_said_in_one_language(
    language: str, refusal: ApprovalError
) -> None:
    speech = speech_of(language, "UTC")

    assert sentences.refusal(refusal, speech) != str(refusal)
    assert sentences.in_english(refusal, speech) is None


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize(
    "refusal",
    [
        SubmissionError("These roles are assigned already."),
        MissingPermissionsError(["logs.view"]),
        RoleUnknownError("painter", ["support"]),
        StaleError("the terms are now version 2."),
    ],
    ids=lambda one: one.code,
)
def test_what_only_the_english_sentence_names_stands_below_the_translated_one(
    language: str, refusal: ApprovalError
) -> None:
    speech = speech_of(language, "UTC")

    assert sentences.refusal(refusal, speech) != str(refusal)
    assert sentences.in_english(refusal, speech) == str(refusal)
    assert sentences.in_english(refusal, speech_of("en", "UTC")) is None
