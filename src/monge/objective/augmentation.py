r"""Differentiable augmentation: random transforms of real and generated images alike before the critic sees them.

The critic cannot learn by heart images that it never sees twice. As both distributions are transformed in the same
way, and gradients pass through the transforms, the generator still learns the untransformed distribution, as long as
each transform is applied with probability less than one or can be told from the images.

References: Zhao, Liu, Lin, Zhu, Han 2020, "Differentiable augmentation for data-efficient GAN training"; the
probability of each transform: Karras et al. 2020, "Training generative adversarial networks with limited data".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from monge.errors import unknown_name

SHIFTED = 1 / 8
"""Of a side, by which an image is moved at most."""


def translation(x: Tensor, u: Tensor) -> Tensor:
    """Moves images by whole pixels, up to an eighth of a side; what comes in is 0."""
    height, width = x.shape[2:]
    rows, columns = (
        torch.arange(side, device=x.device) + _shift(u[:, axis], side)[:, None]
        for axis, side in enumerate((height, width))
    )
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    which = torch.arange(len(x), device=x.device)[:, None, None]
    rows, columns = rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]
    # the indices stand on both sides of the channels, which therefore come last
    return x[which, :, rows, columns].movedim(-1, 1) * inside[:, None]


def colour(x: Tensor, u: Tensor) -> Tensor:
    """Changes brightness, saturation (of several channels) and contrast."""
    brightness, saturation, contrast = (part.view(-1, 1, 1, 1) for part in u.unbind(1))
    x = x + (brightness - 0.5)
    if x.shape[1] > 1:
        grey = x.mean(1, keepdim=True)
        x = (x - grey) * (2 * saturation) + grey
    mean = x.mean((1, 2, 3), keepdim=True)
    return (x - mean) * (contrast + 0.5) + mean


def cutout(x: Tensor, u: Tensor) -> Tensor:
    """Sets a rectangle of half the height and width to 0, with its centre anywhere."""
    hidden = []
    for axis, side in enumerate(x.shape[2:]):
        centre = (u[:, axis] * side).floor()[:, None]
        hidden.append((torch.arange(side, device=x.device) - centre + 0.5).abs() <= side / 4)
    return x * ~(hidden[0][:, :, None] & hidden[1][:, None, :])[:, None]


def flip(x: Tensor, u: Tensor) -> Tensor:
    """Swaps left and right in half of the images."""
    return torch.where((u[:, 0] < 0.5).view(-1, 1, 1, 1), x.flip(3), x)


@dataclass(frozen=True)
class Transform:
    """One kind of transform.

    Arguments:
        numbers: uniform numbers that it takes for an image.
        apply: images (n, c, h, w) and their numbers (n, numbers) to transformed images.
    """

    numbers: int
    apply: Callable[[Tensor, Tensor], Tensor]


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
        steered: whether the training adapts the strength, starting from 0; else it is 1.

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
    def numbers(self) -> int:
        """Uniform numbers that it takes for an image."""
        return sum(1 + TRANSFORMS[name].numbers for name in self.transforms)

    def __call__(self, x: Tensor, uniform: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        """Images (n, c, h, w), transformed by uniform numbers (n, `numbers`); each is drawn for each image apart.

        Arguments:
            strength: the probability of each transform, in [0, 1].
        """
        start = 0
        for name, transform in TRANSFORMS.items():
            if name not in self.transforms:
                continue
            gate, own = uniform[:, start], uniform[:, start + 1 : start + 1 + transform.numbers]
            start += 1 + transform.numbers
            x = torch.where((gate < strength).view(-1, 1, 1, 1), transform.apply(x, own), x)
        return x


def _shift(u: Tensor, side: int) -> Tensor:
    """Whole pixels (n,) by which images are moved along an axis."""
    most = int(side * SHIFTED + 0.5)
    return (u * (2 * most + 1)).floor().long() - most
