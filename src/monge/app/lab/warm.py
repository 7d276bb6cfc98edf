"""What every lab needs, loaded once: processes that are copied from this one begin at once."""

import torch

import monge.app.lab.worker  # noqa: F401

torch.set_num_threads(1)
