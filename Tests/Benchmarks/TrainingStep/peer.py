"""The same training steps in PyTorch, with its best settings: fused AdamW, autocast where asked for.

Arguments and output as main.swift's. `flops CASE` prints the floating-point operations, in units of
1e9, of the matrix products of one step: of the forward pass, and twice as many for the gradients.
"""
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

TRANSFORMERS = {  # layers, width, heads, feed-forward width, batch, dropout
    "i": (4, 256, 4, 1024, 16, 0.1),
    "ii": (12, 768, 12, 3072, 4, 0.0),
    "ii-dropout": (12, 768, 12, 3072, 4, 0.1),
}
CONTRASTIVE = {  # batch, frames, channels, width, (kernel, stride, padding) of each convolution
    "iii": (16, 400, 80, 256, [(3, 1, 1)] * 2),
    "iv": (8, 20480, 1, 512, [(10, 5, 3), (8, 4, 2), (4, 2, 1), (4, 2, 1), (4, 2, 1)]),
}
STEPS, NEGATIVES, CONTEXT = 12, 128, 256


def flops(case):
    if case in TRANSFORMERS:
        layers, width, _, feed_forward, batch, _ = TRANSFORMERS[case]
        rows = batch * 400
        weights = 2 * 80 * width + width * width + layers * (4 * width * width + 2 * width * feed_forward)
        return 3 * 2 * (rows * weights + layers * 2 * rows * 400 * width) / 1e9
    batch, frames, channels, width, convolutions = CONTRASTIVE[case]
    total = 0
    for kernel, stride, padding in convolutions:
        frames = (frames + 2 * padding - kernel) // stride + 1
        total += batch * frames * kernel * channels * width
        channels = width
    total += batch * frames * 3 * CONTEXT * (width + CONTEXT)
    contexts = batch * (frames - STEPS)
    total += contexts * STEPS * width * (CONTEXT + NEGATIVES + 1)
    return 3 * 2 * total / 1e9


class CPC(nn.Module):
    def __init__(self, channels, width, convolutions):
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels if i == 0 else width, width, k, stride=s, padding=p)
            for i, (k, s, p) in enumerate(convolutions))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in convolutions)
        self.context = nn.GRU(width, CONTEXT, batch_first=True)
        self.predictors = nn.Linear(CONTEXT, STEPS * width, bias=False)

    def forward(self, x):
        for convolution, norm in zip(self.convolutions, self.norms):
            x = F.relu(norm(convolution(x.transpose(1, 2)).transpose(1, 2)))
        z, (B, S, D) = x, x.shape
        c, _ = self.context(z)
        K, N, W = STEPS, NEGATIVES, S - STEPS
        p = (self.predictors(c[:, :W]) / math.sqrt(D)).reshape(B, W, K, D)
        # Of three ways to score the positives the fastest at these sizes: step by step.
        positives = torch.stack([(p[:, :, k] * z[:, k + 1:k + 1 + W]).sum(2) for k in range(K)], 2)
        others = torch.randint(0, (B - 1) * S, (B, N))
        rows = torch.arange(B)[:, None]
        index = torch.where(others >= rows * S, others + S, others)
        drawn = z.reshape(B * S, D).index_select(0, index.reshape(-1)).reshape(B, N, D)
        scores = torch.matmul(p.reshape(B, W * K, D), drawn.transpose(1, 2)).float().reshape(B, W, K, N)
        logits = torch.cat([positives.float().unsqueeze(3), scores], 3)
        return -logits.log_softmax(3)[..., 0].mean()


class MaskedReconstruction(nn.Module):
    def __init__(self, layers, width, heads, feed_forward, dropout, bands=80):
        super().__init__()
        self.projection, self.norm = nn.Linear(bands, width), nn.LayerNorm(width, 1e-12)
        self.heads, self.dropout = heads, dropout
        self.layers = nn.ModuleList(nn.ModuleDict(dict(
            qkv=nn.Linear(width, 3 * width), out=nn.Linear(width, width),
            norm1=nn.LayerNorm(width, 1e-12), norm2=nn.LayerNorm(width, 1e-12),
            linear1=nn.Linear(width, feed_forward), linear2=nn.Linear(feed_forward, width),
        )) for _ in range(layers))
        self.hidden, self.head_norm = nn.Linear(width, width), nn.LayerNorm(width, 1e-12)
        self.output = nn.Linear(width, bands)
        t = torch.arange(400.0)[:, None] * torch.exp(-math.log(1e4) * torch.arange(0, width, 2) / width)
        self.positions = torch.stack([t.sin(), t.cos()], 2).reshape(400, width)

    def forward(self, x):
        B, T, M = x.shape
        altered, mask = x.clone(), torch.zeros_like(x)
        for b in range(B):
            for s in torch.randperm(T - 7)[:round(0.15 * T / 7)].tolist():
                altered[b, s:s + 7] = 0
                mask[b, s:s + 7] = 1
            w = int(torch.randint(0, 17, ()))
            f = int(torch.randint(0, M - w + 1, ()))
            altered[b, :, f:f + w] = 0
            mask[b, :, f:f + w] = 1
        h = F.dropout(self.norm(self.projection(altered) + self.positions), self.dropout)
        for layer in self.layers:
            q, k, v = layer["qkv"](h).reshape(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            weights = (q / math.sqrt(q.shape[-1])) @ k.transpose(2, 3)
            gathered = F.dropout(weights.softmax(3), self.dropout) @ v
            gathered = layer["out"](gathered.transpose(1, 2).reshape(B, T, -1))
            h = layer["norm1"](h + F.dropout(gathered, self.dropout))
            inner = F.dropout(F.gelu(layer["linear1"](h)), self.dropout)
            h = layer["norm2"](h + F.dropout(layer["linear2"](inner), self.dropout))
        y = self.output(self.head_norm(F.gelu(self.hidden(h)))).float()
        return ((y - x).abs() * mask).sum() / mask.sum()


def peak_memory():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) // 1024


def milliseconds(steps, body):
    times = []
    for step in range(steps + 3):
        began = time.perf_counter()
        body()
        # The first steps pay for memory and kernels.
        if step >= 3:
            times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[len(times) // 2]


def main():
    if sys.argv[1] == "flops":
        print(f"{flops(sys.argv[2]):.2f}")
        return
    case, precision, steps, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    if case == "gemm":
        a, b = torch.ones(1024, 1024), torch.ones(1024, 1024)
        print(f"{2 * 1024 ** 3 / milliseconds(steps, lambda: a @ b) / 1e6:.1f}")
        return
    if case in TRANSFORMERS:
        layers, width, heads, feed_forward, batch, dropout = TRANSFORMERS[case]
        model = MaskedReconstruction(layers, width, heads, feed_forward, dropout)
        x = torch.randn(batch, 400, 80)
    else:
        batch, frames, channels, width, convolutions = CONTRASTIVE[case]
        model = CPC(channels, width, convolutions)
        x = torch.randn(batch, frames, channels)
    optimizer = torch.optim.AdamW(
        model.parameters(), 1e-4, betas=(0.9, 0.98), weight_decay=0.01, fused=True)

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = model(x)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    print(f"{milliseconds(steps, step):.1f}", peak_memory())


main()
