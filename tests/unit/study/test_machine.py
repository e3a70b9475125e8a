"""What the machine has: its GPUs, counted by their files, without asking torch."""

import pytest

from evoloss.study.machine import gpu_count

WSL = ("dev/dxg", "usr/lib/wsl/lib/libcuda.so.1")
"""The files by which Linux under Windows shows an NVIDIA GPU."""


@pytest.mark.parametrize(
    ("device", "files", "visible", "count"),
    [
        ("auto", (), None, 0),
        ("auto", ("dev/nvidia0", "dev/nvidiactl"), None, 1),
        ("auto", ("dev/nvidiactl",), None, 0),
        ("auto", ("dev/nvidia0",), "", 0),
        ("auto", ("dev/nvidia0",), "-1", 0),
        ("auto", ("dev/nvidia0", "dev/nvidia1"), "1", 1),
        ("auto", WSL, None, 1),
        ("auto", WSL, "", 0),
        ("auto", WSL[:1], None, 0),  # another maker's GPU
        ("cpu", ("dev/nvidia0",), None, 0),
        ("cuda", (), None, 1),
        ("cuda:1", (), None, 1),
    ],
)
def test_gpus_are_counted(tmp_path, monkeypatch, device, files, visible, count):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_count(device, tmp_path) == count
