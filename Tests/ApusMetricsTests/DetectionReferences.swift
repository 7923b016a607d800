import ApusMetrics
import Foundation

/// Values by scikit-learn, llreval, lir, psrcal and numpy; `References/make_detection.py` makes the
/// file.
struct DetectionReferences: Decodable {
    struct Measured: Decodable {
        var scores: [Float]
        var isTarget: [Bool]
        var falseAlarmRates: [Double]
        var hitRates: [Double]
        var areaUnderCurve: Double
        var convexHullEqualErrorRate: Double
        var minimumCosts: [Double]
        var actualCosts: [Double]
        var cllr: Double
        var minimumCllr: Double
        var lirCllr: Double
        var lirMinimumCllr: Double
        var targetFractions: [Double]

        var trials: DetectionTrials {
            get throws { try DetectionTrials(scores: scores, isTarget: isTarget) }
        }
    }
    struct Calibration: Decodable {
        var systems: [[Float]]
        var isTarget: [Bool]
        var targetPrior: Double
        var weights: [Double]
        var offset: Double
        /// The scale and the offset.
        var psrcal: [Double]?
    }
    struct Normalization: Decodable {
        var score: Float
        var enrolment: [Float]
        var test: [Float]
        var top: Int?
        var normalized: Double
    }
    struct Quantile: Decodable {
        var probability: Double
        var value: Double
    }

    /// The prior of targets, the cost of a miss and of a false alarm.
    private var costs: [[Double]]
    var measured: [Measured]
    var calibrations: [Calibration]
    var normalizations: [Normalization]
    var normalQuantiles: [Quantile]

    var detectionCosts: [DetectionCost] {
        costs.map { DetectionCost(targetPrior: $0[0], missCost: $0[1], falseAlarmCost: $0[2]) }
    }

    static func load(from testFile: String = #filePath) throws -> DetectionReferences {
        let url = URL(fileURLWithPath: testFile).deletingLastPathComponent()
            .appendingPathComponent("References/detection.json")
        return try JSONDecoder().decode(DetectionReferences.self, from: Data(contentsOf: url))
    }
}

/// Scores of targets first, then of non-targets.
func trials(targets: [Float], nonTargets: [Float]) throws -> DetectionTrials {
    try DetectionTrials(
        scores: targets + nonTargets,
        isTarget: targets.map { _ in true } + nonTargets.map { _ in false })
}

/// Numbers in 0..<1, the same each time.
struct TestDraws {
    var state: UInt64

    mutating func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) / Double(1 << 53)
    }

    /// About normal, with mean 0 and variance 1.
    mutating func normal() -> Float {
        Float((0..<12).reduce(-6.0) { sum, _ in sum + next() })
    }
}
