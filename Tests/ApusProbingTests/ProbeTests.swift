import ApusCorpus
import ApusProbing
import ApusReport
import ApusSignal
import Foundation
import Testing

/// Rows around a centre for each class; the spread of the centres decides how far they are apart.
private func part(
    _ name: String, count: Int, spreads: [Double], labels: ((Int) -> String)? = nil
) -> ProbePart {
    let width = 6
    let own = (0..<count).map { "class \($0 % 4)" }
    let layers = spreads.enumerated().map { layer, spread in
        var matrix: [Float] = []
        for row in 0..<count {
            var centre = SeededGenerator(seed: 1, stream: "centre", row % 4, layer)
            var noise = SeededGenerator(seed: 2, stream: name, row, layer)
            for _ in 0..<width {
                matrix.append(
                    Float(
                        spread * (centre.unitInterval() - 0.5) + noise.unitInterval() - 0.5))
            }
        }
        return Representation.Layer(name: "layer-\(layer + 1)", width: width, matrix: matrix)
    }
    return ProbePart(
        representation: Representation(system: "test", count: count, layers: layers),
        labels: labels.map { (0..<count).map($0) } ?? own)
}

@Suite struct UtteranceProbeTests {
    @Test func separableClassesAreToldApartByTheLayerThatSeparatesThem() throws {
        let spreads = [0.0, 20]
        let outcomes = try UtteranceProbe().evaluate(
            train: part("train", count: 40, spreads: spreads),
            development: part("development", count: 40, spreads: spreads),
            test: part("test", count: 40, spreads: spreads))
        #expect(outcomes.map(\.labelledPerClass) == [.count(1), .count(5), .all])
        #expect(outcomes.map(\.selections.count) == [5, 5, 1])
        #expect(outcomes.map(\.intervalMethod) == [.studentT, .studentT, .bootstrap])
        for outcome in outcomes {
            #expect(outcome.accuracy.estimate == 1)
            #expect(outcome.accuracy.low == 1 && outcome.accuracy.high == 1)
            #expect(outcome.trials == 40)
            #expect(outcome.selections.allSatisfy { $0.layer == "layer-2" })
            #expect(outcome.testPredictions == (0..<40).map { $0 % 4 })
        }
        #expect(outcomes.map { $0.selections[0].trainingCount } == [4, 20, 40])
        // Every C separates these: of equals the smallest is taken.
        #expect(outcomes[2].selections[0].inverseRegularization == 1e-3)
    }

    @Test func ofEqualLayersTheEarlierIsTaken() throws {
        let layer = part("train", count: 20, spreads: [20])
        func twice(_ part: ProbePart) -> ProbePart {
            var part = part
            var copy = part.representation.layers[0]
            copy.name = "copy"
            part.representation.layers.append(copy)
            return part
        }
        let outcomes = try UtteranceProbe().evaluate(
            train: twice(layer), development: twice(layer), test: twice(layer))
        #expect(outcomes.allSatisfy { $0.selections.allSatisfy { $0.layerIndex == 0 } })
    }

    @Test func randomLabelsGiveChance() throws {
        func random(_ name: String, _ count: Int) -> ProbePart {
            part(name, count: count, spreads: [0]) { row in
                var generator = SeededGenerator(seed: 3, stream: name, row)
                return "class \(generator.integer(below: 4))"
            }
        }
        var options = UtteranceProbe.Options()
        options.labelledPerClass = []
        let outcome = try UtteranceProbe(options).evaluate(
            train: random("train", 200), development: random("development", 200),
            test: random("test", 400))[0]
        #expect(outcome.accuracy.low < 0.25 && outcome.accuracy.high > 0.25)
        #expect(outcome.accuracy.high - outcome.accuracy.low < 0.12)
    }

    @Test func testLabelsDoNotTouchTheSelection() throws {
        let spreads = [0.6, 0.8, 0.7]
        let train = part("train", count: 60, spreads: spreads)
        let development = part("development", count: 60, spreads: spreads)
        let test = part("test", count: 60, spreads: spreads)
        let permuted = part("test", count: 60, spreads: spreads) { "class \(($0 / 4) % 4)" }
        let one = try UtteranceProbe().evaluate(
            train: train, development: development, test: test)
        let two = try UtteranceProbe().evaluate(
            train: train, development: development, test: permuted)
        for (a, b) in zip(one, two) {
            #expect(a.selections.map(\.layer) == b.selections.map(\.layer))
            #expect(
                a.selections.map(\.inverseRegularization)
                    == b.selections.map(\.inverseRegularization))
            #expect(a.classifier == b.classifier)
            #expect(a.testPredictions == b.testPredictions)
            #expect(a.accuracy != b.accuracy)
        }
    }

    @Test func theSameSeedGivesTheSameAndAnotherSeedOtherSubsets() throws {
        let spreads = [0.8]
        func run(_ seed: UInt64) throws -> [UtteranceProbe.Outcome] {
            try UtteranceProbe(seed: seed).evaluate(
                train: part("train", count: 60, spreads: spreads),
                development: part("development", count: 60, spreads: spreads),
                test: part("test", count: 60, spreads: spreads))
        }
        let (one, again, other) = (try run(1), try run(1), try run(2))
        #expect(one.map(\.accuracy) == again.map(\.accuracy))
        #expect(one.map(\.selections) == again.map(\.selections))
        #expect(one[0].classifier != other[0].classifier)
    }

    /// What was chosen is fitted to both parts, as a fit to them side by side is.
    @Test func whatWasChosenIsFittedAgain() throws {
        let spreads = [0.8]
        let parts = ["train", "development", "test"].map {
            part($0, count: 60, spreads: spreads)
        }
        var options = UtteranceProbe.Options()
        options.labelledPerClass = [5]
        let once = try UtteranceProbe(options).evaluate(
            train: parts[0], development: parts[1], test: parts[2])
        options.refits = true
        let again = try UtteranceProbe(options).evaluate(
            train: parts[0], development: parts[1], test: parts[2])
        #expect(again[0].classifier == once[0].classifier)
        let (one, two) = (once[1].selections[0], again[1].selections[0])
        #expect(two.layer == one.layer && two.developmentAccuracy == one.developmentAccuracy)
        #expect(two.inverseRegularization == one.inverseRegularization)
        #expect(one.trainingCount == 60 && two.trainingCount == 120)
        let layers = parts.prefix(2).map { $0.representation.layers[0] }
        let expected = LogisticRegressionProblem(
            rows: layers.flatMap(\.matrix), width: layers[0].width,
            targets: (0..<120).map { $0 % 60 % 4 }, classCount: 4
        ).fit(inverseRegularization: one.inverseRegularization).classifier
        #expect(again[1].classifier == expected)
        #expect(again[1].classifier != once[1].classifier)
    }

    @Test func missingClassesAndRecordingsAreErrors() throws {
        let good = part("train", count: 20, spreads: [1])
        let foreign = part("test", count: 20, spreads: [1]) { $0 < 3 ? "stranger" : "class 1" }
        let one = part("train", count: 20, spreads: [1]) { _ in "class 1" }
        let none = part("test", count: 0, spreads: [1])
        let probe = UtteranceProbe()
        #expect(
            throws: ProbingError.unknownLabels(part: "test part", counts: ["stranger": 3])
        ) { try probe.evaluate(train: good, development: good, test: foreign) }
        #expect(throws: ProbingError.self) {
            try probe.evaluate(train: one, development: good, test: good)
        }
        #expect(throws: ProbingError.nothingLeft(path: "test part", reason: "it is empty")) {
            try probe.evaluate(train: good, development: good, test: none)
        }
    }
}

@Suite struct FrameProbeTests {
    /// Frames around a centre for each class; layer 1 tells nothing.
    private func frames(
        _ name: String, spread: Double, classCounts: [Int] = [4, 4, 4], frameCount: Int = 20
    ) -> FrameSet {
        let labels = classCounts.enumerated().flatMap { Array(repeating: "\($0)", count: $1) }
        var set = FrameSet(layerNames: ["noise", "signal"], layerWidths: [3, 3], labels: labels)
        for (recording, label) in labels.enumerated() {
            let layers = [0, spread].enumerated().map { layer, spread in
                var noise = SeededGenerator(seed: 1, stream: name, recording, layer)
                var values: [Float] = []
                for _ in 0..<frameCount {
                    for feature in 0..<3 {
                        let centre = "\(feature)" == label ? spread : 0
                        values.append(Float(centre + noise.unitInterval()))
                    }
                }
                return FeatureMatrix(values: values, frameCount: frameCount, featureCount: 3)
            }
            set.add(Array(0..<frameCount), of: layers, recording: recording)
        }
        return set
    }

    @Test func separableFramesAreToldApart() throws {
        let outcome = try FrameProbe().evaluate(
            train: frames("train", spread: 5), development: frames("development", spread: 5),
            test: frames("test", spread: 5))
        #expect(outcome.accuracy.estimate == 1 && outcome.balancedAccuracy.estimate == 1)
        #expect(outcome.layer == "signal")
        #expect(outcome.trainingFrames == 240 && outcome.testFrames == 240)
        #expect(outcome.testRecordings == 12)
    }

    @Test func balancedAccuracyWeighsClassesAlike() throws {
        // Without a signal the most frequent class is the best guess.
        var options = FrameProbe.Options()
        options.inverseRegularizations = [1e-6]
        let counts = [8, 2, 2]
        let outcome = try FrameProbe(options).evaluate(
            train: frames("train", spread: 0, classCounts: counts),
            development: frames("development", spread: 0, classCounts: counts),
            test: frames("test", spread: 0, classCounts: counts))
        #expect(abs(outcome.accuracy.estimate - 8.0 / 12) < 1e-9)
        #expect(abs(outcome.balancedAccuracy.estimate - 1.0 / 3) < 1e-9)
    }

    @Test func theIntervalCountsRecordingsAndNotFrames() throws {
        // As many frames in fewer recordings: the interval has to be wider.
        let counts = [8, 2, 2]
        var options = FrameProbe.Options()
        options.inverseRegularizations = [1e-6]
        func width(_ factor: Int) throws -> Double {
            func set(_ name: String) -> FrameSet {
                frames(
                    name, spread: 0, classCounts: counts.map { $0 * factor },
                    frameCount: 64 / factor)
            }
            let outcome = try FrameProbe(options).evaluate(
                train: set("train"), development: set("development"), test: set("test"))
            return outcome.accuracy.high - outcome.accuracy.low
        }
        #expect(try width(1) > 2 * width(8))
    }

    @Test func aClassUnknownInTrainingIsAnError() throws {
        #expect(throws: ProbingError.unknownLabels(part: "test part", counts: ["2": 80])) {
            try FrameProbe().evaluate(
                train: frames("train", spread: 1, classCounts: [4, 4]),
                development: frames("development", spread: 1, classCounts: [4, 4]),
                test: frames("test", spread: 1))
        }
    }
}
