"""`gatehouse` and `python -m starter`: what no option may hold is refused before anything runs."""

import gc
import os
import re
import sys
from collections import Counter
from contextlib import suppress

SECRET = re.compile(r"--?(token|password|passwd|secret|code|private-key|api-key)(=.*)?", re.ASCII)
CREDENTIALS = re.compile(
    r"[a-z+]+://[^/\s]*:[^/\s]*@|[?&](token|access_token)=|apl_[a-z0-9_-]{43}", re.IGNORECASE
)
REPEATABLE = ("--associate", "--status", "--secondary", "--privilege")
USAGE, PIPE = 2, 141


def main() -> None:
    """Run the command line and end the process with its exit code."""
    code = run(sys.argv[1:])
    with suppress(OSError):  # its reader has left
        sys.stderr.flush()
    # Not sys.exit: a thread of Temporal's client that outlives a failed connection now and then
    # aborts the interpreter at its end, and so would change the exit code.
    os._exit(code)


def run(words: list[str]) -> int:
    """Run the command line and return its exit code, with all of stdout written."""
    _open_what_is_closed()
    if wrong := _wrong(words):
        sys.stderr.write(f"{wrong}\n")
        return USAGE
    gc.disable()  # looking for garbage among what is imported takes a fifth of the start
    from starter.cli import app  # late, so that the checks above cost nothing
    from starter.console import UNREACHABLE, OutputError

    gc.freeze()
    gc.enable()
    try:
        app(words, prog_name="gatehouse")
    except SystemExit as end:
        return _code(end)
    except OSError as full:  # of a help text; commands tell it themselves
        sys.stderr.write(f"{OutputError(full)}\n")
        return UNREACHABLE
    return _code(SystemExit())


def _wrong(words: list[str]) -> str | None:
    """Return the sentence for words that no command takes. It never repeats a secret."""
    if any(SECRET.fullmatch(word) or CREDENTIALS.search(word) for word in words):
        return (
            "Secrets are not taken as arguments. Use a file, an environment variable that names"
            " one, or the prompt."
        )
    if not all(_is_unicode(word) for word in words):
        return "An argument is not valid UTF-8 text."
    options = words[: words.index("--")] if "--" in words else words
    given = Counter(word.partition("=")[0] for word in options if re.match("--[a-z]", word))
    twice = [one for one, count in given.items() if count > 1 and one not in REPEATABLE]
    return f"{twice[0]} is given more than once." if twice else None


def _is_unicode(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _open_what_is_closed() -> None:
    """Give the process the streams that its starter closed: nothing to read, nowhere to write."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _code(end: SystemExit) -> int:
    """Return the exit code; a reader of stdout who left early is no failure of ours."""
    has_left = isinstance(end.__context__, BrokenPipeError)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        has_left = True
    except OSError:  # the command has told so
        pass
    if has_left:
        return PIPE
    return end.code if isinstance(end.code, int) else int(end.code is not None)


if __name__ == "__main__":
    main()
