"""Two processes with DistributedDataParallel; the weights of classes move with the loss.

torchrun --nproc-per-node 2 examples/distributed.py
"""

import torch
import torch.distributed as dist
from data import CLASSES, images_and_digits, network, report
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from evoloss.losses import loss

dist.init_process_group("gloo")  # "nccl" on GPUs
torch.manual_seed(0)
torch.set_num_threads(1)
model = DistributedDataParallel(network())
criterion = loss("ngl", weight=torch.ones(CLASSES))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
data = TensorDataset(*images_and_digits())
sampler = DistributedSampler(data)
for epoch in range(10):
    sampler.set_epoch(epoch)
    for images, digits in DataLoader(data, 32, sampler=sampler):
        optimizer.zero_grad()
        criterion(model(images), digits).backward()
        optimizer.step()
if dist.get_rank() == 0:
    report(model.module)
dist.destroy_process_group()
