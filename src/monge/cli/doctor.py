"""`monge doctor`: what monge finds on this machine, to send along with a question."""

import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monge.cli.parse import parse, show

OTHERS = ("safetensors", "pillow", "matplotlib")
"""Packages whose versions are told, besides those that a run records."""
EXTRAS = {
    "table": ("pyarrow",),
    "frame": ("pandas",),
    "export": ("onnx", "onnxruntime", "onnxscript"),
    "tensorboard": ("tensorboard",),
    "app": ("starlette", "uvicorn"),
}
"""What each extra brings, by the names of their modules."""


@dataclass(frozen=True)
class Doctor:
    """Says which versions, devices, extras and how much space monge finds here."""

    json: bool = False
    """Print one JSON document."""


def main(arguments: Sequence[str]) -> int:
    """Looks and tells."""
    asked = parse(Doctor, "doctor", arguments)
    found = findings()
    width = max(map(len, found))
    show(found, asked.json, "\n".join(f"{name:{width}}  {_text(value)}" for name, value in found.items()))
    return 0


def findings() -> dict[str, Any]:
    """What there is, by name; sizes in bytes."""
    import torch

    from monge.data.cache import folder
    from monge.run.pool import cores
    from monge.training.resume import VERSIONED

    cache, accelerators = folder(), {"cuda": torch.cuda, "mps": torch.backends.mps}
    missing = {extra: [name for name in modules if find_spec(name) is None] for extra, modules in EXTRAS.items()}
    return {
        "python": f"{platform.python_version()} on {platform.platform()}",
        "versions": {name: metadata.version(name) for name in (*VERSIONED, *OTHERS)},
        "devices": ["cpu", *(name for name, module in accelerators.items() if module.is_available())],
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "cache": str(cache),
        "cache_bytes": size(cache),
        "free_bytes": {"cache": free(cache), "here": free(Path.cwd())},
        "missing": {f"monge[{extra}]": names for extra, names in missing.items() if names},
    }


def size(folder: Path) -> int:
    """Bytes of all files in a folder, which need not exist."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def free(folder: Path) -> int:
    """Free bytes on the disk of a folder, or of the nearest one above it that exists."""
    return shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists())).free


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items()) or "nothing"
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, int) and value > 2**20:
        return f"{value / 2**30:,.1f} GiB"
    return str(value)
