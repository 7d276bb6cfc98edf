"""The objectives of the papers, as named compositions; those of vectors are in `paper_vector`.

Options that several share: `weight` of the penalty; `every`, at which steps it is computed (see `Lazy`); `noise`, the
constant standard deviation of normal noise on what the critic sees (model scale), 0 for none.
"""

from monge.errors import UserError, unknown_name
from monge.nn.code import Codes
from monge.objective.auxiliary import Classification, MutualInformation
from monge.objective.composition import Sum, lazy
from monge.objective.constraint import ClipNorm, ClipWeights, LipschitzByConstruction, ProjectSpectral
from monge.objective.loss import Hinge, LeastSquares, Minimax, NonSaturating, Wasserstein
from monge.objective.noise import ConstantNoise, ExponentialNoise, LinearNoise, NoiseSchedule
from monge.objective.objective import Objective
from monge.objective.option import above_zero
from monge.objective.penalty import R1, R2, Consistency, Dragan, GradientPenalty
from monge.objective.relativistic_loss import RelativisticPaired


def wgan(bound: float = 0.01, clip: str = "value") -> Objective:
    """Wasserstein GAN with weights clipped after every critic update: each number, or each tensor's "norm".

    Use it to see the paper's algorithm at work; for results take `wgan-gp`, whose critic is not confined to tiny
    weights.

    Reference: Arjovsky, Chintala, Bottou 2017, Algorithm 1; the four changes in Zheng 2017.

    Example:
        >>> from monge.objective import wgan
        >>> wgan(bound=0.02).constraint
        ClipWeights(bound=0.02)
    """
    constraints = {"value": ClipWeights, "norm": ClipNorm}
    if clip not in constraints:
        raise unknown_name("--objective wgan: clip", clip, constraints)
    return Objective(Wasserstein(), constraint=constraints[clip](bound))


def wgan_gp(weight: float = 10.0, target: float = 1.0, every: int = 1, noise: float = 0.0) -> Objective:
    """Wasserstein GAN with a two-sided gradient penalty.

    Use it as the default: stable on images, tables and points; in the plane with a weight of about 0.1.

    Reference: Gulrajani et al. 2017, Algorithm 1.

    Example:
        >>> from monge.objective import wgan_gp
        >>> wgan_gp(weight=5).penalty
        GradientPenalty(weight=5, target=1.0, one_sided=False)
        >>> wgan_gp(every=4).penalty  # at every fourth step, four times as large
        Lazy(penalty=GradientPenalty(weight=10.0, target=1.0, one_sided=False), every=4)
    """
    return Objective(Wasserstein(), penalty=lazy(GradientPenalty(weight, target), every), noise=_constant(noise))


def wgan_lp(weight: float = 10.0, target: float = 1.0, every: int = 1, noise: float = 0.0) -> Objective:
    """Wasserstein GAN with a one-sided gradient penalty.

    Use it like `wgan-gp` where the critic's estimate is to be read, as flat regions cost it nothing.

    Reference: Petzka, Fischer, Lukovnikov 2018, eq. 8.
    """
    penalty = GradientPenalty(weight, target, one_sided=True)
    return Objective(Wasserstein(), penalty=lazy(penalty, every), noise=_constant(noise))


def wgan_ct(weight: float = 10.0, consistency: float = 2.0, margin: float = 0.0, std: float = 0.1) -> Objective:
    """Wasserstein GAN with gradient penalty and consistency term, with input noise instead of dropout.

    Use it with few data, when the critic tells training from held-out samples.

    Reference: Wei et al. 2018, eq. 5.
    """
    above_zero("consistency", consistency, "to train without the consistency term, use --objective wgan-gp")
    return Objective(Wasserstein(), penalty=Sum((GradientPenalty(weight), Consistency(consistency, margin, std))))


def wgan_svc(bound: float = 1.0) -> Objective:
    """Wasserstein GAN with singular values clipped after every critic update (the authors: every fifth).

    Use it to compare constraints; the singular values cost time in wide layers.

    Reference: Saito, Matsumoto, Saito 2017.
    """
    return Objective(Wasserstein(), constraint=ProjectSpectral(bound))


def wgan_lipschitz() -> Objective:
    """Wasserstein GAN with a critic that is 1-Lipschitz by construction.

    Use it when the critic's value is to be a certified lower bound during training; critics are slower to train.

    Reference: Anil, Lucas, Grosse 2019.
    """
    return Objective(Wasserstein(), constraint=LipschitzByConstruction())


def gan_minimax(noise: float = 0.0) -> Objective:
    """The first GAN, whose generator's gradient vanishes as the discriminator gets good.

    Use it to see vanishing gradients; to train, take `gan`.

    Reference: Goodfellow et al. 2014, eq. 1; Zheng 2017, eq. 1 and 2.
    """
    return Objective(Minimax(), noise=_constant(noise))


def gan(noise: float = 0.0) -> Objective:
    """The non-saturating GAN, the -log D trick.

    Use it as the baseline that everything is compared with.

    Reference: Goodfellow et al. 2014, section 3; Zheng 2017, eq. 1 and 3.
    """
    return Objective(NonSaturating(), noise=_constant(noise))


def noisy_gan(std: float = 0.5, schedule: str = "linear", steps: int = 1000, saturating: bool = True) -> Objective:
    """A GAN with annealed noise on real and generated samples, by default the first form with eq. 2 of Zheng 2017.

    The noise is gone after so many steps ("linear"), halves in every so many ("exponential"), or stays ("constant").

    Use it to see that noise mends the vanishing gradient, and that its loss is no measure of progress.

    Reference: Arjovsky, Bottou 2017, section 3; Zheng 2017, part two.
    """
    schedules: dict[str, NoiseSchedule] = {
        "linear": LinearNoise(std, steps),
        "exponential": ExponentialNoise(std, steps),
        "constant": ConstantNoise(std),
    }
    if schedule not in schedules:
        raise unknown_name("--objective noisy-gan: schedule", schedule, schedules)
    return Objective(Minimax() if saturating else NonSaturating(), noise=schedules[schedule])


def lsgan(a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Objective:
    """Least squares GAN; Pearson's chi-squared with a=-1, b=1, c=0.

    Use it as a baseline with a bounded critic and few updates.

    Reference: Mao et al. 2017, eq. 9.
    """
    return Objective(LeastSquares(a, b, c))


def hinge(weight: float = 0.0, every: int = 1, noise: float = 0.0) -> Objective:
    """The hinge loss, with the penalty R1 of weight gamma where that is above 0.

    Use it for images with a weak, lazy penalty (`weight=0.2:every=8`), or with a critic that is regularised by its
    layers.

    Reference: Lim, Ye 2017; the penalty Mescheder, Geiger, Nowozin 2018, eq. 9.
    """
    penalty = lazy(R1(weight), every) if weight else None
    return Objective(Hinge(), penalty=penalty, noise=_constant(noise))


def sngan(noise: float = 0.0) -> Objective:
    """The hinge loss, for a critic with spectral normalisation.

    Use it for images when time is short: no second derivatives are needed.

    Reference: Miyato et al. 2018, eq. 16 and 17.
    """
    return Objective(Hinge(), noise=_constant(noise))


def relativistic(weight: float = 1.0, every: int = 1, noise: float = 0.0) -> Objective:
    """Relativistic pairing with the penalties R1 and R2 of one weight gamma.

    Use it when modes must not be lost and the batch can be large.

    Reference: Huang et al. 2024, section 2.
    """
    penalty = Sum((R1(weight), R2(weight)))
    return Objective(RelativisticPaired(), penalty=lazy(penalty, every), noise=_constant(noise))


def r1_gan(weight: float = 10.0, every: int = 1, noise: float = 0.0) -> Objective:
    """The non-saturating GAN with the penalty R1 of weight gamma.

    Use it for images at a low price: a penalty at real samples only, which may be lazy (`every=16`).

    Reference: Mescheder, Geiger, Nowozin 2018, eq. 9.
    """
    return Objective(NonSaturating(), penalty=lazy(R1(weight), every), noise=_constant(noise))


def dragan(weight: float = 10.0, target: float = 1.0, std: float = 0.3, every: int = 1) -> Objective:
    """The non-saturating GAN with a gradient penalty around real samples.

    Use it to compare penalties; it looks around real samples only.

    Reference: Kodali et al. 2017.
    """
    return Objective(NonSaturating(), penalty=lazy(Dragan(weight, target, std), every))


def infogan(
    categories: int = 10, categorical: int = 1, uniform: int = 2, normal: int = 0, weight: float = 1.0
) -> Objective:
    """The non-saturating GAN that guesses some of its latent codes.

    Use it to find factors of the data without labels; `monge sample --code` then steers them.

    Reference: Chen et al. 2016, eq. 6 and section 7 (one code of ten classes, two uniform ones).
    """
    above_zero("weight", weight, "to train without codes, choose another objective, e.g. --objective gan")
    if not categorical + uniform + normal:
        raise UserError(
            "at least one of categorical, uniform and normal must be above 0; got 0, 0 and 0; or use --objective gan"
        )
    codes = Codes(categories, categorical, uniform, normal)
    return Objective(NonSaturating(), auxiliary=MutualInformation(codes, weight))


def acgan(weight: float = 1.0) -> Objective:
    """The non-saturating GAN whose critic also names the class.

    Use it with labels, when the class matters more than variety within it; else `--training.conditional` alone.

    Reference: Odena, Olah, Shlens 2017, eq. 2 and 3.
    """
    above_zero("weight", weight, "to train without classes, choose another objective, e.g. --objective gan")
    return Objective(NonSaturating(), auxiliary=Classification(weight))


def pacgan(noise: float = 0.0) -> Objective:
    """The non-saturating GAN, for a critic that judges several samples together (see `monge.nn.packing`).

    Use it when modes are lost; `--training.pack` gives any objective the same.

    Reference: Lin, Khetan, Fanti, Oh 2018, section 3.
    """
    return Objective(NonSaturating(), noise=_constant(noise))


def _constant(std: float) -> ConstantNoise | None:
    return ConstantNoise(std) if std else None
