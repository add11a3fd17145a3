"""A real `gatehouse up` for tests, and the people who sit at its terminals."""

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO, TypeVar

import pytest

from starter.__main__ import run
from starter.letters import StoredLetter, letters
from tests.installation import ANSWER_SECONDS

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds; generous, for a machine that is busy with other work
POLICY = '[default]\nshortest_access = "2s"\npairing_links_per_hour = 100\n'
CODE = re.compile(r"\b(\d{4}) (\d{4})\b")
EMAILS = {
    "elizabeth": "elizabeth.bennet@classics.example.com",
    "caroline": "caroline.bingley@classics.example.com",
    "charlotte": "charlotte.lucas@classics.example.com",
    "lydia": "lydia.bennet@classics.example.com",
    "tom": "tom.sawyer@tom-sawyer.example.org",
    "becky": "becky.thatcher@tom-sawyer.example.org",
    "christopher": "christopher.robin@hundred-acre-wood.example.net",
    "mary": "mary.bennet@netherfield.example.com",
    "charles": "charles.bingley@netherfield.example.com",
}
CAROLINE, CHARLOTTE = EMAILS["caroline"], EMAILS["charlotte"]
FENCE, GALLERY = "tom-sawyer", "hundred-acre-wood"
T = TypeVar("T")


class Ended(NamedTuple):
    """How a command ended, and what it wrote where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON; that it is JSON is part of the claim."""
        return json.loads(self.out)


def eventually(look: Callable[[], T | None], what: str) -> T:
    """Look until there is something, and return it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"It did not happen: {what}.")


def runs(process: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")


class MailedCode(io.StringIO):
    """Standard input of somebody who types the code once its mail is there."""

    def __init__(self, look: Callable[[], StoredLetter | None]) -> None:
        super().__init__()
        self._look = look

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # as TextIO has it
        return code_in(eventually(self._look, "a mail brings a code")) + "\n"


class Place:
    """A folder with an installation's state and the profiles of its people."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.home, self.config = folder / "home", folder / "config"
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.home / "policy.toml").write_text(POLICY, encoding="utf-8")
        self._environment = environment

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every command: the machine's, without settings of its own."""
        mine = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GATEHOUSE_", "TEMPORAL_"))
        }
        more = {
            "GATEHOUSE_HOME": str(self.home),
            "GATEHOUSE_ANSWER_SECONDS": str(ANSWER_SECONDS),
            "XDG_CONFIG_HOME": str(self.config),
            "COLUMNS": "200",
        }
        return {**mine, **more, **self._environment}

    def run(self, person: str, *words: str, typed: str | TextIO = "", **environment: str) -> Ended:
        """Run `gatehouse WORDS` as *person* in this process; *typed* is its standard input."""
        stdin = typed if not isinstance(typed, str) else _read(typed)
        with _terminal({**self.environment, **environment}, stdin) as (out, err):
            code = run([*_profile(person), *words])
        return Ended(code, out.getvalue(), err.getvalue())

    def started(self, person: str, *words: str, **more: Any) -> "subprocess.Popen[str]":
        """Start `gatehouse WORDS` as *person* in a process of its own."""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(
            [sys.executable, "-m", "starter", *_profile(person), *words],
            cwd=ROOT,
            text=True,
            **{**streams, "env": self.environment, **more},
        )

    def mail(self, to: str, about: str) -> StoredLetter:
        """Wait for a mail to *to* whose subject or text holds *about*; return the newest."""
        return eventually(lambda: self._newest(to, about), f"{to} gets a mail about {about}")

    def sign_in(self, person: str, profile: str | None = None) -> Ended:
        """Sign somebody in with the code that comes by mail."""
        email = EMAILS[person]
        before = {one.id for one in letters(self.home / "mail")}
        typed = MailedCode(lambda: self._newest(email, "sign-in code", before))
        return self.run(profile or person, "login", email, typed=typed)

    def _newest(
        self, to: str, about: str, before: frozenset[str] | set[str] = frozenset()
    ) -> StoredLetter | None:
        found = [
            one
            for one in letters(self.home / "mail")
            if to in one.to and about in one.subject + one.text and one.id not in before
        ]
        return found[-1] if found else None


class Running(Place):
    """A stack that `gatehouse up` runs in a process of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        super().__init__(folder, **environment)
        self.log = folder / "up.txt"  # what the person at the terminal reads, and no log
        self.process: subprocess.Popen[str] | None = None

    def start(self, *words: str) -> str:
        """Start it, wait until it is up, and return what it said."""
        with self.log.open("w") as log:
            self.process = self.started("", "up", *words, stdout=log, stderr=log)
        process = self.process

        def look() -> str | None:
            said = self.log.read_text(encoding="utf-8")
            if "Ctrl-C stops" not in said and process.poll() is not None:
                raise AssertionError(f"`gatehouse up` ended with {process.returncode}: {said}")
            return said if "Ctrl-C stops" in said else None

        return eventually(look, "`gatehouse up` is up")

    def stop(self, number: int = 2) -> int:
        """Send it a signal (Ctrl-C unless said), wait for its end, and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        if self.process.stdin is not None:
            self.process.stdin.close()
        return code

    def ask(self, *more: str, tenant: str = FENCE, people: str = CAROLINE) -> str:
        """Let Elizabeth ask one tenant; return the request's id."""
        sent = self.run(
            "elizabeth", "request", "create", "--name", "SupportAccess",
            "--associate", f"{people}={tenant}", "--json", *more,
        )  # fmt: skip
        assert sent.code == 0, sent.err
        request: str = sent.json[0]["request"]
        return request

    def granted(self, *end: str, people: str = CAROLINE) -> str:
        """Let Elizabeth ask Tom, and Tom grant; return the request's id."""
        request = self.ask(people=people)
        done = self.run("tom", "request", "grant", request, *(end or ("--for", "1h")))
        assert done.code == 0, done.err
        return request

    def shown(self, person: str, request: str) -> Any:
        """Return a request as *person* sees it."""
        return self.run(person, "request", "show", request, "--json").json

    def look(self, person: str, request: str) -> Any:
        """Return a request as *person* sees it, or None while it is not there."""
        seen = self.run(person, "request", "show", request, "--json")
        return seen.json if seen.code == 0 else None

    def watched(self, person: str, request: str) -> Ended:
        """Let *person* watch a request until it ends."""
        process = self.started(person, "request", "watch", request)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        return Ended(process.returncode, out, err)

    def events(self, request: str) -> list[str]:
        """Return the events of a request, mails left out."""
        lines = self.shown("elizabeth", request)["timeline"]
        return [one["event"] for one in lines if not one["event"].startswith("mail.")]

    def run(self, person: str, *words: str, typed: str | TextIO = "", **environment: str) -> Ended:
        """As of any place; whoever has a name here signs in first, once."""
        profile = self.config / "gatehouse" / "profiles" / person
        if person in EMAILS and words[:1] != ("login",) and not profile.exists():
            signed_in = self.sign_in(person)
            assert signed_in.code == 0, signed_in.err
        return super().run(person, *words, typed=typed, **environment)


def code_in(letter: StoredLetter) -> str:
    """Return the code that a mail brings, as its eight digits."""
    found = CODE.search(letter.text)
    assert found is not None, letter.text
    return "".join(found.groups())


def _profile(person: str) -> tuple[str, ...]:
    return ("--profile", person) if person else ()


def _read(typed: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(typed.encode()), encoding="utf-8")


@contextmanager
def _terminal(
    environment: Mapping[str, str], stdin: TextIO
) -> Iterator[tuple[io.StringIO, io.StringIO]]:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        for name, stream in {"stdin": stdin, "stdout": out, "stderr": err}.items():
            patch.setattr(sys, name, stream)
        patch.chdir(ROOT)
        # The command hands its profile down in the environment; it goes with the rest.
        patch.setenv("GATEHOUSE_PROFILE", environment.get("GATEHOUSE_PROFILE", ""))
        yield out, err
