"""Writes optimizers.safetensors: a linear regression under SGD and LAMB.

SGD is torch.optim.SGD. LAMB is algorithm 2 of You et al. 2020, Large Batch Optimization for Deep
Learning, written out below with the identity as its function of the weights' norm and a quotient of
1 where a norm is zero. Starts and data are rounded to 32 bits; everything computed from them is
computed in 64 bits and rounded once. The bias starts at zero, where LAMB's quotient is 1.

    python make_optimizers.py      # needs torch, numpy and safetensors; prints their versions
"""

import os
import platform

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
tensors = {}


def random(*shape):
    """Normal numbers that 32 bits hold exactly."""
    return torch.randn(*shape).float().double()


def put(name, value):
    tensors[name] = value.detach().float().contiguous().clone()


class LAMB:
    def __init__(self, parameters, rate, betas, epsilon, decay):
        self.parameters = list(parameters)
        self.rate, self.betas, self.epsilon, self.decay = rate, betas, epsilon, decay
        self.m = [torch.zeros_like(x) for x in self.parameters]
        self.v = [torch.zeros_like(x) for x in self.parameters]
        self.t = 0

    @torch.no_grad()
    def step(self):
        self.t += 1
        first, second = self.betas
        for x, m, v in zip(self.parameters, self.m, self.v):
            m.copy_(first * m + (1 - first) * x.grad)
            v.copy_(second * v + (1 - second) * x.grad**2)
            r = (m / (1 - first**self.t)) / ((v / (1 - second**self.t)).sqrt() + self.epsilon)
            r = r + self.decay * x
            quotient = x.norm() / r.norm() if x.norm() > 0 and r.norm() > 0 else 1.0
            x -= self.rate * quotient * r

    def zero_grad(self):
        for x in self.parameters:
            x.grad = None


start = random(4, 6)
x, y = random(10, 6), random(10, 4)
put("start.weight", start)
put("start.bias", torch.zeros(4))
put("x", x)
put("y", y)

optimizers = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.05),
    "plainSGD": lambda p: torch.optim.SGD(p, lr=0.02),
    "lamb": lambda p: LAMB(p, 0.05, (0.9, 0.98), 1e-6, 0.1),
}
for name, make in optimizers.items():
    weight = start.clone().requires_grad_()
    bias = torch.zeros(4, requires_grad=True)
    optimizer = make([weight, bias])
    losses = []
    for step in range(20):
        loss = ((x @ weight.T + bias - y) ** 2).sum(1).mean()
        loss.backward()
        losses.append(loss.detach())
        optimizer.step()
        optimizer.zero_grad()
        if step in (0, 19):
            put(f"{name}.after{step + 1}.weight", weight)
            put(f"{name}.after{step + 1}.bias", bias)
    put(f"{name}.losses", torch.stack(losses))

versions = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimizers.safetensors")
save_file(tensors, path, metadata=versions)
