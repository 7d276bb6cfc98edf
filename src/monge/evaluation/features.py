"""What samples are compared by: their pixels or values, the features of a classifier, or those of Inception."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from monge.data import cache
from monge.data.dataset import DataSet, fingerprint_of
from monge.data.space import ImageSpace
from monge.distance.points import Points
from monge.errors import UserError, unknown_name
from monge.evaluation.inception import load_inception
from monge.metric.classifier import Classifier

FEATURES = ("raw", "classifier", "inception")
FITTED = 10_000
"""Samples that a classifier is fitted to, at most."""
CHUNK = 32
"""Images that Inception sees at once."""


@dataclass(frozen=True)
class Features:
    """A map from samples in metric scale (n, d) to what they are compared by, (n, k).

    Arguments:
        name: as it is shown.
        encode: the map.
        classifier: whose features they are, if so.
        singular: whether a Frechet distance is of use for fewer samples than features.
    """

    name: str = "raw"
    encode: Callable[[Points], Points] = lambda x: x
    classifier: Classifier | None = None
    singular: bool = False


def features_of(data: DataSet, name: str) -> Features:
    """The features of a name.

    Arguments:
        data: what is compared.
        name: "raw"; "classifier", of the data's labels, from the cache folder or fitted and put there; or
            "inception:FILE", of a file of weights.

    Raises:
        UserError: an unknown name, data without labels or with too few of them, data that are no images of 1 or 3
            channels, or no file of the right weights.
    """
    kind, _, file = name.partition(":")
    if kind not in FEATURES or (file and kind != "inception"):
        raise unknown_name("--features", name, ("raw", "classifier", "inception:FILE"))
    if kind == "inception":
        return _inception(data, file)
    return Features() if kind == "raw" else _classifier(data)


def _classifier(data: DataSet) -> Features:
    if data.train.labels is None:
        raise UserError(f"--features classifier needs labels; {data.info.name} has none; use --features raw")
    # data measured in the scale of others keep their own fingerprint, and the space has the range of the pixels
    path = cache.folder() / f"{fingerprint_of(data.fingerprint, repr(data.space))}-classifier-2.npz"
    found = Classifier.load(path, math.prod(data.codec.space.shape))
    if found is None:
        chosen = np.random.default_rng(0).permutation(len(data.train.labels))[:FITTED]
        found = Classifier.fit(data.codec.metric(data.train.rows(chosen)), data.train.labels[chosen])
        found.save(path)
    return Features("classifier", found.features, found)


def _inception(data: DataSet, file: str) -> Features:
    if not file:
        raise UserError("--features inception needs a file of weights: inception:FILE")
    space = data.space
    if not isinstance(space, ImageSpace) or space.channels not in (1, 3):
        what = f"images of {space.channels} channels" if isinstance(space, ImageSpace) else f"{space.name}s"
        raise UserError(f"--features inception needs images of 1 or 3 channels; {data.info.name} contains {what}")
    network = load_inception(Path(file))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)

    @torch.no_grad()
    def encode(x: Points) -> Points:
        images = torch.from_numpy(x).float().unflatten(1, data.codec.space.shape).expand(-1, 3, -1, -1)
        return torch.cat([network(part.to(device)).cpu() for part in images.split(CHUNK)]).double().numpy()

    return Features(f"inception {digest(Path(file))}", encode, singular=True)


def digest(path: Path) -> str:
    """The first 8 hexadecimal digits of a file's SHA-256, which the names of published weights end in."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]
