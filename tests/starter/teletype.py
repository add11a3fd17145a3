"""A terminal with somebody in front of it: a real command on a pseudo-terminal."""

import contextlib
import os
import select
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

from tests.starter.running import PATIENCE, ROOT, Place

# The child takes the terminal as its own, so that Ctrl-C reaches it and getpass finds it; whoever
# runs the tests in the background would make it deaf to that.
OWN_TERMINAL = (
    "import fcntl, os, signal, sys, termios;"
    " signal.signal(signal.SIGINT, signal.SIG_DFL);"
    " fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " os.execv(sys.executable, [sys.executable, '-m', 'starter', *sys.argv[1:]])"
)
CTRL_C, CTRL_D = "\x03", "\x04"


class Teletype:
    """Runs `gatehouse WORDS` as *person*; what it writes, on either stream, comes in one."""

    def __init__(self, place: Place, person: str, *words: str) -> None:
        self._ours, theirs = os.openpty()
        profile = ("--profile", person) if person else ()
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL, *profile, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            env={**place.environment, "TERM": "xterm"},
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def expect(self, text: str) -> None:
        """Wait until *text* appears behind what was expected before."""
        end = time.monotonic() + PATIENCE
        while (found := self.seen.find(text, self._read)) < 0:
            if time.monotonic() > end or not self._more():
                raise AssertionError(f"No {text!r} in: {self.seen[self._read :]}")
        self._read = found + len(text)

    def types(self, text: str) -> None:
        """Type something."""
        os.write(self._ours, text.encode())

    def ends(self) -> int:
        """Wait for the end and return the exit code; ``seen`` then holds all that was written."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._more():
            pass
        return self.process.wait(PATIENCE)

    def _more(self) -> bool:
        """Read on; False at the end."""
        if not select.select([self._ours], [], [], 0.2)[0]:
            return True
        data = b""
        with contextlib.suppress(OSError):  # Linux says so when the other end is closed
            data = os.read(self._ours, 65_536)
        self.seen += data.decode().replace("\r\n", "\n")
        return bool(data)
