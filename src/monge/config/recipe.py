"""One function per recipe: from the data's name and space to a config that is known to work.

The settings of `digits` and `grid25` gave the figures that the README quotes, in `benchmarks/`.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from monge.config.schema import Config, ObserveConfig, TrainingConfig
from monge.errors import UserError

if TYPE_CHECKING:
    from monge.data.space import Space

PAPER_MLP = "mlp:latent=32:width=256:depth=3"
"""The generator of the published rules for data without convolutions."""


SMALL, LARGE = 10, 64
"""Sides in pixels up to which the recipe for digits, and above which that for large images, is the default."""
FEW_ROWS = 5000
"""Training rows of a table below which the recipe takes it for a small one."""
FEW = 2000
"""Training images below which the recipe for few images is the default."""
ALIGNED = 0.1
"""Share of the variance that the mean image explains, from which on images show their objects in one place."""


def default_for(name: str, space: "Space", size: int | None, aligned: float) -> str:
    """The recipe of data for which none was named.

    Arguments:
        size: number of training samples; None where every draw is fresh.
        aligned: the share of the variance of images that the mean image explains (see `data.alignment`).
    """
    if name == "grid25":
        return "grid25"
    if space.side is None:
        return "table" if space.name == "table" else "vector"
    if space.side <= SMALL:
        return "digits"
    if size is not None and size < FEW:
        return "few-images"
    if space.side > LARGE:
        return "image-large"
    return "image" if aligned >= ALIGNED else "photo"


def digits(name: str, space: "Space") -> Config:
    """Small networks for images of about 8 x 8 pixels.

    Noise on what the critic sees keeps it from learning some thousand images by heart, and batch norm in the generator
    makes up for the time that takes. Of so few pixels exact transport tells distributions apart better than a critic.
    """
    rule = TrainingConfig(
        batch=64,
        n_critic=2,
        learning_rate=5e-4,
        critic_learning_rate=1e-3,
        decay_from=0.5,
        transport_from=0.7,
        ema=0.9995,
    )
    return Config(
        recipe="digits",
        objective="wgan-gp:weight=5:noise=0.2:every=2",
        generator="mlp:latent=16:width=256:depth=3:norm=batch",
        critic="mlp:width=256:depth=3",
        steps=7_000,
        training=rule,
    )


def grid25(name: str, space: "Space") -> Config:
    """Plain ReLU networks and a weak penalty for many tight modes in the plane."""
    rule = TrainingConfig(batch=256, n_critic=2, learning_rate=2e-3, decay_from=0.3, ema=0.999)
    return Config(
        recipe="grid25",
        objective="wgan-gp:weight=0.1",
        generator="mlp:latent=2:width=128:depth=3",
        critic="mlp:width=128:depth=3:slope=0",
        steps=24_000,
        training=rule,
        observe=ObserveConfig(bracket=2_400),  # a transport in the plane takes as long as fifty steps
    )


def vector(name: str, space: "Space") -> Config:
    """Fully connected networks for vectors of any length."""
    rule = TrainingConfig(batch=256, n_critic=3, learning_rate=5e-4, decay_from=0.5, ema=0.999)
    latent = max(2, min(32, space.shape[0]))
    return Config(
        recipe="vector",
        objective="wgan-gp:weight=1",
        generator=f"mlp:latent={latent}:width=256:depth=3",
        critic="mlp:width=256:depth=3",
        steps=4_000,
        training=rule,
    )


def table(name: str, space: "Space") -> Config:
    """Tables of mixed columns. It is no Wasserstein GAN: the loss pairs real and generated rows.

    Of few rows a critic learns each by heart, so that its penalty is stronger, and the training shorter. The Gaussian
    copula is fitted beside the generator, and kept where it is nearer to the data.
    """
    few = getattr(space, "rows", 0) < FEW_ROWS
    rule = TrainingConfig(batch=256, n_critic=1, learning_rate=1e-3, decay_from=0.5, ema=0.999, precision="bfloat16")
    return Config(
        recipe="table",
        objective=f"relativistic:weight={2 if few else 0.3}:every=2",
        generator="residual:latent=128:width=256:depth=3",
        critic="mlp:width=256:depth=3",
        model="auto" if space.name == "table" else "gan",
        steps=1_500 if few else 10_000,
        training=rule,
    )


def image(name: str, space: "Space") -> Config:
    """Images of up to 64 px that show their objects in one place: clothes, letters, faces.

    A Wasserstein GAN whose penalty is lazy. Dense layers behind the latent code and before the critic's output let the
    networks place whole objects, and with them one critic update a step is enough at high rates. Few filters and small
    batches: many cheap updates are worth more than exact ones.

    Raises:
        UserError: the data are not images.
    """
    rule = TrainingConfig(
        batch=32, n_critic=1, learning_rate=1e-3, critic_learning_rate=2e-3, decay_from=0.4, ema=0.998
    )
    return Config(
        recipe="image",
        objective="wgan-gp:weight=10:every=4",
        generator="dcgan:latent=64:width=16:mapping=2",
        critic="dcgan:width=16:hidden=256",
        steps=7_000 if _side(name, space) <= 32 else 4_000,
        training=rule,
    )


def image_gan(name: str, space: "Space") -> Config:
    """The same networks with the non-saturating loss and a weak, lazy R1: faster at first, with more variety.

    Raises:
        UserError: the data are not images.
    """
    base = image(name, space)
    rule = replace(base.training, learning_rate=2e-3, critic_learning_rate=None, beta2=0.99)
    return replace(base, recipe="image-gan", objective="r1-gan:weight=0.2:every=8", training=rule)


def photo(name: str, space: "Space") -> Config:
    """Images of up to 64 px that may show anything anywhere: photos and textures.

    The settings of `image` collapse on these. Here the networks are plain, the penalty is stronger, rates are lower,
    and the critic sees transformed images, more often the more it has learnt the training images by heart. The
    generator interpolates, since transposed convolutions draw a grid, and above 32 px batches are small: many updates
    are worth more than exact ones.

    Raises:
        UserError: the data are not images.
    """
    small = _side(name, space) <= 32
    width, weight, rate, batch = (32, 1.2, 5e-4, 64) if small else (16, 30, 3e-4, 16)
    rule = TrainingConfig(batch=batch, n_critic=1, learning_rate=rate, beta2=0.99, decay_from=0.4, ema=0.998)
    return Config(
        recipe="photo",
        objective=f"r1-gan:weight={weight}:every=4",
        generator=f"dcgan:latent=64:width={width}:upsampling=bilinear",
        critic=f"dcgan:width={width}",
        augment="auto",
        steps=8_000 if small else 32_000,
        training=rule,
    )


def few_images(name: str, space: "Space") -> Config:
    """Fewer than about 2,000 images: that of photos, with transforms from the start, as a critic learns these by heart.

    Raises:
        UserError: the data are not images.
    """
    steps = 4_000 if _side(name, space) <= 32 else 10_000
    return replace(photo(name, space), recipe="few-images", augment="translation,colour,cutout", steps=steps)


def image_large(name: str, space: "Space") -> Config:
    """Images of 65 to 128 px: that of photos, with fewer steps.

    Raises:
        UserError: the data are not images.
    """
    return replace(photo(name, space), recipe="image-large", steps=12_000)


def paper_wgan(name: str, space: "Space") -> Config:
    """Arjovsky et al. 2017: RMSProp 5e-5, c = .01, batch 64, n_critic 5 with the authors' 100-update boosts."""
    rule = TrainingConfig(batch=64, n_critic=5, critic_boost=True, optimiser="rmsprop", learning_rate=5e-5, ema=0.0)
    base = replace(vector(name, space), generator=PAPER_MLP)
    if space.side is not None and space.side > SMALL:
        width = 32 if space.side <= 32 else 16
        base = replace(base, generator=f"dcgan:latent=64:width={width}", critic=f"dcgan:width={width}")
    return replace(base, recipe="paper-wgan", objective="wgan", steps=20_000, training=rule)


def paper_wgan_gp(name: str, space: "Space") -> Config:
    """Gulrajani et al. 2017: Adam 1e-4 (0, .9), weight 10, batch 64, n_critic 5."""
    rule = TrainingConfig(batch=64, n_critic=5, learning_rate=1e-4, beta1=0.0, beta2=0.9, ema=0.0)
    return replace(paper_wgan(name, space), recipe="paper-wgan-gp", objective="wgan-gp", training=rule)


def _side(name: str, space: "Space") -> int:
    """The longer side of images.

    Raises:
        UserError: the data are not images.
    """
    if space.side is None:
        raise UserError(f"--recipe: this one needs images; {name} contains {space.name}s; use --recipe vector")
    return space.side
