"""The batches of a training: shuffled, shifted and mirrored as the seed says.

Everything random of an epoch is drawn at its beginning, on the CPU: a CPU and a GPU see the same batches,
and a step on a GPU waits for nothing.
"""

from collections.abc import Sequence

import torch

from evoloss.learning.settings import TaskSettings
from evoloss.learning.task import Part
from evoloss.seeds import derive_seed

Step = int | torch.Tensor
"""A step of an epoch, from 0: a number, or a tensor (1,) on the device, which a captured step reads."""


def row(table: torch.Tensor, step: Step) -> torch.Tensor:
    """The entry of a step in a table that has one a step."""
    return table[step] if isinstance(step, int) else table.index_select(0, step).squeeze(0)


class Batches:
    """The batches of one epoch after another, on the device of the images.

    `crop` shifts by up to the margin of the images, `flip` mirrors every other one. An epoch leaves out
    the images of an incomplete last batch.
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
            # Batch by batch, which keeps the numbers of a seed what they have always been.
            drawn = zip(*(self._draw_changes() for _ in range(self.steps)), strict=True)
            for table, values in zip((self._tops, self._lefts, self._mirrored), drawn, strict=True):
                table.copy_(torch.stack(values))

    def _draw_changes(self) -> tuple[torch.Tensor, ...]:
        """The shifts downwards and to the right of a batch, from 0, and who is mirrored."""
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
        """Images (n, channels, height, width), in channels-last memory order, and targets (n,)."""
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
        # One gather from the padded images, seen as a list of pixels.
        height, width = images.shape[1:3]
        pixels = (index[:, None, None] * height + rows) * width + columns
        chosen = images.view(-1, self._channels).index_select(0, pixels.flatten())
        return chosen.view(len(index), *self._sides, self._channels).permute(0, 3, 1, 2), labels

    def targets(self, first: int, last: int) -> torch.Tensor:
        """The targets of steps `first` to `last` (excluded), (steps, n), on the CPU."""
        return self._labels[self._on_cpu[first:last]]
