"""Several processes that train one net: each takes a share of every batch, one writes.

`torchrun --nproc-per-node 2 -m engine RUN` gives the signals of one process at the same global batch, up to
rounding: samples are shared out by their place in the batch, gradients and norms are those of the whole
batch, and what was seen of the samples is put together by id at the end of an epoch.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
from numpy import ndarray
from torch import Tensor, autograd, distributed, nn
from torch.nn.parallel import DistributedDataParallel

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class World:
    """The processes of a run and which one this is; alone unless torchrun started several."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the run; exactly one does."""
        return self.rank == 0

    def share(self, rows: ndarray) -> ndarray:
        """Returns this process's part of the rows (B, …) of a batch."""
        return rows[self.rank :: self.size]

    def total(self, tensor: Tensor) -> Tensor:
        """Returns the sum of a tensor over all processes; the tensor is overwritten."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def agreed(self, compute: Callable[[], Answer]) -> Answer:
        """Returns what the leading process computes, in every process; its failure fails all of them."""
        if self.size == 1:
            return compute()
        answer: list[object] = [None, None]
        if self.leads:
            try:
                answer[0] = compute()
            except Exception as error:
                answer[1] = error
        distributed.broadcast_object_list(answer)
        if isinstance(answer[1], Exception):
            raise answer[1]
        return cast(Answer, answer[0])

    def in_turn(self, compute: Callable[[], Answer]) -> Answer:
        """Returns what each process computes for itself, the leading one first, which fills the caches."""
        if self.leads:
            answer = compute()
        if self.size > 1:
            distributed.barrier()
        return answer if self.leads else compute()

    def any(self, flag: bool) -> bool:
        """Whether any process says so; asked by all of them at the same point."""
        if self.size == 1:
            return flag
        return bool(self.total(torch.tensor(float(flag))).item())

    def shared(self, model: nn.Module) -> nn.Module:
        """Returns the model as all processes train it: one gradient, and one set of statistics a norm.

        The model's own norms are exchanged in place; names and values in its state_dict() stay.
        """
        if self.size == 1:
            return model
        _share_norms(model)
        return DistributedDataParallel(model, forward_sync_buffers=False)


ALONE = World()


@contextmanager
def joined_world() -> Iterator[World]:
    """Joins the processes that torchrun started, over gloo; alone where it did not."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    distributed.init_process_group("gloo" if not torch.cuda.is_available() else "cpu:gloo,cuda:nccl")
    try:
        yield World(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over the batches of all processes; torch's SyncBatchNorm needs a GPU."""

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, C, H, W), B may be 0 in some processes. Returns the same shape."""
        if not self.training or self.running_mean is None or self.running_var is None:
            return super().forward(images)
        levels = images.to(torch.promote_types(images.dtype, torch.float32))
        count = levels.new_full((1,), levels.numel() / levels.shape[1])
        sums = _Sum.apply(torch.cat([levels.sum((0, 2, 3)), count]))
        mean = sums[:-1] / sums[-1]
        offsets = levels - mean.view(1, -1, 1, 1)
        variance = _Sum.apply(offsets.square().sum((0, 2, 3))) / sums[-1]
        with torch.no_grad():
            momentum = 0.0 if self.momentum is None else self.momentum
            unbiased = variance * sums[-1] / (sums[-1] - 1).clamp(min=1)
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(unbiased, momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        scaled = offsets * (variance + self.eps).rsqrt().view(1, -1, 1, 1)
        if self.affine:
            scaled = scaled * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        return scaled.to(images.dtype)


class _Sum(autograd.Function):
    """The sum over all processes, through which the gradient of each is the sum of all."""

    @staticmethod
    def forward(_context: Any, own: Tensor) -> Tensor:
        total = own.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def _share_norms(module: nn.Module) -> None:
    """Turns the batch norms below this module into shared ones, with their parameters and statistics."""
    for child in module.modules():
        if type(child) is nn.BatchNorm2d:
            child.__class__ = SharedBatchNorm2d
