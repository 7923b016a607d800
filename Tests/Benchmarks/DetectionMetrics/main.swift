// Sorts and measures trials of a detector, on one core.
//
//   DetectionMetrics SCORES KINDS   files of 32-bit floats and of bytes, 1 for a target
//
// Prints "NAME VALUE" lines: seconds of each step, the measurements, and peak memory in MB.
import ApusMetrics
import Foundation

guard CommandLine.arguments.count == 3 else {
    print("usage: DetectionMetrics SCORES KINDS")
    exit(64)
}

func load<Value>(_ path: String, as type: Value.Type) throws -> [Value] {
    try Data(contentsOf: URL(fileURLWithPath: path)).withUnsafeBytes { bytes in
        [Value](bytes.bindMemory(to: type))
    }
}

let clock = ContinuousClock()

func printSeconds(_ name: String, since start: ContinuousClock.Instant) {
    print("seconds-\(name)", String(format: "%.3f", (clock.now - start) / .seconds(1)))
}

func timed<Result>(_ name: String, _ work: () throws -> Result) rethrows -> Result {
    let start = clock.now
    let result = try work()
    printSeconds(name, since: start)
    return result
}

func peakMegabytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) / 1024
}

let scores = try load(CommandLine.arguments[1], as: Float.self)
let isTarget = try load(CommandLine.arguments[2], as: UInt8.self).map { $0 == 1 }
print("trials", scores.count)
let before = try peakMegabytes()
let start = clock.now
let trials = try timed("sort") { try DetectionTrials(scores: scores, isTarget: isTarget) }
let rate = timed("eer") { trials.equalErrorRate().rate }
let hullRate = timed("rocch-eer") { trials.convexHullEqualErrorRate() }
let costs = [0.01, 0.05, 0.5].map { DetectionCost(targetPrior: $0) }
let minimumCosts = timed("min-dcf") { costs.map { trials.minimumDetectionCost($0).cost } }
let actualCosts = timed("act-dcf") { costs.map { trials.actualDetectionCost($0) } }
let ratioCost = timed("cllr") { trials.logLikelihoodRatioCost() }
let minimumRatioCost = timed("min-cllr") { trials.minimumLogLikelihoodRatioCost() }
let tradeoff = timed("det") { trials.errorTradeoff() }
let area = timed("auc") { trials.areaUnderCurve() }
printSeconds("total", since: start)
let measured = try peakMegabytes()
let calibration = try timed("calibration") {
    try ScoreCalibration(scores: scores, isTarget: isTarget)
}
// One resample of a bootstrap over 1251 speakers.
let draws = (0..<1251).map { Double($0 % 3) }
let resampled = timed("resample") {
    trials.weighted { draws[$0 % 1251] }.minimumDetectionCost(costs[0]).cost
}
print("megabytes-before", before)
print("megabytes", measured)
print("points", tradeoff.count)
for (name, value) in [
    ("eer", rate), ("rocch-eer", hullRate), ("min-dcf-0.01", minimumCosts[0]),
    ("min-dcf-0.05", minimumCosts[1]), ("min-dcf-0.5", minimumCosts[2]),
    ("act-dcf-0.01", actualCosts[0]), ("act-dcf-0.05", actualCosts[1]),
    ("act-dcf-0.5", actualCosts[2]), ("cllr", ratioCost), ("min-cllr", minimumRatioCost),
    ("auc", area), ("calibration-weight", calibration.weights[0]),
    ("calibration-offset", calibration.offset), ("resampled-min-dcf", resampled),
] {
    print(name, String(format: "%.8f", value))
}
