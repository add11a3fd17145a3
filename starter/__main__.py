"""`gatehouse` and `python -m starter`: what no option may hold is refused before anything runs."""

import re
import sys

SECRET = re.compile(r"--?(token|password|passwd|secret|code|private-key|api-key)(=.*)?", re.ASCII)
CREDENTIALS = re.compile(r"[a-z+]+://[^/\s]*:[^/\s]*@|[?&](token|access_token|key)=", re.IGNORECASE)
USAGE = 2


def main() -> None:
    """Run the command line and exit with its code."""
    words = sys.argv[1:]
    if any(SECRET.fullmatch(word) or CREDENTIALS.search(word) for word in words):
        sys.stderr.write(
            "Secrets are not taken as arguments. Use a file, an environment variable that names"
            " one, or the prompt.\n"
        )
        sys.exit(USAGE)
    if any(not _is_unicode(word) for word in words):
        sys.stderr.write("An argument is not valid UTF-8 text.\n")
        sys.exit(USAGE)
    from starter.cli import app  # late, so that the checks above cost nothing

    app()


def _is_unicode(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


if __name__ == "__main__":
    main()
