#!/usr/bin/env python3
"""Makes comparisons.json: paired bootstraps of detectors over speakers, and Holm's adjustment.

python3 -m venv V; V/bin/pip install numpy scipy scikit-learn statsmodels
Run: V/bin/python make_comparisons.py (the file says which versions made it)

The draws are SplitMix64's, as Apus has them, so that intervals and p values agree to rounding; what is
measured on them is scikit-learn's ROC curve with weights.
"""

import importlib.metadata
import json
import pathlib

import numpy
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve
from statsmodels.stats.multitest import multipletests

random = numpy.random.default_rng(41)
PACKAGES = ["numpy", "scipy", "scikit-learn", "statsmodels"]
SPEAKERS, RECORDINGS, RESAMPLES, SEED, PRIOR = 9, 3, 200, 11, 0.05
MASK = 2**64 - 1


class SplitMix:
    def __init__(self, seed):
        self.state = seed

    def index(self, count):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        mixed = self.state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return ((mixed ^ (mixed >> 31)) * count) >> 64


def measured(scores, target, weights):
    """The equal error rate and the lowest normalised cost."""
    false_alarm, hit, _ = roc_curve(target, scores, sample_weight=weights, drop_intermediate=False)
    rate = brentq(lambda x: 1 - x - interp1d(false_alarm, hit)(x), 0, 1, xtol=1e-14)
    cost = (PRIOR * (1 - hit) + (1 - PRIOR) * false_alarm) / min(PRIOR, 1 - PRIOR)
    return numpy.array([rate, cost.min()])


def paired():
    places = numpy.repeat(random.normal(size=(SPEAKERS, 4)), RECORDINGS, axis=0)
    speakers = numpy.repeat(numpy.arange(SPEAKERS), RECORDINGS)
    first, second = numpy.triu_indices(len(speakers), 1)
    scores = []
    for noise in (0.5, 0.7):
        heard = places + noise * random.normal(size=places.shape)
        # On a grid, so that some are equal.
        distances = numpy.linalg.norm(heard[first] - heard[second], axis=1)
        scores.append((-distances.round(2)).astype(numpy.float32))
    target = speakers[first] == speakers[second]

    def difference(weights):
        return measured(scores[0], target, weights) - measured(scores[1], target, weights)

    observed = difference(numpy.ones(len(target)))
    generator, draws = SplitMix(SEED), []
    while len(draws) < RESAMPLES:
        counts = numpy.bincount([generator.index(SPEAKERS) for _ in range(SPEAKERS)],
                                minlength=SPEAKERS).astype(float)
        own, other = counts[speakers[first]], counts[speakers[second]]
        weights = numpy.where(target, own, own * other)
        if weights[target].sum() > 0 and weights[~target].sum() > 0:
            draws.append(difference(weights))
    draws = numpy.array(draws)
    extreme = (abs(draws - observed) >= abs(observed) * (1 - 1e-9)).sum(axis=0)
    low, high = numpy.percentile(draws, [2.5, 97.5], axis=0)
    return {
        "speakerCount": SPEAKERS, "resamples": RESAMPLES, "seed": SEED, "prior": PRIOR,
        "enrolmentSpeakers": speakers[first].tolist(), "testSpeakers": speakers[second].tolist(),
        "isTarget": target.tolist(), "scores": [[float(x) for x in s] for s in scores],
        "difference": observed.tolist(), "low": low.tolist(), "high": high.tolist(),
        "probability": ((extreme + 1) / (RESAMPLES + 1)).tolist(),
    }


def holm(probabilities):
    return {"probabilities": probabilities,
            "adjusted": multipletests(probabilities, method="holm")[1].tolist()}


result = {
    "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    "paired": paired(),
    "holm": [holm([0.01, 0.04, 0.03, 0.005]), holm([0.2]), holm([0.5, 0.5, 0.9]),
             holm(random.random(12).round(3).tolist() + [0.0, 1.0])],
}
path = pathlib.Path(__file__).with_name("comparisons.json")
path.write_text(json.dumps(result) + "\n")
