import ApusMetrics
import Foundation

/// Values by scikit-learn, scipy, statsmodels, sed_eval and psds_eval; `References/make_events.py` makes
/// the file.
struct EventReferences: Decodable {
    struct Tagging: Decodable {
        var labelCount: Int
        var scores: [Float]
        var isPresent: [Bool]
        var averagePrecision: [Double]
        var areaUnderCurve: [Double]
        var sensitivityIndex: [Double]
        var meanAveragePrecision: Double
    }
    struct Classes: Decodable {
        var classCount: Int
        var targets: [Int]
        var predictions: [Int]
        var scores: [Float]
        var macroF: Double
        var topTwo: Double
    }
    struct Contingency: Decodable {
        var both: Int
        var first: Int
        var second: Int
        var neither: Int
        var exact: Double
        var statistic: Double
        var corrected: Double
    }
    struct Paired: Decodable {
        var first: [Double]
        var second: [Double]
        var low: Double
        var high: Double
    }
    struct Calibration: Decodable {
        var confidences: [Double]
        var isRight: [Bool]
        var error: Double
    }
    struct Measured: Decodable {
        var f: Double
        var precision: Double
        var recall: Double
        var errorRate: Double
        var substitutions: Double
        var macroF: Double
        var ofLabels: [Double]
        var errorsOfLabels: [Double]
        var collar: Double?
        var share: Double?
        var onset: Bool?
        var offset: Bool?
    }
    struct Detection: Decodable {
        var references: [[SoundEvent]]
        var estimates: [[SoundEvent]]
        var segments: [String: Measured]
        var events: [Measured]
    }
    struct Polyphonic: Decodable {
        struct Score: Decodable {
            var tolerances: [Double]
            var cross: Double
            var instability: Double
            var rate: Double
            var score: Double
        }
        var references: [[SoundEvent]]
        var points: [[[SoundEvent]]]
        var seconds: Double
        var scores: [Score]
    }

    var tagging: [Tagging]
    var classes: [Classes]
    var contingencies: [Contingency]
    var paired: Paired
    var calibration: Calibration
    var events: [Detection]
    var polyphonic: Polyphonic

    static func load(from testFile: String = #filePath) throws -> EventReferences {
        let url = URL(fileURLWithPath: testFile).deletingLastPathComponent()
            .appendingPathComponent("References/events.json")
        return try JSONDecoder().decode(EventReferences.self, from: Data(contentsOf: url))
    }
}
