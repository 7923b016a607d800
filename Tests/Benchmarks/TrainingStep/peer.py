"""The same training steps in PyTorch, with its best settings: fused AdamW, autocast where asked for.

Arguments and output as main.swift's.
"""
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

kind, precision, steps, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
torch.manual_seed(1)


class CPC(nn.Module):
    def __init__(self, bands=80, width=256, steps=12, negatives=128):
        super().__init__()
        self.steps, self.negatives = steps, negatives
        self.convolutions = nn.ModuleList(
            nn.Conv1d(bands if i == 0 else width, width, 3, stride=s, padding=1)
            for i, s in enumerate([1, 2, 1]))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.context = nn.GRU(width, width, batch_first=True)
        self.predictors = nn.Linear(width, steps * width, bias=False)

    def forward(self, x):
        for convolution, norm in zip(self.convolutions, self.norms):
            x = F.relu(norm(convolution(x.transpose(1, 2)).transpose(1, 2)))
        z, (B, S, D) = x, x.shape
        c, _ = self.context(z)
        K, N, W = self.steps, self.negatives, S - self.steps
        p = (self.predictors(c[:, :W]) / math.sqrt(D)).reshape(B, W * K, D)
        # Of two ways to score the positives the faster one: all frames of the recording, masked.
        mask = torch.zeros(W, K, S)
        t, k = torch.meshgrid(torch.arange(W), torch.arange(K), indexing="ij")
        mask[t, k, t + k + 1] = 1
        positives = (torch.matmul(p, z.transpose(1, 2)).float().reshape(B, W, K, S) * mask).sum(3, keepdim=True)
        others = torch.randint(0, (B - 1) * S, (B, N))
        rows = torch.arange(B)[:, None]
        index = torch.where(others >= rows * S, others + S, others)
        drawn = z.reshape(B * S, D).index_select(0, index.reshape(-1)).reshape(B, N, D)
        scores = torch.matmul(p, drawn.transpose(1, 2)).float().reshape(B, W, K, N)
        logits = torch.cat([positives, scores], 3)
        return -logits.log_softmax(3)[..., 0].mean()


class MaskedReconstruction(nn.Module):
    def __init__(self, bands=80, width=256, heads=4, layers=3, feed_forward=1024, dropout=0.1):
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


model = CPC() if kind == "cpc" else MaskedReconstruction()
x = torch.randn(*((25, 160, 80) if kind == "cpc" else (16, 400, 80)))
optimizer = torch.optim.AdamW(model.parameters(), 1e-4, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
times = []
for step in range(steps + 3):
    began = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        loss = model(x)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    if step >= 3:
        times.append((time.perf_counter() - began) * 1000)
print(f"{sorted(times)[len(times) // 2]:.1f}")
