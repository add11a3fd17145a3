"""`gatehouse contacts save --file`: what is wrong in the file is told by line, field and rule."""

from pathlib import Path

import pytest

from tests.starter.running import Place

SIGN = "An email address must have an @-sign."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[primary]\nperson = "becky"\n', [f"line 2: primary.person: {SIGN}"]),
        ("[[secondary]]\n", ["primary is missing.", "line 1: secondary 1.person is missing."]),
        (
            '[primary]\nperson = "becky@example.com"\nphone = "1"\n',
            ["line 3: 'phone' is not a field of this file."],
        ),
        (
            (
                '"the boss" = 1\n[primary]\nperson = "becky@example.com"\n'
                '[[secondary]]\nperson = "tom@example.com"\n[[secondary]]\nperson = "sid"\n'
            ),
            [
                f"line 7: secondary 2.person: {SIGN}",
                "line 1: 'the boss' is not a field of this file.",
            ],
        ),
        ("[primary\n", ["line 1: This is not readable TOML: Expected ']' at the end of a table"]),
        ("a = " + "[" * 5_000, ["This is not readable TOML: nested too deep."]),
    ],
    ids=["a field", "what is missing", "unknown", "several", "no TOML", "nested"],
)
def test_what_is_wrong_is_told_with_file_line_field_and_rule(
    tmp_path: Path, text: str, told: list[str]
) -> None:
    file = tmp_path / "contacts.toml"
    file.write_text(text, encoding="utf-8")

    ended = Place(tmp_path).run("", "contacts", "save", "the-fence", "--file", str(file))

    said = ended.err.splitlines()
    assert ended.code == 2
    assert said[-1] == "Nothing was changed."
    assert len(said) == len(told) + 1
    for line, wanted in zip(said, told, strict=False):
        assert line.startswith(f"{file}: {wanted}")


def test_a_customer_file_that_is_nested_too_deep_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "customer.toml"
    file.write_text("a = " + "[" * 5_000, encoding="utf-8")

    ended = Place(tmp_path).run("", "onboarding", "start", str(file))

    assert (ended.code, ended.err.splitlines()) == (
        2,
        [f"{file}: This is not readable TOML: nested too deep.", "Nothing was changed."],
    )
