"""The peer of DetectionMetrics: the same measurements by numpy, scipy and scikit-learn.

peer.py make COUNT SCORES KINDS   writes trials: 1 in 20 a target, normal scores 4 deviations apart,
                                  made log-likelihood ratios by half their scale
peer.py sort SCORES KINDS         numpy's argsort alone
peer.py SCORES KINDS              sorts and measures
"""

import sys
import time

import numpy as np

seconds_total = 0.0


def timed(name, work):
    global seconds_total
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    seconds_total += seconds
    print(f"seconds-{name} {seconds:.3f}")
    return result


def peak_megabytes():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) // 1024


def load():
    return np.fromfile(sys.argv[-2], np.float32), np.fromfile(sys.argv[-1], np.uint8) == 1


if sys.argv[1] == "make":
    random = np.random.default_rng(5)
    is_target = random.random(int(sys.argv[2])) < 0.05
    scores = 2 * random.standard_normal(len(is_target)) + np.where(is_target, 4, -4)
    scores.astype(np.float32).tofile(sys.argv[3])
    is_target.astype(np.uint8).tofile(sys.argv[4])
elif sys.argv[1] == "sort":
    scores, _ = load()
    timed("sort", lambda: np.argsort(scores, kind="stable"))
    print("megabytes", peak_megabytes())
else:
    from sklearn.isotonic import IsotonicRegression
    from sklearn.metrics import auc, roc_curve

    scores, is_target = load()
    targets, non_targets = is_target.sum(), (~is_target).sum()
    priors = np.array([0.01, 0.05, 0.5])
    fpr, tpr, _ = timed("roc", lambda: roc_curve(is_target, scores, drop_intermediate=False))

    def equal_error_rate():
        after = int(np.argmax(1 - tpr <= fpr))
        gap = (1 - tpr - fpr)[after - 1:after + 1]
        return fpr[after - 1] + gap[0] / (gap[0] - gap[1]) * (fpr[after] - fpr[after - 1])

    def minimum_costs():
        return [float(((1 - tpr) * p + fpr * (1 - p)).min() / min(p, 1 - p)) for p in priors]

    def actual_costs():
        costs = []
        for p in priors:
            accepted = scores >= np.log((1 - p) / p)
            costs.append(float(((is_target & ~accepted).sum() / targets * p
                                + (~is_target & accepted).sum() / non_targets * (1 - p))
                               / min(p, 1 - p)))
        return costs

    def ratio_cost(ratios):
        signed = np.where(is_target, -ratios, ratios)
        losses = np.logaddexp(0, signed)
        return (losses[is_target].mean() + losses[~is_target].mean()) / (2 * np.log(2))

    def minimum_ratio_cost():
        fraction = IsotonicRegression().fit_transform(scores.astype(float), is_target.astype(float))
        with np.errstate(divide="ignore"):
            return ratio_cost(np.log(fraction) - np.log1p(-fraction)
                              - np.log(targets / non_targets))

    values = {"eer": timed("eer", equal_error_rate)}
    values |= zip([f"min-dcf-{p}" for p in priors], timed("min-dcf", minimum_costs))
    values |= zip([f"act-dcf-{p}" for p in priors], timed("act-dcf", actual_costs))
    values["cllr"] = timed("cllr", lambda: ratio_cost(scores.astype(float)))
    values["min-cllr"] = timed("min-cllr", minimum_ratio_cost)
    values["auc"] = timed("auc", lambda: auc(fpr, tpr))
    print(f"seconds-total {seconds_total:.3f}")
    print("megabytes", peak_megabytes())
    for name, value in values.items():
        print(f"{name} {value:.8f}")
