"""What every lab needs, loaded once: processes that are copied from this one begin at once."""

import torch

import monge.app.lab.worker  # noqa: F401

torch.set_num_threads(1)
# the first optimiser loads torch's compiler, which takes longer than all else
torch.optim.Adam([torch.zeros(1)])
