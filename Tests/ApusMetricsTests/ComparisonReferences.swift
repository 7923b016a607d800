import Foundation

/// Values by scikit-learn, numpy and statsmodels; `References/make_comparisons.py` makes the file.
struct ComparisonReferences: Decodable {
    struct Paired: Decodable {
        var speakerCount: Int
        var resamples: Int
        var seed: UInt64
        var prior: Double
        var enrolmentSpeakers: [Int32]
        var testSpeakers: [Int32]
        var isTarget: [Bool]
        var scores: [[Float]]
        /// Of the equal error rate and of the lowest cost, as below.
        var difference: [Double]
        var low: [Double]
        var high: [Double]
        var probability: [Double]
    }
    struct Holm: Decodable {
        var probabilities: [Double]
        var adjusted: [Double]
    }

    var paired: Paired
    var holm: [Holm]

    static func load(from testFile: String = #filePath) throws -> ComparisonReferences {
        let url = URL(fileURLWithPath: testFile).deletingLastPathComponent()
            .appendingPathComponent("References/comparisons.json")
        return try JSONDecoder().decode(ComparisonReferences.self, from: Data(contentsOf: url))
    }
}
