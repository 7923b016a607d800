import ApusCorpus
import ApusProbing
import Testing

@Suite(.serialized) struct OpenSetProbeTests {
    /// Twelve classes, a direction for each; `spread` is how far recordings lie beside it.
    private func part(_ name: String, perClass: Int, spreads: [Float]) -> ProbePart {
        let width = 16
        let labels = (0..<12 * perClass).map { "class \($0 % 12)" }
        let layers = spreads.enumerated().map { layer, spread in
            var matrix: [Float] = []
            for row in labels.indices {
                var noise = SeededGenerator(seed: 3, stream: name, row, layer)
                for column in 0..<width {
                    matrix.append(
                        (column == row % 12 ? 1 : 0)
                            + spread * (Float(noise.unitInterval()) - 0.5))
                }
            }
            return Representation.Layer(name: "layer-\(layer)", width: width, matrix: matrix)
        }
        return ProbePart(
            representation: Representation(system: "test", count: labels.count, layers: layers),
            labels: labels)
    }

    private func outcome(
        _ spreads: [Float], test: ProbePart? = nil,
        change: (inout OpenSetProbe.Options) -> Void = { _ in }
    ) throws -> OpenSetProbe.Outcome {
        var options = OpenSetProbe.Options()
        options.strangerShare = 1.0 / 3
        change(&options)
        return try OpenSetProbe(options).evaluate(
            train: part("train", perClass: 6, spreads: spreads),
            development: part("development", perClass: 25, spreads: spreads),
            test: test ?? part("test", perClass: 25, spreads: spreads), hasDeviations: false)
    }

    @Test func whoIsFarFromAllIsRefused() throws {
        let outcome = try outcome([20, 0.1])
        #expect(outcome.layers == [String](repeating: "layer-1", count: 5))
        #expect(outcome.enrolledCount == 8 && outcome.strangerCounts == [2, 2])
        // Ten classes of 25 recordings each: the enrolled and the test part's strangers.
        #expect(outcome.trials == 250)
        #expect(outcome.rates.map(\.aimed) == [0.01, 0.05, 0.1])
        for rates in outcome.rates { #expect(rates.identified.estimate == 1) }
        // At the point where no stranger is accepted all of the enrolled are.
        #expect(
            outcome.tradeoff[0].falseAlarmRate == 0 && outcome.tradeoff[0].identificationRate == 1)
    }

    @Test func noiseIdentifiesFew() throws {
        let outcome = try outcome([200])
        for rates in outcome.rates {
            // Chance: to be accepted, and as the right one of eight.
            #expect(rates.identified.estimate < rates.aimed + 0.05)
            #expect(abs(rates.falseAlarms.estimate - rates.aimed) < 0.1)
        }
    }

    @Test func theTestPartDecidesNothing() throws {
        let known = try outcome([2, 0.8])
        var other = part("test", perClass: 25, spreads: [2, 0.8])
        other.labels.reverse()
        let shuffled = try outcome([2, 0.8], test: other)
        #expect(known.layers == shuffled.layers)
        #expect(known.rates[1].identified.estimate > shuffled.rates[1].identified.estimate)
    }

    @Test func whatCantBeUsedIsNamed() {
        #expect(
            throws: ProbingError.nothingLeft(
                path: "open-set identification",
                reason:
                    "of 12 classes that each part has, a share of 0.1 are 1 strangers; expected at "
                    + "least 2, and 2 enrolled")
        ) { try outcome([1]) { $0.strangerShare = 0.1 } }
        for (name, change) in [
            ("openSet.strangerShare", { $0.strangerShare = 1 }),
            ("openSet.enrolledPerClass", { $0.enrolledPerClass = 0 }),
            ("openSet.falseAlarmRates", { $0.falseAlarmRates = [1] }),
            ("openSet.seedCount", { $0.seedCount = 1 }),
        ] as [(String, (inout OpenSetProbe.Options) -> Void)] {
            var options = ProbeOptions()
            change(&options.openSet)
            let error = #expect(throws: ProbingError.self) { try options.validate() }
            guard case .badOption(name, _, _) = error else {
                Issue.record("\(name): \(String(describing: error))")
                continue
            }
        }
    }
}
