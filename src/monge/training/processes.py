"""Several processes, started by torchrun, that train as one would with the same batch.

Where their ways must not part, `led` and `told` let the first one decide and `anywhere` hears all of them; alone, a
process decides by itself, and none of this costs anything.
"""

import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, replace
from datetime import timedelta
from functools import cache
from hashlib import blake2b
from typing import Any, TypeVar, cast
from uuid import uuid4

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from monge.config.schema import Config
from monge.data.dataset import DataSet
from monge.errors import MongeError, TrainingError, UserError
from monge.nn.collective import TRAFFIC, DisconnectedError, added, alone, gathered, rank, world_size
from monge.run.launch import launched
from monge.run.pool import cores
from monge.training.state import TrainingState
from monge.training.watch import Watch

Value = TypeVar("Value")
_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)
FOREVER = timedelta(days=365)
"""How long torch waits for other processes: whether they still live is not a question of time."""


class LostProcessError(TrainingError):
    """Another process has failed, died or hung."""


@cache
def _appointment() -> tuple[Store, int, int]:
    """The store where the processes that torchrun started meet, this one's rank, and how many there are."""
    found: tuple[Store, int, int] = next(iter(rendezvous("env://")))
    return found


def _fresh(store: Store, own: int, processes: int) -> Store:
    """A part of the store that is empty: torchrun gives the same one to processes that it starts again.

    The first process gives it a new name and lists those who greeted it under that name; whoever is not on the list
    has read the name of an earlier life.
    """
    me = uuid4().hex
    if own == 0:
        store.set("first", me)
        greetings = [f"{me}/{other}" for other in range(1, processes)]
        store.wait(greetings)
        store.set(f"{me}/all", json.dumps([greeting.decode() for greeting in store.multi_get(greetings)]))
        return PrefixStore(me, store)
    while True:
        first = store.get("first").decode()
        store.set(f"{first}/{own}", me)
        if store.check([f"{first}/all"]) and me in json.loads(store.get(f"{first}/all")):
            return PrefixStore(first, store)
        time.sleep(0.02)


@contextmanager
def joined() -> Iterator[None]:
    """Joins this process with the others, if torchrun started several; whoever is joined already stays it.

    Raises:
        LostProcessError: another process has failed, died or hung; says which.
    """
    if not launched() or dist.is_initialized():
        yield
        return
    given, own, processes = _appointment()
    store = _fresh(given, own, processes)
    watch = Watch(store, own, processes)
    cuda = torch.cuda.is_available()
    TRAFFIC.awake = hasattr(os, "sched_yield") and not cuda and processes_here() <= cores()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
    backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
    token = _WATCH.set(watch)
    try:
        with losses_told():
            dist.init_process_group(backend, timeout=FOREVER, store=store, rank=own, world_size=processes)
            yield
            meet()
    except BaseException as error:
        lost = isinstance(error, LostProcessError)
        if isinstance(error, MongeError):  # which the first process says, unless it is lost itself
            error.said_elsewhere = own > 0 and not (lost and watch.speaks())
        watch.close("" if lost else _last_word(error))
        if dist.is_initialized() and not cuda:  # messages between GPUs may never end
            dist.destroy_process_group()
        raise
    finally:
        _WATCH.reset(token)
    watch.leave()
    dist.destroy_process_group()


def _last_word(error: BaseException) -> str:
    """What a process that fails by itself says to the others."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return str(error) if isinstance(error, MongeError) else repr(error)


@contextmanager
def losses_told() -> Iterator[None]:
    """Says of a broken connection which process broke it.

    Raises:
        LostProcessError: names the process.
    """
    try:
        yield
    except DisconnectedError as error:
        watch = _WATCH.get()
        raise LostProcessError(str(error) if watch is None else watch.culprit()) from None


@contextmanager
def in_turn() -> Iterator[None]:
    """The first process of each machine goes ahead, so that the others find what it keeps for them."""
    first = world_size() == 1 or os.environ.get("LOCAL_RANK", "0") == "0"
    if not first:
        meet()
    yield
    if first:
        meet()


def processes_here() -> int:
    """How many processes of this training torchrun started on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def leads() -> bool:
    """Whether this is the first process, the only one that writes."""
    return rank() == 0


def meet() -> None:
    """Waits until all processes are here."""
    anywhere(False)


def anywhere(flag: bool) -> bool:
    """Whether a flag is set in any process."""
    if world_size() == 1:
        return flag
    found = torch.tensor([flag], dtype=torch.uint8)
    TRAFFIC.exchange(dist.all_reduce, found, op=dist.ReduceOp.MAX, patient=True)
    return bool(found.item())


def told(value: Value) -> Value:
    """The first process's value, which JSON can carry."""
    if world_size() == 1:
        return value
    found: Value = json.loads(_broadcast(json.dumps(value).encode() if leads() else b""))
    return found


def led(work: Callable[[], Value]) -> Value:
    """What the first process finds, which JSON can carry; it works alone, and the others wait for it."""
    if world_size() == 1:
        return work()
    found: Value | None = None
    if leads():
        with alone():
            found = work()
    return told(cast(Value, found))


def _broadcast(content: bytes) -> bytes:
    """The first process's bytes."""
    size = torch.tensor([len(content)])
    TRAFFIC.exchange(dist.broadcast, size, 0, patient=True)
    message = torch.empty(int(size), dtype=torch.uint8)
    if leads():
        message = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    TRAFFIC.exchange(dist.broadcast, message, 0, patient=True)
    return message.numpy().tobytes()


def average(values: Tensor) -> Tensor:
    """The mean over all processes, in place."""
    return values if world_size() == 1 else added(values).div_(world_size())


def average_gradients(network: nn.Module) -> None:
    """Makes the gradients of a network those of the whole batch: one message for all of them."""
    if world_size() == 1:
        return
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    # in the order of the memory, which torch gives a gradient as its parameter has it
    views = [gradient.as_strided((gradient.numel(),), (1,)) for gradient in gradients]
    flat = average(torch.cat(views))
    torch._foreach_copy_(views, flat.split([view.numel() for view in views]))


def check_devices(device: torch.device) -> None:
    """Refuses more processes on this machine than it has GPUs, if they are to train on them.

    Raises:
        UserError: says how many there are.
    """
    here = processes_here()
    if world_size() > 1 and device.type == "cuda" and here > torch.cuda.device_count():
        raise UserError(
            f"--nproc-per-node must be at most {torch.cuda.device_count()}, the GPUs of this machine; got {here}; "
            "or use --device cpu"
        )


def share(state: TrainingState) -> None:
    """Gives all processes the state of the first."""
    if world_size() == 1:
        return
    content = io.BytesIO()
    if leads():
        weights = {name: network.state_dict() for name, network in state.networks().items()}
        torch.save({"networks": weights, "rest": state.rest()}, content)
    whole = torch.load(io.BytesIO(_broadcast(content.getvalue())), map_location=state.device, weights_only=True)
    for name, network in state.networks().items():
        network.load_state_dict(whole["networks"][name])
    state.load_rest(whole["rest"])


def check_alike(config: Config, data: DataSet) -> None:
    """Refuses processes that would train something else than the first.

    Raises:
        UserError: names the process, and whether it is the command or the data that differs.
    """
    settings = json.dumps(asdict(replace(config, source="")), sort_keys=True)  # the data may lie elsewhere
    for what, content in (("data", data.fingerprint + data.held_out_fingerprint), ("settings", settings)):
        if (other := _differing([content.encode()])) is not None:
            raise UserError(f"rank {other} must have the {what} of rank 0; they differ")


def check_equal(state: TrainingState) -> None:
    """Compares the parameters of all processes bit for bit.

    Raises:
        TrainingError: they are no longer the same.
    """
    trained = [*state.generator.parameters(), *state.critic.parameters()]
    other = _differing(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data for value in trained)
    if other is not None:
        raise TrainingError(f"step {state.step}: the parameters of rank {other} differ from those of rank 0")


def _differing(content: Iterable[Any]) -> int | None:
    """The first process whose bytes differ from those of process 0, if there is one."""
    if world_size() == 1:
        return None
    digest = blake2b(digest_size=16)
    for part in content:
        digest.update(part)
    all_digests = gathered(torch.tensor([list(digest.digest())], dtype=torch.uint8))
    others = (all_digests != all_digests[0]).any(1).nonzero().flatten().tolist()
    return others[0] if others else None
