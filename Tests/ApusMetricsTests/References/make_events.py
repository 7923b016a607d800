#!/usr/bin/env python3
"""Makes events.json: tagging, tests, calibration and sound events by independent packages.

python3 -m venv V; V/bin/pip install "numpy<2" "pandas<2.2" scipy scikit-learn statsmodels sed_eval psds_eval
Run: V/bin/python make_events.py (the file says which versions made it)
"""

import importlib.metadata
import json
import math
import pathlib

import dcase_util
import numpy
import pandas
import sed_eval
from psds_eval import PSDSEval
from scipy import stats
from sklearn import metrics
from statsmodels.stats.contingency_tables import mcnemar

random = numpy.random.default_rng(20)
PACKAGES = ["numpy", "scipy", "scikit-learn", "statsmodels", "sed_eval", "dcase_util",
            "psds_eval", "pandas"]


def tagging(count, labels, steps):
    """Scores on a grid of `steps` values, so that many are equal; 0 for no grid."""
    present = random.random((count, labels)) < numpy.linspace(0.1, 0.6, labels)
    present[0], present[1] = True, False
    scores = random.normal(size=(count, labels)) + present * numpy.linspace(0, 2, labels)
    if steps:
        scores = numpy.round(scores * steps) / steps
    scores = scores.astype(numpy.float32)
    areas = [metrics.roc_auc_score(present[:, k], scores[:, k]) for k in range(labels)]
    return {
        "labelCount": labels,
        "scores": [float(x) for x in scores.ravel()],
        "isPresent": [bool(x) for x in present.ravel()],
        "averagePrecision": [float(metrics.average_precision_score(present[:, k], scores[:, k]))
                             for k in range(labels)],
        "areaUnderCurve": [float(x) for x in areas],
        "sensitivityIndex": [float(math.sqrt(2) * stats.norm.ppf(x)) for x in areas],
        "meanAveragePrecision": float(
            metrics.average_precision_score(present, scores, average="macro")),
    }


def classes(count, number):
    targets = random.integers(0, number, count)
    scores = random.normal(size=(count, number))
    scores[numpy.arange(count), targets] += 1
    scores = scores.astype(numpy.float32)
    predictions = scores.argmax(1)
    return {
        "classCount": number,
        "targets": targets.tolist(),
        "predictions": predictions.tolist(),
        "scores": [float(x) for x in scores.ravel()],
        "macroF": float(metrics.f1_score(targets, predictions, average="macro")),
        "topTwo": float(metrics.top_k_accuracy_score(
            targets, scores, k=2, labels=list(range(number)))),
    }


def contingency(both, first, second, neither):
    table = [[both, first], [second, neither]]
    exact, corrected = mcnemar(table, exact=True), mcnemar(table, exact=False, correction=True)
    return {"both": both, "first": first, "second": second, "neither": neither,
            "exact": float(exact.pvalue), "statistic": float(corrected.statistic),
            "corrected": float(corrected.pvalue)}


def paired():
    first = (random.random(120) < 0.8).astype(float)
    second = (random.random(120) < 0.65).astype(float)
    found = stats.bootstrap((first - second,), numpy.mean, n_resamples=50000,
                            method="percentile", random_state=1).confidence_interval
    return {"first": first.tolist(), "second": second.tolist(),
            "low": float(found.low), "high": float(found.high)}


LABELS = ["alarm", "bell", "door"]


def recording(seconds):
    events = []
    for label in LABELS:
        at = random.uniform(0, 2)
        while at < seconds - 1:
            length = random.uniform(0.3, 2)
            end = min(seconds, at + length)
            events.append({"label": label, "onset": round(at, 3), "offset": round(end, 3)})
            at = end + random.uniform(0.2, 3)
    return events


def estimate(events, seconds, noise):
    found = []
    for event in events:
        if random.random() < 0.2:
            continue
        label = LABELS[random.integers(3)] if random.random() < 0.2 else event["label"]
        onset = max(0, event["onset"] + random.normal() * noise)
        offset = min(seconds, max(onset + 0.05, event["offset"] + random.normal() * noise))
        found.append({"label": label, "onset": round(onset, 3), "offset": round(offset, 3)})
    for _ in range(random.poisson(1.5)):
        at = random.uniform(0, seconds - 1)
        found.append({"label": LABELS[random.integers(3)], "onset": round(at, 3),
                      "offset": round(at + random.uniform(0.1, 1), 3)})
    return found


def container(events, name):
    return dcase_util.containers.MetaDataContainer([
        {"filename": name, "event_label": e["label"], "onset": e["onset"],
         "offset": e["offset"]} for e in events])


def measured(metric, references, estimates):
    for number, (reference, found) in enumerate(zip(references, estimates)):
        metric.evaluate(container(reference, f"{number}.wav"), container(found, f"{number}.wav"))
    overall = metric.results_overall_metrics()
    by_label = metric.results_class_wise_metrics()
    return {
        "f": float(overall["f_measure"]["f_measure"]),
        "precision": float(overall["f_measure"]["precision"]),
        "recall": float(overall["f_measure"]["recall"]),
        "errorRate": float(overall["error_rate"]["error_rate"]),
        "substitutions": float(overall["error_rate"]["substitution_rate"]),
        "macroF": float(metric.results_class_wise_average_metrics()["f_measure"]["f_measure"]),
        "ofLabels": [float(by_label[x]["f_measure"]["f_measure"]) for x in LABELS],
        "errorsOfLabels": [float(by_label[x]["error_rate"]["error_rate"]) for x in LABELS],
    }


def events(noise):
    lengths = [10, 12, 8, 10]
    references = [recording(s) for s in lengths]
    estimates = [estimate(r, s, noise) for r, s in zip(references, lengths)]
    segments = {str(length): measured(
        sed_eval.sound_event.SegmentBasedMetrics(
            LABELS, time_resolution=length),
        references, estimates) for length in (1.0, 0.1)}
    whole = [dict(tolerance, **measured(
        sed_eval.sound_event.EventBasedMetrics(
            LABELS, t_collar=tolerance["collar"], percentage_of_length=tolerance["share"],
            evaluate_onset=tolerance["onset"], evaluate_offset=tolerance["offset"],
            event_matching_type="optimal", empty_system_output_handling="zero_score"),
        references, estimates)) for tolerance in [
            {"collar": 0.2, "share": 0.5, "onset": True, "offset": True},
            {"collar": 0.1, "share": 0.2, "onset": True, "offset": True},
            {"collar": 0.25, "share": 0.5, "onset": True, "offset": False},
            {"collar": 0.25, "share": 0.2, "onset": False, "offset": True}]]
    return {"references": references, "estimates": estimates, "segments": segments,
            "events": whole}


def without_overlaps(found):
    """psds_eval wants the events of one label apart from each other."""
    kept = []
    for event in sorted(found, key=lambda e: e["onset"]):
        if all(e["label"] != event["label"] or e["offset"] <= event["onset"] for e in kept):
            kept.append(event)
    return kept


def polyphonic():
    lengths = [30.0] * 6
    references = [recording(s) for s in lengths]

    def frame(recordings):
        return pd([(f"{n}.wav", e["onset"], e["offset"], e["label"])
                   for n, found in enumerate(recordings) for e in found])

    def pd(rows):
        return pandas.DataFrame(rows, columns=["filename", "onset", "offset", "event_label"])

    points = [[without_overlaps(estimate(r, s, noise)) for r, s in zip(references, lengths)]
              for noise in (0.05, 0.3, 0.6, 1.0)]
    lists = pandas.DataFrame({"filename": [f"{n}.wav" for n in range(len(lengths))],
                              "duration": lengths})
    scores = []
    for tolerances in ((0.5, 0.5, 0.3), (0.7, 0.7, 0.5), (0.1, 0.1, 0.1)):
        measure = PSDSEval(*tolerances, ground_truth=frame(references), metadata=lists)
        for point in points:
            measure.add_operating_point(frame(point))
        for cross, instability, rate in ((0, 0, 400), (0.5, 1, 400), (1, 0.5, 2000)):
            scores.append({
                "tolerances": tolerances, "cross": cross, "instability": instability,
                "rate": rate, "score": float(measure.psds(cross, instability, rate).value)})
    return {"references": references, "points": points, "seconds": sum(lengths),
            "scores": scores}


def calibration():
    confidences = random.random(200)
    right = random.random(200) < confidences ** 1.5
    edges = numpy.linspace(0, 1, 11)
    places = numpy.clip(numpy.digitize(confidences, edges, right=True) - 1, 0, 9)
    error = sum(numpy.mean(places == b)
                * abs(right[places == b].mean() - confidences[places == b].mean())
                for b in range(10) if (places == b).any())
    return {"confidences": confidences.tolist(), "isRight": right.tolist(),
            "error": float(error)}


result = {
    "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    "tagging": [tagging(60, 4, 0), tagging(60, 4, 2)],
    "classes": [classes(80, 5), classes(40, 3)],
    "contingencies": [contingency(*x) for x in
                      [(50, 12, 4, 6), (10, 3, 9, 2), (400, 30, 55, 15), (5, 1, 0, 0)]],
    "paired": paired(),
    "calibration": calibration(),
    "events": [events(0.1), events(0.25)],
    "polyphonic": polyphonic(),
}
path = pathlib.Path(__file__).with_name("events.json")
path.write_text(json.dumps(result) + "\n")
