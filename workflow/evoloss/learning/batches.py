"""The batches of a training: shuffled and augmented by random numbers from the seed.

All random numbers of an epoch are drawn at its beginning, on the CPU. Thus CPUs and GPUs train on the same batches, and
no step on a GPU has to wait for the CPU.
"""

from collections.abc import Sequence

import torch

from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Part
from evoloss.seeds import derive_seed

Step = int | torch.Tensor
"""The index of a step in its epoch, from 0: a number, or a tensor (1,) on the device, which a captured step reads."""


def row(table: torch.Tensor, step: Step) -> torch.Tensor:
    """The entry of a step in a table with one entry per step."""
    return table[step] if isinstance(step, int) else table.index_select(0, step).squeeze(0)


class Batches:
    """The batches of the current epoch, on the device of the images.

    `crop` shifts each image by up to the margin; `flip` mirrors each image with probability 1/2. The images of an
    incomplete last batch are left out.
    """

    def __init__(self, part: Part, settings: TaskSettings, seed: int) -> None:
        self._part = part
        self._names: Sequence[str] = settings.augmentation
        self._draws = torch.Generator().manual_seed(derive_seed("batches", seed))
        self._labels = part.labels.cpu()
        self.steps, self.size = len(part) // settings.batch_size, settings.batch_size
        shape, device = (self.steps, self.size), part.labels.device
        self._on_cpu = torch.empty(shape, dtype=torch.int64)
        self._order = torch.empty(shape, dtype=torch.int64, device=device)
        self._tops, self._lefts = torch.empty_like(self._order), torch.empty_like(self._order)
        self._mirrored = torch.zeros(shape, dtype=torch.bool, device=device)
        _, padded_height, padded_width, self._channels = part.images.shape
        self._sides = (padded_height - 2 * part.margin[0], padded_width - 2 * part.margin[1])
        self._rows = torch.arange(self._sides[0], device=device)[:, None]
        self._columns = torch.arange(self._sides[1], device=device)

    def draw_epoch(self) -> None:
        """Draw the next epoch."""
        shape = self._on_cpu.shape
        order = torch.randperm(len(self._part), generator=self._draws)
        self._on_cpu.copy_(order[: self._on_cpu.numel()].view(shape))
        self._order.copy_(self._on_cpu)
        if self._names:
            # Drawn batch by batch, so that a seed still gives the same numbers as in earlier versions.
            drawn = zip(*(self._draw_changes() for _ in range(self.steps)), strict=True)
            for table, values in zip((self._tops, self._lefts, self._mirrored), drawn, strict=True):
                table.copy_(torch.stack(values))

    def _draw_changes(self) -> tuple[torch.Tensor, ...]:
        """For each image of a batch: shifts down and to the right (0 to twice the margin), and whether to mirror it."""
        shifts = [torch.zeros(self.size, dtype=torch.int64)] * 2
        mirrored = torch.zeros(self.size, dtype=torch.bool)
        if "crop" in self._names:
            shifts = [
                torch.randint(0, 2 * reach + 1, (self.size,), generator=self._draws)
                for reach in self._part.margin
            ]
        if "flip" in self._names:
            mirrored = torch.rand(self.size, generator=self._draws) < 0.5
        return *shifts, mirrored

    def at(self, step: Step) -> tuple[torch.Tensor, torch.Tensor]:
        """The batch of a step: images (n, channels, height, width) in channels-last memory order, and targets (n,)."""
        index = row(self._order, step)
        images, labels = self._part.images, self._part.labels.index_select(0, index)
        if not self._names:
            return images.index_select(0, index).permute(0, 3, 1, 2), labels
        rows = self._rows
        if "crop" in self._names:
            rows = row(self._tops, step)[:, None, None] + rows
        columns = self._columns
        if "flip" in self._names:
            mirrored = row(self._mirrored, step)[:, None]
            columns = torch.where(mirrored, columns.flip(0), columns)
        if "crop" in self._names:
            columns = columns + row(self._lefts, step)[:, None]
        columns = columns.view(-1, 1, self._sides[1])
        # One gather from the padded images, viewed as a list of pixels.
        height, width = images.shape[1:3]
        pixels = (index[:, None, None] * height + rows) * width + columns
        chosen = images.view(-1, self._channels).index_select(0, pixels.flatten())
        return chosen.view(len(index), *self._sides, self._channels).permute(0, 3, 1, 2), labels

    def targets(self, first: int, last: int) -> torch.Tensor:
        """The targets of steps `first` to `last` (excluded), (steps, n), on the CPU."""
        return self._labels[self._on_cpu[first:last]]
