"""Makes detection.json: measurements of detection trials by scikit-learn, llreval, lir and psrcal.

python3 -m venv V; V/bin/pip install numpy scipy scikit-learn torch matplotlib pydantic confidence
V/bin/pip install --no-deps llreval==0.0.3 lir==1.3.1 psrcal==1.0.0
Run: V/bin/python make_detection.py > detection.json

llreval is Brümmer's and Ferrer's code for the BOSARIS toolkit's measurements, psrcal Ferrer's for
calibration. psrcal stops its minimiser early, so it checks to three digits what scikit-learn's
logistic regression, weighted in the same way, checks to seven.
"""

import json
from importlib.metadata import version

import numpy as np
import torch
from lir.data.models import LLRData
from lir.metrics import cllr as lir_cllr
from lir.metrics import cllr_min as lir_cllr_min
from llreval.bayes_error_rate import fast_Bayes_error_rate
from llreval.cllr import cllr, min_cllr
from llreval.pav_rocch import PAV, ROCCH
from psrcal.calibration import AffineCalLogLoss, calibrate
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve

generator = np.random.default_rng(20260)


def single(values):
    return np.float32(values).astype(float)


def trials(targets, non_targets, shift, scale, decimals):
    labels = np.concatenate([np.ones(targets, int), np.zeros(non_targets, int)])
    scores = generator.normal(0, 1, len(labels)) * scale + np.where(labels == 1, shift, -shift)
    order = generator.permutation(len(labels))
    return single(np.round(scores, decimals))[order], labels[order]


def hull_equal_error_rate(hull):
    miss, false_alarm = hull.Pmiss_Pfa()
    # Along the hull, position i + t lies a fraction t into edge i.
    index = np.arange(len(miss))
    crossing = brentq(
        lambda x: np.interp(x, index, miss) - np.interp(x, index, false_alarm), 0, index[-1],
        xtol=1e-14)
    rate = float(np.interp(crossing, index, miss))
    assert abs(rate - hull.EER()) < 1e-4
    return rate


costs = [(0.01, 1, 1), (0.05, 1, 1), (0.5, 1, 1), (0.01, 10, 1), (0.3, 1, 2.5)]

measured = []
for targets, non_targets, shift, scale, decimals in [
    (40, 60, 1.0, 1.5, 6), (7, 5, 0.5, 1.0, 6), (100, 700, 2.0, 2.0, 1), (50, 50, 0.3, 1.0, 0),
    (300, 17, -0.5, 1.0, 1), (1, 9, 0.0, 1.0, 6), (3, 200, 4.0, 1.0, 2),
]:
    scores, labels = trials(targets, non_targets, shift, scale, decimals)
    pav = PAV(scores, labels)
    hull = ROCCH(pav)
    false_alarm, hit, _ = roc_curve(labels, scores, drop_intermediate=False)
    minimum, actual = [], []
    for prior, miss_cost, false_alarm_cost in costs:
        log_odds = np.log(prior * miss_cost / ((1 - prior) * false_alarm_cost))
        effective = 1 / (1 + np.exp(-log_odds))
        default = min(effective, 1 - effective)
        minimum.append(float(hull.Bayes_error_rate(log_odds)) / default)
        # A score at the threshold is accepted here and refused there; nudged, both accept it.
        rate = fast_Bayes_error_rate(scores, labels, np.array([log_odds + 1e-9]))
        actual.append(float(rate[0]) / default)
    fractions = IsotonicRegression().fit_transform(scores, labels)
    measured.append({
        "scores": scores.tolist(), "isTarget": [bool(label) for label in labels],
        "falseAlarmRates": false_alarm.tolist(), "hitRates": hit.tolist(),
        "areaUnderCurve": float(roc_auc_score(labels, scores)),
        "convexHullEqualErrorRate": hull_equal_error_rate(hull),
        "minimumCosts": minimum, "actualCosts": actual,
        "cllr": float(cllr(scores[labels == 1], scores[labels == 0])),
        "minimumCllr": float(min_cllr(pav)),
        "lirCllr": lir_cllr(LLRData(features=scores / np.log(10), labels=labels)),
        "lirMinimumCllr": lir_cllr_min(LLRData(features=scores / np.log(10), labels=labels)),
        "targetFractions": fractions.tolist(),
    })


def logistic(systems, labels, prior):
    weights = np.where(labels == 1, prior / labels.sum(), (1 - prior) / (1 - labels).sum())
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-13, max_iter=1000)
    model.fit(systems.T, labels, sample_weight=weights * len(labels))
    return model.coef_[0].tolist(), float(model.intercept_[0] - np.log(prior / (1 - prior)))


def affine(scores, labels, prior):
    ratios = torch.tensor(np.stack([np.zeros(len(scores)), scores], axis=1))
    _, (scale, bias) = calibrate(
        ratios, torch.tensor(labels), ratios, AffineCalLogLoss, priors=[1 - prior, prior])
    return scale.item(), (bias[1] - bias[0]).item()


calibrations = []
for count, targets, non_targets, prior in [
    (1, 60, 240, 0.5), (1, 60, 240, 0.05), (1, 100, 30, 0.01), (3, 80, 220, 0.5), (2, 40, 260, 0.1),
]:
    labels = np.concatenate([np.ones(targets, int), np.zeros(non_targets, int)])
    shared = generator.normal(0, 1, len(labels))
    systems = single(np.round([
        3 * system + (1 + system) * (shared + generator.normal(0, 1, len(labels)) + 1.5 * labels)
        for system in range(count)], 4))
    weights, offset = logistic(systems, labels, prior)
    calibrations.append({
        "systems": systems.tolist(), "isTarget": [bool(label) for label in labels],
        "targetPrior": prior, "weights": weights, "offset": offset,
        "psrcal": affine(systems[0], labels, prior) if count == 1 else None})


def symmetric_norm(score, enrolment, test, top):
    def side(cohort):
        nearest = np.sort(cohort)[::-1][:top]
        return (score - nearest.mean()) / nearest.std()
    return 0.5 * (side(enrolment) + side(test))


# Separable trials: Platt's smoothed kinds, each trial once as itself and once as the other kind.
labels = np.array([1] * 12 + [0] * 30)
systems = single(np.round(generator.normal(0, 1, (2, 42)) + np.outer([8, 7], labels), 4))
share = np.where(labels == 1, 1 / 14, 1 / 32)
weights = np.where(labels == 1, 0.2 / 12, 0.8 / 30)
model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-13, max_iter=1000)
model.fit(np.tile(systems.T, (2, 1)), np.concatenate([labels, 1 - labels]),
          sample_weight=42 * np.concatenate([weights * (1 - share), weights * share]))
calibrations.append({
    "systems": systems.tolist(), "isTarget": [bool(label) for label in labels], "targetPrior": 0.2,
    "weights": model.coef_[0].tolist(),
    "offset": float(model.intercept_[0] - np.log(0.2 / 0.8)), "psrcal": None})

normalizations = []
for top in [None, 2, 10, 50]:
    enrolment, test = single(np.round(generator.normal([[0.1], [0.2]], 0.2, (2, 50)), 4))
    normalizations.append({
        "score": 0.625, "enrolment": enrolment.tolist(), "test": test.tolist(), "top": top,
        "normalized": float(symmetric_norm(0.625, enrolment, test, top))})

print(json.dumps({
    "versions": {name: version(name)
                 for name in ["numpy", "scipy", "scikit-learn", "llreval", "lir", "psrcal"]},
    "costs": costs,
    "measured": measured,
    "calibrations": calibrations,
    "normalizations": normalizations,
    "normalQuantiles": [{"probability": p, "value": float(norm.ppf(p))}
                        for p in [1e-300, 1e-12, 1e-7, 0.001, 0.3, 0.5, 0.8, 0.99, 1 - 1e-9]],
}))
