"""How this process was started."""

import os


def follows() -> bool:
    """Whether this is one of several processes that torchrun started, and not the first, which speaks for all."""
    return launched() and os.environ.get("RANK") != "0"


def launched() -> bool:
    """Whether torchrun started this process, and others with it."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1
