"""Makes references.json: metric values by scikit-learn and scipy.

Run: python make_references.py > references.json
"""

import json

import numpy
import scipy
import sklearn
from scipy import stats
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn import metrics

generator = numpy.random.default_rng(20250)


def equal_error_rate(targets, non_targets):
    labels = [1] * len(targets) + [0] * len(non_targets)
    fpr, tpr, _ = metrics.roc_curve(labels, targets + non_targets, drop_intermediate=False)
    return brentq(lambda x: 1.0 - x - interp1d(fpr, tpr)(x), 0.0, 1.0, xtol=1e-14)


def single(values):
    return [float(numpy.float32(value)) for value in values]


equal_error_rates = []
for targets, non_targets, shift, decimals in [
    (40, 60, 1.0, 6), (7, 5, 0.5, 6), (100, 1000, 2.0, 1), (50, 50, 0.3, 0), (300, 17, -0.5, 1),
    (1, 9, 0.0, 6),
]:
    positive = single(numpy.round(generator.normal(shift, 1, targets), decimals))
    negative = single(numpy.round(generator.normal(0, 1, non_targets), decimals))
    equal_error_rates.append(
        {"targets": positive, "nonTargets": negative, "rate": equal_error_rate(positive, negative)})

classifications = []
for trials, classes, present in [(60, 4, 4), (25, 6, 5)]:
    truth = generator.integers(0, present, trials)
    predicted = numpy.where(generator.random(trials) < 0.6, truth,
                            generator.integers(0, present, trials))
    classifications.append({
        "targets": truth.tolist(), "predictions": predicted.tolist(), "classCount": classes,
        "accuracy": float(metrics.accuracy_score(truth, predicted)),
        "balancedAccuracy": float(metrics.balanced_accuracy_score(truth, predicted)),
        "confusion": metrics.confusion_matrix(
            truth, predicted, labels=range(classes)).ravel().tolist()})

quantiles = [
    {"probability": p, "degreesOfFreedom": nu, "value": float(stats.t.ppf(p, nu))}
    for nu in [1, 2, 2.5, 4, 9, 30, 200, 5000] for p in [0.01, 0.3, 0.501, 0.9, 0.975, 0.9999]]

sample = generator.normal(0.8, 0.05, 5).tolist()
low, high = stats.t.interval(0.95, 4, loc=numpy.mean(sample), scale=stats.sem(sample))

successes, trials = 70, 100
binomial = stats.binom(trials, successes / trials)

print(json.dumps({
    "versions": {"numpy": numpy.__version__, "scipy": scipy.__version__,
                 "scikit-learn": sklearn.__version__},
    "equalErrorRates": equal_error_rates,
    "classifications": classifications,
    "studentT": quantiles,
    "meanInterval": {"values": sample, "low": float(low), "high": float(high)},
    "bernoulliBootstrap": {"successes": successes, "trials": trials,
                           "low": float(binomial.ppf(0.025)) / trials,
                           "high": float(binomial.ppf(0.975)) / trials},
}, indent=1))
