"""Makes verification.json: LDA by scikit-learn, PLDA and its scores written out with numpy and scipy.

python3 -m venv V; V/bin/pip install numpy scipy scikit-learn
Run: V/bin/python make_verification.py > verification.json

PLDA's EM steps are those of the two-covariance model with plain inverses, and a score is the
difference of densities of stacked vectors, so that nothing is shared with Apus's diagonal form.
"""

import json
from importlib.metadata import version

import numpy as np
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

generator = np.random.default_rng(20261)
width = 6
counts = [1, 2, 3, 3, 5, 5, 7, 9, 4, 6]

mixing = generator.normal(0, 1, (width, width))
rows, labels = [], []
for speaker, count in enumerate(counts):
    center = generator.normal(0, [2, 1.5, 1, 0.5, 0.2, 0.1])
    rows.append((center + generator.normal(0, 1, (count, width))) @ mixing.T + 3)
    labels += [speaker] * count
rows = np.float32(np.concatenate(rows)).astype(float)
labels = np.array(labels)

lda = LinearDiscriminantAnalysis(solver="eigen").fit(rows, labels)
directions = lda.scalings_[:, :3].T
# scikit-learn sorts them; a sign is arbitrary, so projections are compared by their products.
projected = rows @ directions.T


def fit_plda(rows, labels, iterations):
    names = np.unique(labels)
    means = np.array([rows[labels == name].mean(0) for name in names])
    sizes = np.array([(labels == name).sum() for name in names])
    mean = means.mean(0)
    centred = means - mean
    scatter = sum(
        np.outer(x - means[k], x - means[k]) for k in range(len(names)) for x in rows[labels == names[k]])
    within = scatter / (len(rows) - len(names))
    between = centred.T @ centred / len(names)
    for _ in range(iterations):
        next_between = np.zeros_like(between)
        next_within = scatter.copy()
        for size, m in zip(sizes, centred):
            covariance = np.linalg.inv(np.linalg.inv(between) + size * np.linalg.inv(within))
            w = covariance @ (size * np.linalg.inv(within) @ m)
            next_between += covariance + np.outer(w, w)
            next_within += size * (covariance + np.outer(m - w, m - w))
        between = next_between / len(names)
        within = next_within / len(rows)
    return mean, between, within


def score(mean, between, within, a, b):
    total = between + within
    one = multivariate_normal(np.concatenate([mean, mean]), np.block([[total, between], [between, total]]))
    each = multivariate_normal(mean, total)
    return one.logpdf(np.concatenate([a, b])) - each.logpdf(a) - each.logpdf(b)


pairs = [(0, 1), (1, 2), (3, 5), (10, 11), (20, 40), (30, 31), (44, 2), (7, 7)]
plda = []
for iterations in [0, 1, 10]:
    model = fit_plda(rows, labels, iterations)
    plda.append({
        "iterations": iterations,
        "scores": [score(*model, rows[a], rows[b]) for a, b in pairs],
    })

print(json.dumps({
    "versions": {name: version(name) for name in ["numpy", "scipy", "scikit-learn"]},
    "width": width,
    "rows": rows.flatten().tolist(),
    "labels": [f"speaker {label}" for label in labels],
    "discriminantCount": 3,
    "discriminantProducts": (projected[:8] @ projected[:8].T).flatten().tolist(),
    "pairs": pairs,
    "plda": plda,
}, indent=0))
