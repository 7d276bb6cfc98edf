"""Notes and warnings of a command, one line each and each once, held back until the input is known to be accepted.

An error is one line on standard error, so a command that ends with bad input shows nothing before it. A training
releases them with its first step, every other command at its end.
"""

import sys

from monge.errors import one_line


class Notices:
    """Takes the place of `warnings.showwarning`."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Starts a command: nothing is held, nothing released."""
        self._lines: dict[str, bool] = {}
        self._released = self._silent = False

    def silence(self) -> None:
        """Takes nothing any more, as another process of the same training says it."""
        self._lines, self._silent = {}, True

    def say(self, text: str) -> None:
        """Takes a sentence that stands before all warnings."""
        self._lines = {f"monge: {text}": False} | self._lines

    def show(self, message: Warning | str, *_: object, **__: object) -> None:
        """Takes a warning; data opened again for the report would otherwise repeat its own."""
        self._lines.setdefault(f"monge: warning: {message}", False)
        if self._released:
            self.release()

    def release(self) -> None:
        """Prints what was held back, and from now on every warning at once."""
        self._released = True
        if self._silent:
            return
        for line, printed in self._lines.items():
            if not printed:
                print(one_line(line), file=sys.stderr)
            self._lines[line] = True


NOTICES = Notices()
"""Those of the command that this process runs."""
