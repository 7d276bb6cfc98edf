from .bounds import bracket as bracket
from .closed_form import gaussian as gaussian
from .closed_form import parallel_lines as parallel_lines
from .closed_form.gaussian import GaussianLaw as GaussianLaw
from .closed_form.gaussian import wasserstein1 as wasserstein1
from .closed_form.gaussian import wasserstein2 as wasserstein2
from .divergence.discrete import grid_masses as grid_masses
from .divergence.discrete import hellinger as hellinger
from .divergence.discrete import js as js
from .divergence.discrete import kl as kl
from .divergence.discrete import tv as tv
from .divergence.discriminator import (
    discriminator_bound as discriminator_bound,
)
from .divergence.discriminator import (
    js_lower_bound as js_lower_bound,
)
from .divergence.discriminator import (
    optimal_discriminator as optimal_discriminator,
)
from .divergence.neighbour import neighbour_kl as neighbour_kl
from .dual.family import FAMILIES as FAMILIES
from .dual.potential import Potential as Potential
from .dual.potential import fit_potential as fit_potential
from .estimate import Estimate as Estimate
from .kernel.discrepancy import (
    Discrepancy as Discrepancy,
)
from .kernel.discrepancy import (
    discrepancy as discrepancy,
)
from .kernel.discrepancy import (
    energy as energy,
)
from .kernel.discrepancy import (
    kid as kid,
)
from .kernel.discrepancy import (
    mmd as mmd,
)
from .kernel.kernel import (
    Gaussian as Gaussian,
)
from .kernel.kernel import (
    Kernel as Kernel,
)
from .kernel.kernel import (
    NegativeDistance as NegativeDistance,
)
from .kernel.kernel import (
    Polynomial as Polynomial,
)
from .kernel.kernel import (
    RationalQuadratic as RationalQuadratic,
)
from .kernel.permutation import PermutationTest as PermutationTest
from .kernel.permutation import permutation_test as permutation_test
from .kernel.witness import Ipm as Ipm
from .kernel.witness import kernel_ipm as kernel_ipm
from .summary import Bracket as Bracket
from .transport.exact import Coupling as Coupling
from .transport.exact import coupling as coupling
from .transport.exact import wasserstein as wasserstein
from .transport.line import quantile_coupling as quantile_coupling
from .transport.sinkhorn import sinkhorn_divergence as sinkhorn_divergence
from .transport.sliced import Slice as Slice
from .transport.sliced import max_sliced as max_sliced
from .transport.sliced import sliced as sliced
from .two_sample.battery import Battery as Battery
from .two_sample.battery import battery as battery
from .two_sample.missed import Missed as Missed
from .two_sample.missed import missed as missed
