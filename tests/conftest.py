"""One thread for each test process, as two of them on two cores would wait for each other's, and a cache of its own."""

import os
import tempfile

import torch

torch.set_num_threads(1)
CACHE = tempfile.TemporaryDirectory(prefix="monge-tests-")
os.environ["MONGE_CACHE"] = CACHE.name
