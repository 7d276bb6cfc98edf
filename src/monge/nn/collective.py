r"""What several processes say to each other while they train, so that together they compute what one would alone.

Each of W processes has the same parameters and an equal, consecutive part of every batch. With :math:`L_r` the loss
that process r computes, together they minimise

.. math:: L = \frac1W \sum_r L_r.

A loss that is a mean over samples is a mean of such means. One that is not takes the `gathered` outputs of the whole
batch, and then every :math:`L_r` is L itself. What depends on the outputs of other processes has its derivatives there,
so that the derivative of `gathered` adds up what all processes ask of a part, and the derivative of that gathers again:
both are linear, each is the other's transpose, and derivatives of any order are exact.

torch.distributed carries the messages: `gloo` between processors, `nccl` between GPUs.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor

AWAKE = 0.1
"""Seconds for which a process waits for a message without falling asleep."""

_ALONE = ContextVar("alone", default=False)


class DisconnectedError(RuntimeError):
    """The other processes cannot be reached, as one of them has died."""


@dataclass
class Traffic:
    """The messages that this process has begun to exchange with all others.

    Attributes:
        messages: how many.
        since: when the last one began, on the monotonic clock.
        patient: whether it may take any time, as the first process may be busy elsewhere.
        pauses: seconds that this process needed before each of the last messages that may not take any time.
        awake: whether this process has a core for itself, on which it may wait for messages without falling asleep.
    """

    messages: int = 0
    since: float = field(default_factory=time.monotonic)
    patient: bool = True
    pauses: deque[float] = field(default_factory=lambda: deque(maxlen=64))
    awake: bool = False
    _ended: float = field(default_factory=time.monotonic)

    def exchange(self, operation: Callable[..., Any], *arguments: Any, patient: bool = False, **how: Any) -> None:
        """Exchanges a message by an operation of torch.distributed.

        Raises:
            DisconnectedError: another process has died.
        """
        self.since, self.patient = time.monotonic(), patient
        if not patient:
            self.pauses.append(self.since - self._ended)
        self.messages += 1
        try:
            message = operation(*arguments, **how, async_op=True)
            # a virtual machine takes a core away from who sleeps, and needs a while to give it back
            while self.awake and not message.is_completed() and time.monotonic() < self.since + AWAKE:
                os.sched_yield()
            message.wait()
        except RuntimeError as error:
            raise DisconnectedError(str(error)) from error
        self._ended = time.monotonic()


TRAFFIC = Traffic()
"""That of this process."""


@contextmanager
def alone() -> Iterator[None]:
    """What is computed now is computed by this process without the others, from whole batches."""
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)


def world_size() -> int:
    """How many processes train together."""
    return 1 if _ALONE.get() or not dist.is_initialized() else dist.get_world_size()


def rank() -> int:
    """Which of them this is, from 0."""
    return 0 if _ALONE.get() or not dist.is_initialized() else dist.get_rank()


def gathered(x: Tensor) -> Tensor:
    """The rows (n, ...) of all processes below one another, (W n, ...), differentiable any number of times.

    Example:
        >>> import torch
        >>> from monge.nn.collective import gathered
        >>> x = torch.ones(4, 2)
        >>> gathered(x) is x  # of one process
        True
    """
    return x if world_size() == 1 else cast(Tensor, _Gathered.apply(x))  # type: ignore[no-untyped-call]


def added(x: Tensor) -> Tensor:
    """The sum over all processes, in place."""
    if world_size() > 1:
        TRAFFIC.exchange(dist.all_reduce, x)
    return x


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.contiguous()
        rows = x.new_empty(dist.get_world_size(), *x.shape)
        TRAFFIC.exchange(dist.all_gather, list(rows.unbind()), x)
        return rows.flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return cast(Tensor, _OwnSum.apply(gradient))  # type: ignore[no-untyped-call]


class _OwnSum(torch.autograd.Function):
    """The sum over all processes of this one's rows: (W n, ...) to (n, ...)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = added(x.clone(memory_format=torch.contiguous_format))
        return total.chunk(dist.get_world_size())[dist.get_rank()].clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return cast(Tensor, _Gathered.apply(gradient))  # type: ignore[no-untyped-call]
