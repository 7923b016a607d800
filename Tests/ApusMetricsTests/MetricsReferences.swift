import Foundation

/// Values by scikit-learn and scipy; `References/make_references.py` makes the file.
struct MetricsReferences: Decodable {
    struct Detection: Decodable {
        var targets: [Float]
        var nonTargets: [Float]
        var rate: Double
    }
    struct Classification: Decodable {
        var targets: [Int]
        var predictions: [Int]
        var classCount: Int
        var accuracy: Double
        var balancedAccuracy: Double
        var confusion: [Int]
    }
    struct Quantile: Decodable {
        var probability: Double
        var degreesOfFreedom: Double
        var value: Double
    }
    struct Mean: Decodable {
        var values: [Double]
        var low: Double
        var high: Double
    }
    struct Bernoulli: Decodable {
        var successes: Int
        var trials: Int
        var low: Double
        var high: Double
    }

    var equalErrorRates: [Detection]
    var classifications: [Classification]
    var studentT: [Quantile]
    var meanInterval: Mean
    var bernoulliBootstrap: Bernoulli

    static func load(from testFile: String = #filePath) throws -> MetricsReferences {
        let url = URL(fileURLWithPath: testFile).deletingLastPathComponent()
            .appendingPathComponent("References/references.json")
        return try JSONDecoder().decode(MetricsReferences.self, from: Data(contentsOf: url))
    }
}
