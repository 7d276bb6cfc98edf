"""The tables name -> (one-line description, lazy import path). A new variant is its source and one line here."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monge.errors import unknown_name


@dataclass(frozen=True)
class Entry:
    """One name: what it is and where its constructor lives.

    Arguments:
        rule: the training rule that an objective was published with, fields of `TrainingConfig`.
        critic: options that a critic gets with an objective unless it sets them itself.
        least: lowest values of options for which it is not 0 (numbers with a point, and whole ones whose default is
            0) or 1.
    """

    description: str
    path: str
    rule: Mapping[str, Any] = field(default_factory=dict)
    critic: Mapping[str, Any] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)

    def load(self) -> Callable[..., Any]:
        """The constructor, imported now."""
        module, name = self.path.split(":")
        constructor: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return constructor


Table = Mapping[str, Entry]


def _adam(learning_rate: float, beta1: float, beta2: float, batch: int, n_critic: int) -> dict[str, Any]:
    rule = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "batch": batch, "n_critic": n_critic}
    return {"optimiser": "adam"} | rule


# A rule has one learning rate, and one generator update in a step. So infogan lacks its generator's 1e-3,
# wgan-lipschitz its critic's 2e-3, hinge nine of ten generator updates; relativistic has its last, annealed beta2.
# None was published for noisy-gan, which has that of DCGAN (Radford et al. 2016) like gan-minimax, gan and lsgan, nor
# for sinkhorn-gan with a penalty, which has that of mmd-gan.
OBJECTIVES: Table = {
    "wgan": Entry(
        "Wasserstein loss, weights clipped (Arjovsky et al. 2017)",
        "monge.objective.paper:wgan",
        {"optimiser": "rmsprop", "learning_rate": 5e-5, "batch": 64, "n_critic": 5},
    ),
    "wgan-gp": Entry(
        "Wasserstein loss, gradient penalty on segments (Gulrajani et al. 2017)",
        "monge.objective.paper:wgan_gp",
        _adam(1e-4, 0.0, 0.9, 64, 5),
    ),
    "wgan-lp": Entry(
        "Wasserstein loss, one-sided gradient penalty (Petzka et al. 2018)",
        "monge.objective.paper:wgan_lp",
        _adam(1e-4, 0.0, 0.9, 64, 5),
    ),
    "wgan-ct": Entry(
        "Wasserstein loss, gradient penalty and consistency term (Wei et al. 2018)",
        "monge.objective.paper:wgan_ct",
        _adam(1e-4, 0.5, 0.9, 64, 5),
    ),
    "wgan-svc": Entry(
        "Wasserstein loss, singular values clipped (Saito et al. 2017)",
        "monge.objective.paper:wgan_svc",
        {"optimiser": "rmsprop", "learning_rate": 5e-5, "batch": 32, "n_critic": 1},
    ),
    "wgan-lipschitz": Entry(
        "Wasserstein loss, 1-Lipschitz critic by construction (Anil et al. 2019)",
        "monge.objective.paper:wgan_lipschitz",
        _adam(2e-4, 0.5, 0.999, 64, 5),
        critic={"layer": "orthogonal"},
    ),
    "gan-minimax": Entry(
        "cross entropy, the generator minimises log(1 - D) (Goodfellow et al. 2014)",
        "monge.objective.paper:gan_minimax",
        _adam(2e-4, 0.5, 0.999, 128, 1),
    ),
    "gan": Entry(
        "cross entropy, the generator minimises -log D (Goodfellow et al. 2014)",
        "monge.objective.paper:gan",
        _adam(2e-4, 0.5, 0.999, 128, 1),
    ),
    "noisy-gan": Entry(
        "gan-minimax with annealed noise on what the critic sees (Arjovsky, Bottou 2017)",
        "monge.objective.paper:noisy_gan",
        _adam(2e-4, 0.5, 0.999, 128, 1),
    ),
    "lsgan": Entry(
        "least squares (Mao et al. 2017)",
        "monge.objective.paper:lsgan",
        _adam(2e-4, 0.5, 0.999, 64, 1),
        least={"a": -1e9, "b": -1e9, "c": -1e9},
    ),
    "hinge": Entry(
        "hinge loss (Lim, Ye 2017)",
        "monge.objective.paper:hinge",
        {"optimiser": "rmsprop", "learning_rate": 2e-4, "batch": 64, "n_critic": 1},
    ),
    "sngan": Entry(
        "hinge loss, spectrally normalised critic (Miyato et al. 2018)",
        "monge.objective.paper:sngan",
        _adam(2e-4, 0.0, 0.9, 64, 5),
        critic={"layer": "spectral"},
    ),
    "relativistic": Entry(
        "relativistic pairing, R1 and R2 penalties (Huang et al. 2024)",
        "monge.objective.paper:relativistic",
        _adam(2e-4, 0.0, 0.99, 512, 1),
    ),
    "r1-gan": Entry(
        "gan with a penalty on slopes at real samples (Mescheder et al. 2018)",
        "monge.objective.paper:r1_gan",
        {"optimiser": "rmsprop", "learning_rate": 1e-4, "batch": 64, "n_critic": 1},
    ),
    "dragan": Entry(
        "gan with a gradient penalty around real samples (Kodali et al. 2017)",
        "monge.objective.paper:dragan",
        _adam(1e-4, 0.5, 0.9, 64, 1),
    ),
    "mmd-gan": Entry(
        "kernel discrepancy of vectors, gradient penalty (Binkowski et al. 2018)",
        "monge.objective.paper_vector:mmd_gan",
        _adam(1e-4, 0.5, 0.9, 64, 5),
        critic={"outputs": 16},
    ),
    "energy-gan": Entry(
        "energy distance of vectors, gradient penalty (Bellemare et al. 2017)",
        "monge.objective.paper_vector:energy_gan",
        _adam(1e-4, 0.5, 0.9, 64, 5),
        critic={"outputs": 256},
    ),
    "sinkhorn-gan": Entry(
        "Sinkhorn divergence of vectors, gradient penalty (Genevay et al. 2018)",
        "monge.objective.paper_vector:sinkhorn_gan",
        _adam(1e-4, 0.5, 0.9, 64, 5),
        critic={"outputs": 16},
    ),
    "infogan": Entry(
        "gan whose critic predicts latent codes (Chen et al. 2016)",
        "monge.objective.paper:infogan",
        _adam(2e-4, 0.5, 0.999, 128, 1),
        least={"categories": 2, "categorical": 0, "uniform": 0, "normal": 0},
    ),
    "acgan": Entry(
        "gan whose critic predicts the class (Odena et al. 2017)",
        "monge.objective.paper:acgan",
        _adam(2e-4, 0.5, 0.999, 100, 1) | {"conditional": True},
    ),
    "pacgan": Entry(
        "gan whose critic judges two samples together (Lin et al. 2018)",
        "monge.objective.paper:pacgan",
        _adam(1e-4, 0.8, 0.999, 100, 1) | {"pack": 2},
    ),
}

GENERATORS: Table = {
    "mlp": Entry("fully connected, any data", "monge.nn.mlp:MLPGenerator"),
    "residual": Entry("fully connected with residual blocks, tables", "monge.nn.residual:ResidualGenerator"),
    "dcgan": Entry(
        "convolutions that double height and width, images of 8 to 128 px a side", "monge.nn.dcgan:DCGANGenerator"
    ),
    "resnet": Entry("residual blocks, images of 8 to 128 px a side", "monge.nn.resnet:ResNetGenerator"),
}

CRITICS: Table = {
    "mlp": Entry("fully connected, any data", "monge.nn.mlp:MLPCritic"),
    "dcgan": Entry("strided convolutions, images of 8 to 128 px a side", "monge.nn.dcgan:DCGANCritic"),
    "sngan": Entry(
        "pairs of 3 x 3 and 4 x 4 convolutions, spectral norm (Miyato et al. 2018)", "monge.nn.sngan:SNGANCritic"
    ),
    "resnet": Entry("residual blocks, images of 8 to 128 px a side", "monge.nn.resnet:ResNetCritic"),
}

DATA: Table = {
    "digits": Entry("1,797 real handwritten digits, 8 x 8, from scikit-learn", "monge.data.builtin:digits"),
    "toy:shop": Entry("10,000 orders of a made shop, a table of mixed columns", "monge.data.builtin:shop"),
    "toy:line": Entry("a segment", "monge.data.toy:line"),
    "toy:ring": Entry("a circle", "monge.data.toy:ring"),
    "toy:ring8": Entry("8 Gaussians on a circle", "monge.data.toy:ring8"),
    "toy:grid25": Entry("25 Gaussians on a grid", "monge.data.toy:grid25"),
    "toy:swissroll": Entry("a spiral", "monge.data.toy:swissroll"),
    "toy:moons": Entry("two interleaved half-circles", "monge.data.toy:moons"),
    "toy:parallel-lines": Entry("two parallel segments", "monge.data.toy:parallel_lines"),
    "toy:funnels": Entry("points moved along rays, with a known optimal transport", "monge.data.toy:funnels"),
}

RECIPES: Table = {
    "digits": Entry("8 x 8 images; about three minutes on two cores", "monge.config.recipe:digits"),
    "grid25": Entry("many narrow modes in the plane", "monge.config.recipe:grid25"),
    "image": Entry("images of up to 64 px with objects in one place: clothes, faces", "monge.config.recipe:image"),
    "image-gan": Entry("the same networks with the non-saturating loss", "monge.config.recipe:image_gan"),
    "photo": Entry("images of up to 64 px of anything anywhere: photos, textures", "monge.config.recipe:photo"),
    "few-images": Entry("fewer than 2,000 images", "monge.config.recipe:few_images"),
    "image-large": Entry("images of 65 to 128 px", "monge.config.recipe:image_large"),
    "vector": Entry("float vectors and points in the plane", "monge.config.recipe:vector"),
    "table": Entry("tables of numbers, categories and dates", "monge.config.recipe:table"),
    "paper-wgan": Entry("as published by Arjovsky et al. 2017", "monge.config.recipe:paper_wgan"),
    "paper-wgan-gp": Entry("as published by Gulrajani et al. 2017", "monge.config.recipe:paper_wgan_gp"),
}


def _experiment(module: str, description: str) -> Entry:
    return Entry(description, f"monge.experiment.{module}:reproduce")


EXPERIMENTS: Table = {
    "w1-benchmark": _experiment("bracket.w1_benchmark", "every family of potentials, on pairs of known W1"),
    "honesty": _experiment("bracket.honesty", "random pairs of known W1: the bracket contains it"),
    "excess": _experiment("bracket.excess", "samples degraded in five ways: the excess shows it"),
    "two-samples": _experiment("bracket.two_samples", "equal laws and small differences: what tests see"),
    "w1-estimate": _experiment("bracket.w1_estimate", "pairs of known W1: which estimate is nearest, and its range"),
    "parallel-lines": _experiment("divergence.parallel_lines", "two parallel segments: only W1 brings them together"),
    "perfect-discriminator": _experiment(
        "divergence.perfect_discriminator",
        "distributions on curves and surfaces: a discriminator separates them perfectly",
    ),
    "critic-versus-discriminator": _experiment(
        "divergence.critic_versus_discriminator", "two Gaussians: the discriminator saturates, the critic does not"
    ),
    "vanishing-gradient": _experiment(
        "divergence.vanishing_gradient", "a frozen generator: the gradient of log(1 - D) vanishes"
    ),
    "unstable-gradient": _experiment(
        "divergence.unstable_gradient", "a frozen generator: the gradient of -log D grows and has a heavy tail"
    ),
    "reverse-kl": _experiment("divergence.reverse_kl", "mixtures on a line: which errors KL(g || r) forgives"),
    "lipschitz-scale": _experiment(
        "critic.lipschitz_scale", "critics with several Lipschitz constants K: their gradients are parallel"
    ),
    "momentum": _experiment("critic.momentum", "a clipped WGAN under five optimisers: the critic's loss collapses"),
    "noise-annealing": _experiment(
        "divergence.noise_annealing",
        "a GAN with annealed noise: what it trains, and why its JS does not measure progress",
    ),
    "no-batch-norm": _experiment(
        "architecture.no_batch_norm", "a DCGAN without batch norm: which objectives still work"
    ),
    "mlp-generator": _experiment(
        "architecture.mlp_generator", "a fully connected generator: which objectives get worse, and which collapse"
    ),
    "dcgan-parity": _experiment(
        "architecture.dcgan_parity", "the networks of a DCGAN: the WGAN is about as good as the GAN"
    ),
    "meaningful-loss": _experiment(
        "generator.meaningful_loss", "one training: critic and lower limit follow the excess, JS does not"
    ),
    "better-distance-worse-pictures": _experiment(
        "generator.better_distance_worse_pictures",
        "a generator trained against exact W1: closer to the data, but blurred",
    ),
    "critic-overfit": _experiment("critic.critic_overfit", "few training images: the critic memorises them"),
    "mmd-versus-wasserstein": _experiment(
        "architecture.mmd_versus_wasserstein", "WGAN-GP against MMD-GAN, with small and large critics"
    ),
    "random-architectures": _experiment(
        "architecture.random_architectures", "random networks: how many only the GAN, or only the WGAN-GP, can train"
    ),
    "mode-collapse": _experiment("generator.mode_collapse", "rings and grids of modes: how many each objective loses"),
    "latent-space": _experiment(
        "generator.latent_space", "a generator's latent space: paths through it, and a plane of digits"
    ),
    "stacked-digits": _experiment(
        "generator.stacked_digits", "three digits in three colours: how many of 1,000 combinations are generated"
    ),
    "small-tables": _experiment("table.small_tables", "thirteen small tables: the generator against a Gaussian copula"),
    "clipping": _experiment(
        "critic.clipping", "clipped against penalised critics: gradients through the layers, weights, moments"
    ),
    "n-critic": _experiment("critic.n_critic", "a critic trained too well: which objectives it hurts"),
    "parallel-training": _experiment("generator.parallel_training", "both networks updated simultaneously, or in turn"),
}


def lookup(table: Table, what: str, name: str) -> Entry:
    """The entry of a name without options.

    Raises:
        UserError: the name is not in the table; names the nearest one.
    """
    if name not in table:
        raise unknown_name(what, name, table)
    return table[name]
