import sys
from pathlib import Path

import torch
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

torch.set_num_threads(1)
settings.register_profile("evoloss", deadline=None, max_examples=200, derandomize=True)
settings.load_profile("evoloss")
