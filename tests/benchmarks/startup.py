"""What a job pays before it works: imports of the steps, and what we keep out of them.

Process start-up dominates a study of small trainings, so the steps avoid torch's compiler (which
torch.optim.Optimizer imports), scikit-learn (a stratified split) and, where pyarrow alone is needed,
pandas and pyarrow.dataset.
"""

import subprocess
import sys
import time
from statistics import median

REPEATS = 5

CASES = {
    "python alone": "pass",
    "select (no torch)": "import evoloss.steps.select",
    "import torch": "import torch",
    "rescore": "import evoloss.steps.rescore",
    "rescore + torch.optim.SGD": (
        "import evoloss.steps.rescore, torch\n"
        "torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)"
    ),
    "rescore + sklearn.model_selection": ("import evoloss.steps.rescore, sklearn.model_selection"),
    "select + pandas + pyarrow.dataset": ("import evoloss.steps.select, pandas, pyarrow.dataset"),
}


def seconds(code: str) -> float:
    """Wall time of a fresh interpreter that runs `code`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(REPEATS):  # interleaved, so that a slow minute hits all alike
        for name, code in CASES.items():
            times[name].append(seconds(code))
    base = median(times["import torch"])
    print(f"{'start-up of':36}{'seconds':>9}{'/ import torch':>16}")
    for name, values in times.items():
        print(f"{name:36}{median(values):9.2f}{median(values) / base:16.2f}")


if __name__ == "__main__":
    main()
