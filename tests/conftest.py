"""One thread for each test process: two of them on two cores would wait for each other's threads."""

import torch

torch.set_num_threads(1)
