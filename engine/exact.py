"""Exact nearest neighbours: every pair is compared, in blocks that fit the device.

The product form of the distance is one matrix product, which a GPU does faster than any index is built; its
lost digits are why a few candidates more are taken and measured again from differences.
"""

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

PAIRS_AT_ONCE = {"cpu": 2**23, "cuda": 2**28}  # 32 MB and 1 GB of distances
SPARE = 6  # candidates beyond k


def exact_neighbours(features: ndarray, rows: ndarray, k: int, device: str) -> tuple[ndarray, ndarray]:
    """Compares the given rows with every other one.

    features: (N, D) float32; rows: (R,); k at most N - 1. Returns ids (R, k) int64 and L2 distances (R, k)
    float32, nearest first, ties by id.
    """
    every = torch.from_numpy(np.ascontiguousarray(features)).to(device)
    squares = torch.linalg.vector_norm(every, dim=1) ** 2
    ids = np.empty((len(rows), k), np.int64)
    distances = np.empty((len(rows), k), np.float32)
    size = max(1, PAIRS_AT_ONCE.get(torch.device(device).type, 2**23) // len(features))
    for begin in range(0, len(rows), size):
        block = torch.from_numpy(rows[begin : begin + size]).to(device)
        nearest, found = _nearest(every, squares, block, k)
        ids[begin : begin + size] = nearest.cpu().numpy()
        distances[begin : begin + size] = found.cpu().numpy()
    return ids, distances


def _nearest(every: Tensor, squares: Tensor, block: Tensor, k: int) -> tuple[Tensor, Tensor]:
    # The square of the row itself is the same for all candidates, so it is left out.
    squared = torch.addmm(squares, every[block], every.T, alpha=-2)
    squared[torch.arange(len(block), device=block.device), block] = torch.inf
    spare = min(k + SPARE, len(every) - 1)
    candidates = squared.topk(spare, largest=False, sorted=False).indices.sort().values
    distances = (every[block][:, None] - every[candidates]).norm(dim=2)
    order = distances.argsort(dim=1, stable=True)[:, :k]
    return candidates.gather(1, order), distances.gather(1, order)
