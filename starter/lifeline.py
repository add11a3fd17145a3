"""Become another program, one that ends when its starter does: on Linux the kernel sees to it.

The arguments are the starter's process id and the program's command line. It runs as a file, not as
a module, and imports little, for every part of the stack starts through it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # of prctl(2); it outlives the exec below


def main() -> None:
    """Tie this process to its starter, and run the program in its place."""
    starter, *command = sys.argv[1:]
    # Not SIGTERM: to end in order takes the other parts, which end at the same moment.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(starter):  # it ended before it could be tied to
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
