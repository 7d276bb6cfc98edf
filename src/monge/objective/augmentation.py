r"""Differentiable augmentation: random transforms of real and generated images alike before the critic sees them.

The critic cannot learn by heart images that it never sees twice. As both distributions are transformed in the same
way, and gradients pass through the transforms, the generator still learns the untransformed distribution, as long as
each transform is applied with probability less than one or can be told from the images.

References: Zhao, Liu, Lin, Zhu, Han 2020, "Differentiable augmentation for data-efficient GAN training"; the
probability of each transform: Karras et al. 2020, "Training generative adversarial networks with limited data".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from monge.errors import unknown_name

SHIFTED = 1 / 8
"""Of a side, by which an image is moved at most."""
CONSTANT = 0.6
"""Strength of transforms that are not steered: at 1, when every image is transformed, generated ones get frames too."""


class _Moved(torch.autograd.Function):
    """Moves images (n, c, h, w) by whole pixels (n,) along rows and columns; what comes in is 0.

    The gradient is moved back, which takes less than half of the time of torch's for an index.
    """

    @staticmethod
    def forward(context: Any, x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        context.save_for_backward(rows, columns)
        channels, height, width = x.shape[1:]
        down = torch.arange(height, device=x.device) + rows[:, None]
        right = torch.arange(width, device=x.device) + columns[:, None]
        inside = ((down >= 0) & (down < height))[:, :, None] & ((right >= 0) & (right < width))[:, None, :]
        place = down.clamp(0, height - 1)[:, :, None] * width + right.clamp(0, width - 1)[:, None, :]
        moved = x.flatten(2).gather(2, place.flatten(1)[:, None].expand(-1, channels, -1))
        return moved.view(-1, channels, height, width) * inside[:, None]

    @staticmethod
    def backward(context: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        rows, columns = context.saved_tensors
        return _moved(slope, -rows, -columns), None, None


def _moved(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    moved: Tensor = _Moved.apply(x, rows, columns)  # type: ignore[no-untyped-call]
    return moved


def translation(x: Tensor, u: Tensor, on: Tensor) -> Tensor:
    """Moves images by whole pixels, up to an eighth of a side; what comes in is 0."""
    rows, columns = (_shift(u[:, axis], side) * on for axis, side in enumerate(x.shape[2:]))
    return _moved(x, rows, columns)


def colour(x: Tensor, u: Tensor, on: Tensor) -> Tensor:
    """Changes brightness, saturation (of several channels) and contrast."""
    brightness, saturation, contrast = (part.view(-1, 1, 1, 1) for part in u.unbind(1))
    changed = x + (brightness - 0.5)
    if x.shape[1] > 1:
        grey = changed.mean(1, keepdim=True)
        changed = (changed - grey) * (2 * saturation) + grey
    mean = changed.mean((1, 2, 3), keepdim=True)
    return torch.where(on.view(-1, 1, 1, 1), (changed - mean) * (contrast + 0.5) + mean, x)


def cutout(x: Tensor, u: Tensor, on: Tensor) -> Tensor:
    """Sets a rectangle of half the height and width to 0, with its centre anywhere."""
    hidden = []
    for axis, side in enumerate(x.shape[2:]):
        centre = (u[:, axis] * side).floor()[:, None]
        hidden.append((torch.arange(side, device=x.device) - centre + 0.5).abs() <= side / 4)
    return x * ~((hidden[0] & on[:, None])[:, :, None] & hidden[1][:, None, :])[:, None]


def flip(x: Tensor, u: Tensor, on: Tensor) -> Tensor:
    """Swaps left and right in half of the images."""
    return torch.where(((u[:, 0] < 0.5) & on).view(-1, 1, 1, 1), x.flip(3), x)


@dataclass(frozen=True)
class Transform:
    """One kind of transform.

    Arguments:
        numbers: uniform numbers that it takes for an image.
        apply: images (n, c, h, w), their numbers (n, numbers), and which of them to transform (n,), to images.
    """

    numbers: int
    apply: Callable[[Tensor, Tensor, Tensor], Tensor]


TRANSFORMS: Mapping[str, Transform] = {
    "flip": Transform(1, flip),
    "colour": Transform(3, colour),
    "translation": Transform(2, translation),
    "cutout": Transform(2, cutout),
}
"""By name, in the order in which they are applied."""


@dataclass(frozen=True)
class Augmentation:
    """Transforms that are each applied to an image with some probability, the strength.

    Arguments:
        transforms: names out of "flip", "colour", "translation" and "cutout"; at least one.
        steered: whether the training adapts the strength, starting from 0; else it is constant, .6.

    Raises:
        UserError: another name.

    Example:
        >>> import torch
        >>> from monge.objective import Augmentation
        >>> augment = Augmentation(("translation", "cutout"))
        >>> images, uniform = torch.ones(4, 1, 8, 8), torch.rand(4, augment.numbers)
        >>> bool((augment(images, uniform, 0.0) == images).all())  # never applied
        True
        >>> bool((augment(images, uniform, 1.0) == images).all())
        False
    """

    transforms: Sequence[str]
    steered: bool = False

    def __post_init__(self) -> None:
        for name in self.transforms:
            if name not in TRANSFORMS:
                raise unknown_name("--augment", name, TRANSFORMS)

    @property
    def start(self) -> float:
        """The strength of the first step."""
        return 0.0 if self.steered else CONSTANT

    @property
    def numbers(self) -> int:
        """Uniform numbers that it takes for an image."""
        return sum(1 + TRANSFORMS[name].numbers for name in self.transforms)

    def __call__(self, x: Tensor, uniform: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        """Images (n, c, h, w), transformed by uniform numbers (n, `numbers`); each is drawn for each image apart.

        Arguments:
            strength: the probability of each transform, in [0, 1].
        """
        # as a steered one begins: the same values, without the time; a device is not asked, which would wait for it
        if (not isinstance(strength, Tensor) or strength.device.type == "cpu") and float(strength) == 0.0:
            return x
        start = 0
        for name, transform in TRANSFORMS.items():
            if name not in self.transforms:
                continue
            gate, own = uniform[:, start], uniform[:, start + 1 : start + 1 + transform.numbers]
            start += 1 + transform.numbers
            x = transform.apply(x, own, gate < strength)
        return x


def _shift(u: Tensor, side: int) -> Tensor:
    """Whole pixels (n,) by which images are moved along an axis."""
    most = int(side * SHIFTED + 0.5)
    return (u * (2 * most + 1)).floor().long() - most
