"""One thread for each test process, as two of them on two cores would wait for each other's, and a cache of its own."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import torch
from hypothesis import settings

from served import Server, serving

torch.set_num_threads(1)
settings.register_profile("untimed", deadline=None)  # a busy machine is no error
settings.load_profile("untimed")
CACHE = tempfile.TemporaryDirectory(prefix="monge-tests-")
os.environ["MONGE_CACHE"] = CACHE.name


@pytest.fixture(scope="module")
def few_relabellings() -> Iterator[None]:
    """As many as a test at 5 % needs: where p-values are only shown, 999 of them would be most of the time."""
    counts = {"split_test.MOST": 39, "split_test.RELABELLINGS": 39, "two_sample.missed.SIMULATIONS": 5}
    counts |= {"two_sample.battery.LEAST": 119, "two_sample.battery.MOST": 119}
    with pytest.MonkeyPatch.context() as patch:
        for name, count in counts.items():
            patch.setattr(f"monge.distance.{name}", count)
        yield


@pytest.fixture(scope="session")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ExitStack, list[Server]]]:
    with ExitStack() as stack:
        yield stack, []


@pytest.fixture
def server(_servers: tuple[ExitStack, list[Server]], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """`monge serve`, one for all tests, as it takes seconds to begin; another one where a test has ended it."""
    stack, servers = _servers
    if not servers or servers[-1].process.poll() is not None:
        servers.append(stack.enter_context(serving(tmp_path_factory.mktemp("served"))))
    return servers[-1]
