import ApusCorpus
import ApusProbing
import Foundation
import Testing

@Suite struct LogisticRegressionTests {
    private let exact = LogisticRegression.Stopping(maximumIterations: 2000, tolerance: 1e-7)

    @Test func constantFeaturesGiveTheClassFrequencies() throws {
        // Without anything to see, the optimum is w = 0 and b_k = log of the class's share.
        let targets = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]
        let problem = LogisticRegressionProblem(
            rows: [Float](repeating: 2.5, count: 20), width: 2, targets: targets, classCount: 3)
        let classifier = problem.fit(inverseRegularization: 1, stopping: exact).classifier
        let probabilities = classifier.probabilities(for: [2.5, 2.5])
        for (found, expected) in zip(probabilities, [0.5, 0.3, 0.2]) {
            #expect(abs(Double(found) - expected) < 1e-5)
        }
        #expect(classifier.weight.allSatisfy { $0 == 0 })
        #expect(classifier.scaling.scale == [1, 1])
    }

    @Test func rowsAreStandardised() {
        let scaling = FeatureScaling(fitting: [1, 100, 3, 300], width: 2)
        #expect(scaling.mean == [2, 200])
        #expect(scaling.scale == [1, 100])
        var rows: [Float] = [1, 100, 3, 300]
        scaling.apply(to: &rows)
        #expect(rows == [-1, -1, 1, 1])
    }

    @Test func oneFeatureAndTwoClassesMeetTheirStationaryPoint() {
        // Rows ±1 with their sign as class: w = w₁ = -w₀, and dL/dw₁ = -(1 - σ(2w)) + w / (C N) = 0.
        let problem = LogisticRegressionProblem(
            rows: [-1, 1, -1, 1], width: 1, targets: [0, 1, 0, 1], classCount: 2)
        let fit = problem.fit(inverseRegularization: 2, stopping: exact)
        let w = Double(fit.classifier.weight[1])
        #expect(fit.converged)
        #expect(abs(Double(fit.classifier.weight[0]) + w) < 1e-5)
        #expect(abs(1 / (1 + exp(2 * w)) - w / 8) < 1e-5)
        #expect(abs(fit.loss - (log(1 + exp(-2 * w)) + 2 * w * w / 16)) < 1e-6)
    }

    @Test func aWarmStartEndsAtTheSamePlace() {
        var generator = SeededGenerator(seed: 1, stream: "rows")
        let rows = (0..<200).map { _ in Float(generator.unitInterval()) }
        let targets = (0..<50).map { $0 % 3 }
        let problem = LogisticRegressionProblem(
            rows: rows, width: 4, targets: targets, classCount: 3)
        let cold = problem.fit(inverseRegularization: 5, stopping: exact)
        let before = problem.fit(inverseRegularization: 0.01, stopping: exact)
        let warm = problem.fit(
            inverseRegularization: 5, stopping: exact, startingFrom: before)
        for (a, b) in zip(cold.classifier.weight, warm.classifier.weight) {
            #expect(abs(a - b) < 1e-4)
        }
    }

    private struct Reference: Decodable {
        struct Fit: Decodable {
            var c: Double
            var weight: [Double]
            var bias: [Double]
            var predictions: [Int]
            var probabilities: [Double]
        }
        struct Problem: Decodable {
            var width: Int
            var classes: Int
            var rows: [Float]
            var targets: [Int]
            var held: [Float]
            var fits: [Fit]
        }
        var problems: [Problem]
    }

    @Test(arguments: [0, 1]) func agreesWithScikitLearn(problem index: Int) throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("References/logistic_regression.json")
        let reference = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
            .problems[index]
        let problem = LogisticRegressionProblem(
            rows: reference.rows, width: reference.width, targets: reference.targets,
            classCount: reference.classes)
        #expect(reference.fits.map(\.c) == [0.1, 1, 10])
        for expected in reference.fits {
            let fit = problem.fit(inverseRegularization: expected.c, stopping: exact)
            let largest = expected.weight.map(abs).max() ?? 0
            for (found, wanted) in zip(fit.classifier.weight, expected.weight) {
                #expect(abs(Double(found) - wanted) < 1e-3 * max(abs(wanted), 0.1 * largest))
            }
            for (found, wanted) in zip(fit.classifier.bias, expected.bias) {
                #expect(abs(Double(found) - wanted) < 1e-3 * max(1, abs(wanted)))
            }
            #expect(
                fit.classifier.predictions(for: reference.held) == expected.predictions)
            let probabilities = fit.classifier.probabilities(for: reference.held)
            #expect(probabilities.count == expected.probabilities.count)
            for (found, wanted) in zip(probabilities, expected.probabilities) {
                #expect(abs(Double(found) - wanted) < 1e-3)
            }
        }
    }
}
