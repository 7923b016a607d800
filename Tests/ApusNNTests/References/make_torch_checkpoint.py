"""Writes checkpoint.pt and checkpoint-legacy.pt: what a checkpoint may hold, in both of PyTorch's formats.

    pip install torch==2.13.0
    python make_torch_checkpoint.py      # prints the versions
"""

import argparse
import collections
import os
import platform

import torch

here = os.path.dirname(os.path.abspath(__file__))
base = torch.arange(12, dtype=torch.float32).reshape(3, 4) / 4
content = {
    "float64": torch.tensor([1.5, -2.25], dtype=torch.float64),
    "float32": base,
    "float16": torch.tensor([1.5, -0.0, 65504.0, 6e-8, float("inf")], dtype=torch.float16),
    "bfloat16": torch.tensor([1.5, -3.0], dtype=torch.bfloat16),
    "int64": torch.tensor([-5, 2**40]),
    "int32": torch.tensor([-5, 7], dtype=torch.int32),
    "int16": torch.tensor([-5, 7], dtype=torch.int16),
    "int8": torch.tensor([-5, 7], dtype=torch.int8),
    "uint8": torch.tensor([250, 7], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "transposed": base.t(),
    "view": base[1:, 1:3],
    "scalar": torch.tensor(0.5),
    "empty": torch.zeros(0, 3),
    "parameter": torch.nn.Parameter(torch.tensor([3.0])),
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
    "module": torch.nn.Linear(2, 1).state_dict(),
    "plain": [None, True, False, 0, 255, 65535, -1, 2**31, -(2**40), 2**70, 0.1, "héllo", b"ab"],
    "tuple": (1, (2, 3, 4, 5), ()),
    "namespace": argparse.Namespace(rate=1e-3, name="x"),
    "size": base.shape,
    "device": torch.device("cpu"),
    "dtype": torch.float16,
}
content["module"]["weight"] = torch.tensor([[1.0, 2.0]])
content["shared"] = content["plain"]
torch.save(content, os.path.join(here, "checkpoint.pt"))
torch.save(
    content, os.path.join(here, "checkpoint-legacy.pt"), _use_new_zipfile_serialization=False
)
print({"python": platform.python_version(), "torch": torch.__version__})
