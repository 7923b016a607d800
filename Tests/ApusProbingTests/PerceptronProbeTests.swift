import ApusCorpus
import ApusNN
import ApusProbing
import ApusTensor
import Testing

@Suite(.serialized) struct PerceptronProbeTests {
    /// Two classes by whether two values have one sign, which no linear classifier can tell.
    private func part(_ name: String, count: Int) -> ProbePart {
        var matrix: [Float] = []
        var labels: [String] = []
        for row in 0..<count {
            var generator = SeededGenerator(seed: 5, stream: name, row)
            let (one, other) = (row % 2 == 0 ? 1.0 : -1.0, row / 2 % 2 == 0 ? 1.0 : -1.0)
            for value in [one, other] {
                matrix.append(Float(value + 0.8 * (generator.unitInterval() - 0.5)))
            }
            labels.append(one == other ? "same" : "different")
        }
        return ProbePart(
            representation: Representation(
                system: "test", count: count,
                layers: [
                    .init(name: "nothing", width: 1, matrix: [Float](repeating: 0, count: count)),
                    .init(name: "signs", width: 2, matrix: matrix),
                ]), labels: labels)
    }

    private var small: PerceptronProbe.Options {
        var options = PerceptronProbe.Options()
        (options.gridPoints, options.width, options.epochs) = (2, 16, 60)
        (options.rates, options.batchSize, options.patience) = ([3.2e-3], 32, 8)
        return options
    }

    @Test func whatNoLinearClassifierTellsIsLearned() throws {
        let parts = ["train", "development", "test"].map { part($0, count: 120) }
        var done: [Int] = []
        let outcome = try PerceptronProbe(small).evaluate(
            train: parts[0], development: parts[1], test: parts[2], layer: 1
        ) { count, _ in done.append(count) }
        #expect(outcome.accuracy.estimate == 1 && outcome.layer == "signs")
        #expect(outcome.trainings.count == 2 && done == [1, 2])
        #expect(outcome.trainings.contains(outcome.chosen))
        #expect(outcome.chosen.epoch % 3 == 0)
        let linear = try UtteranceProbe().evaluate(
            train: parts[0], development: parts[1], test: parts[2])
        #expect(try #require(linear.last).accuracy.estimate < 0.7)

        let nothing = try PerceptronProbe(small).evaluate(
            train: parts[0], development: parts[1], test: parts[2], layer: 0)
        #expect(nothing.accuracy.estimate == 0.5)
        // It ended early: eight measurements after the first, three epochs each.
        #expect(nothing.chosen.epoch == 3)
    }

    @Test func theTestPartDecidesNothing() throws {
        let parts = ["train", "development", "test"].map { part($0, count: 60) }
        var shuffled = parts[2]
        shuffled.labels = parts[2].labels.map { $0 == "same" ? "different" : "same" }
        let one = try PerceptronProbe(small).evaluate(
            train: parts[0], development: parts[1], test: parts[2], layer: 1)
        let other = try PerceptronProbe(small).evaluate(
            train: parts[0], development: parts[1], test: shuffled, layer: 1)
        #expect(one.trainings == other.trainings)
        #expect(one.testPredictions == other.testPredictions)
        #expect(abs(one.accuracy.estimate + other.accuracy.estimate - 1) < 1e-12)
    }

    @Test func theGridIsHEARs() {
        let drawn = PerceptronProbe().points
        #expect(drawn.count == 8 && Set(drawn).count == 8)
        #expect(drawn == PerceptronProbe().points)
        #expect(drawn != PerceptronProbe(seed: 2).points)
        var options = PerceptronProbe.Options()
        options.gridPoints = 100
        let all = PerceptronProbe(options).points
        #expect(all.count == 16 && Set(all.map(\.rate)) == [3.2e-3, 1e-3, 3.2e-4, 1e-4])
        #expect(Set(all.map(\.hiddenLayers)) == [1, 2])
        #expect(Set(all.map(\.initialization)) == [.uniform, .normal])
    }

    @Test func initialWeightsHaveXaviersVariance() {
        for kind in XavierInitialization.allCases {
            let values = kind.weight(inputWidth: 300, outputWidth: 100, seed: Seed(3)).floats
            let square = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)
            #expect(abs(square / (2.0 / 400) - 1) < 0.03, "\(kind)")
            let largest = values.map(abs).max() ?? 0
            let bound = Float((6.0 / 400).squareRoot())
            #expect(kind == .uniform ? largest <= bound : largest > bound)
        }
    }

    @Test func whatCantBeUsedIsNamed() {
        for (name, change) in [
            ("hiddenLayers", { $0.hiddenLayers = [0] }), ("rates", { $0.rates = [] }),
            ("initializations", { $0.initializations = [] }), ("gridPoints", { $0.gridPoints = 0 }),
            ("dropout", { $0.dropout = 1 }), ("resamples", { $0.resamples = 1 }),
        ] as [(String, (inout PerceptronProbe.Options) -> Void)] {
            var options = ProbeOptions()
            change(&options.perceptron)
            let error = #expect(throws: ProbingError.self) { try options.validate() }
            guard case .badOption("perceptron." + name, _, _) = error else {
                Issue.record("\(name): \(String(describing: error))")
                continue
            }
        }
    }
}
