import ApusProbing
import Foundation
import Testing

/// Values by scikit-learn, numpy and scipy; `References/make_verification.py` makes the file.
private struct References: Decodable {
    struct Model: Decodable {
        var iterations: Int
        var scores: [Double]
    }
    var width: Int
    var rows: [Float]
    var labels: [String]
    var discriminantCount: Int
    var discriminantProducts: [Double]
    var pairs: [[Int]]
    var plda: [Model]

    func row(_ index: Int) -> [Float] { Array(rows[index * width..<(index + 1) * width]) }

    static func load(from testFile: String = #filePath) throws -> References {
        let url = URL(fileURLWithPath: testFile).deletingLastPathComponent()
            .appendingPathComponent("References/verification.json")
        return try JSONDecoder().decode(References.self, from: Data(contentsOf: url))
    }
}

@Suite(.serialized) struct DiscriminantTests {
    @Test func directionsAreScikitLearns() throws {
        let references = try References.load()
        let count = references.discriminantCount
        let fitted = try LinearDiscriminants(
            fitting: references.rows, width: references.width, labels: references.labels,
            count: count)
        #expect(fitted.count == count)
        let projections = (0..<8).map { index in
            (0..<count).map { axis in
                (0..<references.width).reduce(0.0) {
                    $0 + Double(fitted.directions[axis * references.width + $1])
                        * Double(references.row(index)[$1])
                }
            }
        }
        for (position, expected) in references.discriminantProducts.enumerated() {
            let found = zip(projections[position / 8], projections[position % 8])
                .reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(found - expected) < 1e-4 * max(1, abs(expected)))
        }
    }

    @Test func scoresOfPLDAAreRatiosOfDensities() throws {
        let references = try References.load()
        for expected in references.plda {
            let model = try ProbabilisticDiscriminants(
                fitting: references.rows, width: references.width, labels: references.labels,
                iterations: expected.iterations)
            for (pair, score) in zip(references.pairs, expected.scores) {
                let found = model.logLikelihoodRatio(
                    references.row(pair[0]), references.row(pair[1]))
                #expect(abs(Double(found) - score) < 1e-4 * max(1, abs(score)))
            }
        }
    }

    @Test func oneAxisIsInClosedForm() {
        // x = y + e with variances 3 and 1: log N(a, b; [[4, 3], [3, 4]]) - log N(a; 4) N(b; 4).
        let model = ProbabilisticDiscriminants(mean: [1], transform: [1], between: [3])
        let (a, b) = (0.5, -1.5)
        let joint = -(4 * (a * a + b * b) - 6 * a * b) / (2 * 7) - log(7.0) / 2
        let apart = -(a * a + b * b) / 8 - log(4.0)
        let found = Double(model.logLikelihoodRatio([Float(a + 1)], [Float(b + 1)]))
        #expect(abs(found - (joint - apart)) < 1e-6)
        // Without differences between speakers nothing is learnt.
        let flat = ProbabilisticDiscriminants(mean: [0], transform: [1], between: [0])
        #expect(flat.logLikelihoodRatio([3], [-2]) == 0)
    }

    @Test func fewRecordingsInManyDimensionsNeedLDAFirst() throws {
        let rows: [Float] = [
            1, 0, 0, 0.1, 1.1, 0.1, 0, 0, 0, 1, 0, 0, 0.1, 1.2, 0.1, 0, 0, 0, 1, 0, 0, 0.1, 1.1,
            0.2,
        ]
        let labels = ["a", "a", "b", "b", "c", "c"]
        do {
            _ = try ProbabilisticDiscriminants(fitting: rows, width: 4, labels: labels)
            Issue.record("a singular covariance was fitted")
        } catch {
            #expect("\(error)".contains("6 recordings of 3 speakers, expected at least 7"))
        }
        let backend = try VerificationBackend(
            scaling: FeatureScaling(mean: [0.3, 0.3, 0.3, 0], scale: [1, 1, 1, 1]), scoring: .plda,
            discriminantCount: 2, rows: rows, labels: labels)
        let same = backend.score(Array(rows[0..<4]), Array(rows[4..<8]))
        let other = backend.score(Array(rows[0..<4]), Array(rows[8..<12]))
        #expect(same.isFinite && other.isFinite && same > other)
    }

    @Test func whatCannotBeFittedIsSaid() {
        let rows: [Float] = [1, 2, 3, 4, 5, 7]
        func reason(_ labels: [String], _ count: Int, _ rows: [Float] = rows) -> String {
            do {
                _ = try LinearDiscriminants(fitting: rows, width: 2, labels: labels, count: count)
                return "none"
            } catch {
                return "\(error)"
            }
        }
        #expect(reason(["a", "a", "a"], 1).contains("3 recordings of 1 speakers"))
        #expect(reason(["a", "b", "c"], 1).contains("one of them with two recordings"))
        #expect(reason(["a", "a", "b"], 2).contains("2 directions, expected 1 to 1"))
        #expect(reason(["a", "a", "b"], 1, [1, 1, 1, 1, 2, 2]).contains("don't differ at all"))
        #expect(reason(["a", "a", "b"], 1, [1, .nan, 1, 1, 2, 2]).contains("not finite"))
        #expect(throws: ProbingError.self) {
            try ProbabilisticDiscriminants(fitting: rows, width: 2, labels: ["a", "b", "c"])
        }
    }
}
