import ApusCorpus
import ApusNN
import ApusProbing
import ApusSignal
import ApusTensor
import Testing

@Suite(.serialized) struct WeightedSumTests {
    /// Recordings of several lengths and classes, as frames of three layers.
    private struct Recordings {
        let lengths: [Int]
        let labels: [String]
        /// For each layer (B, T, D), with rubbish beyond each recording's end.
        let layers: [Tensor]

        init(count: Int, seed: UInt64, classes: Int = 3, width: Int = 6) {
            lengths = (0..<count).map { 3 + $0 * 5 % 7 }
            labels = (0..<count).map { "class \($0 % classes)" }
            let frames = lengths.max() ?? 0
            let shifts = labels.indices.flatMap { row in
                (0..<width).map { Float(row % classes == $0 % classes ? 0.7 : 0) }
            }
            layers = (0..<3).map { layer in
                Tensor(
                    normal: 0, standardDeviation: 1, shape: [count, frames, width],
                    seed: Seed(seed).derived(layer))
                    + Tensor(shifts, shape: [count, 1, width])
            }
        }

        func rows(_ rows: [Int]) -> (layers: [Tensor], lengths: [Int]) {
            let indices = Tensor(integers: rows, shape: [rows.count])
            return (
                layers.map { $0.selected(indices, dimension: 0) }, rows.map { lengths[$0] }
            )
        }

        var means: [Tensor] { layers.map { $0.frameMeans(lengths: lengths) } }

        var part: ProbePart {
            ProbePart(
                representation: Representation(
                    system: "test", count: labels.count,
                    layers: means.enumerated().map {
                        .init(name: "layer-\($0)", width: 6, matrix: $1.floats)
                    }), labels: labels)
        }
    }

    /// With a = 0 the mean of the layers; with a = ln 3 a share of three quarters.
    @Test func layersAreWeighedBySoftmax() {
        let weights = LayerWeights(layerCount: 2)
        let (one, other) = (Tensor([1, 2], shape: [1, 2]), Tensor([5, 10], shape: [1, 2]))
        #expect(weights([one, other]).floats == [3, 6])
        weights.weights.assign([1.0986123, 0])
        #expect(relativeError(weights([one, other]).floats, [2, 4]) < 1e-6)
        let stacked = Tensor([1, 2, 5, 10], shape: [1, 2, 2])
        #expect(relativeError(weights(stacked: stacked).floats, [2, 4]) < 1e-6)
        #expect(relativeError(weights.shares, [0.75, 0.25]) < 1e-6)
    }

    /// Deviations of 1, 3 and of one frame alone.
    @Test func statisticsAreThoseOfARecordingsOwnFrames() {
        let frames = Tensor([1, 3, 99, 7, -50, 1e4], shape: [2, 3, 1])
        let pooled = frames.frameStatistics(lengths: [2, 1]).floats
        #expect(relativeError(pooled, [2, 1, 7, 3.1622776e-4]) < 1e-6)
        #expect(frames.frameMeans(lengths: [2, 1]).floats == [2, 7])
    }

    @Test func trainingOnCachedMeansIsTrainingOnFrames() {
        let data = Recordings(count: 20, seed: 5)
        // (N, L, D)
        let means = Tensor.concatenated(
            data.means.map { $0.reshaped(20, 1, 6) }, dimension: 1)
        expectOneTraining(data, inputWidth: 6, cached: means) { head, layers, lengths in
            head(layers, lengths: lengths)
        }
    }

    /// The statistics of frames in each batch, as a network on frames pools them, against those that are kept
    /// of recordings once.
    @Test func trainingOnCachedDeviationsIsTrainingOnFrames() {
        let data = Recordings(count: 20, seed: 6)
        let frameCount = data.layers[0].shape[1]
        let rows = data.layers.map(\.floats)
        // (N, L, 2D)
        let kept = (0..<20).flatMap { recording in
            rows.flatMap { values -> [Float] in
                let start = recording * frameCount * 6
                let length = data.lengths[recording]
                return Pooling.meanAndStandardDeviation(
                    FeatureMatrix(
                        values: Array(values[start..<start + length * 6]), frameCount: length,
                        featureCount: 6)
                ).values
            }
        }
        expectOneTraining(
            data, inputWidth: 12, cached: Tensor(kept, shape: [20, 3, 12])
        ) { head, layers, lengths in
            head(
                means: Tensor.concatenated(
                    layers.map {
                        $0.frameStatistics(lengths: lengths).reshaped(lengths.count, 1, 12)
                    }, dimension: 1))
        }
    }

    /// Trains a head on frames and one on what is kept of them, and expects the same losses and weights.
    private func expectOneTraining(
        _ data: Recordings, inputWidth: Int, cached: Tensor,
        onFrames: (WeightedSumHead, [Tensor], [Int]) -> Tensor
    ) {
        let classes = ["class 0", "class 1", "class 2"]
        let targets = data.labels.compactMap { classes.firstIndex(of: $0) }
        var options = WeightedSumProbe.Options()
        options.batchSize = 8
        let probe = WeightedSumProbe(options)
        func train(
            _ logits: (WeightedSumHead, [Int]) -> Tensor
        ) -> (losses: [Float], head: WeightedSumHead) {
            let seed = Seed(11)
            let head = WeightedSumHead(
                layerCount: 3, inputWidth: inputWidth, projectionWidth: 10, classCount: 3,
                seed: seed)
            let optimizer = AdamW(head.namedParameters, weightDecay: 0)
            var losses: [Float] = []
            for rows in (0..<14).flatMap({ probe.batches(epoch: $0, of: 20, seed: seed) }) {
                let loss = logits(head, rows).crossEntropy(
                    targets: Tensor(integers: rows.map { targets[$0] }, shape: [rows.count]))
                losses.append(loss.item)
                loss.backward()
                _ = clipGradients(of: head.parameters, toNorm: 1)
                optimizer.step(rate: 1e-2)
            }
            return (losses, head)
        }
        let ordinary = train { head, rows in
            let (layers, lengths) = data.rows(rows)
            return onFrames(head, layers, lengths)
        }
        let onMeans = train { head, rows in
            head(means: cached.selected(Tensor(integers: rows, shape: [rows.count]), dimension: 0))
        }
        #expect(relativeError(onMeans.losses, ordinary.losses) < 1e-5)
        for (one, other) in zip(onMeans.head.namedParameters, ordinary.head.namedParameters) {
            #expect(relativeError(one.tensor.floats, other.tensor.floats) < 1e-4, "\(one.name)")
        }
        // They do learn, and not all layers keep the same share.
        #expect((onMeans.losses.last ?? 9) < onMeans.losses[0])
        #expect(Set(onMeans.head.featurizer.shares).count > 1)
    }

    @Test func anEpochSeesEachRecordingOnce() {
        var options = WeightedSumProbe.Options()
        options.batchSize = 8
        let probe = WeightedSumProbe(options)
        let epochs = [0, 1].map { probe.batches(epoch: $0, of: 20, seed: Seed(1)) }
        #expect(epochs.allSatisfy { $0.flatMap(\.self).sorted() == Array(0..<20) })
        #expect(epochs[0] != epochs[1])
        #expect(epochs[0].map(\.count) == [8, 8, 4])
    }

    @Test func theRateIsChosenOnTheDevelopmentPart() throws {
        var options = WeightedSumProbe.Options()
        options.rates = [1e-7, 1e-2]
        options.seedCount = 2
        (options.steps, options.validateEvery) = (120, 40)
        let (train, development) = (
            Recordings(count: 60, seed: 1).part, Recordings(count: 30, seed: 2).part
        )
        let test = Recordings(count: 30, seed: 3).part
        var done: [Int] = []
        let outcome = try WeightedSumProbe(options).evaluate(
            train: train, development: development, test: test, hasDeviations: false
        ) { count, _ in done.append(count) }
        #expect(outcome.rate == 1e-2)
        // As many trainings at once as there are threads.
        #expect(done.last == 4 && done == done.sorted())
        #expect(outcome.trainings.map(\.rate) == [1e-7, 1e-7, 1e-2, 1e-2])
        #expect(outcome.testAccuracies.count == 2)
        #expect(outcome.accuracy.estimate > 0.6)
        #expect(outcome.layers == ["layer-0", "layer-1", "layer-2"])
        // The labels of the test part decide nothing.
        var shuffled = test
        shuffled.labels.reverse()
        let other = try WeightedSumProbe(options).evaluate(
            train: train, development: development, test: shuffled, hasDeviations: false)
        #expect(other.trainings == outcome.trainings)
        #expect(other.testPredictions == outcome.testPredictions)
    }

    /// Layers of another width than the last are left out; means come before deviations.
    @Test func meansAndDeviationsOfLayersOfOneWidth() throws {
        let names = ["a", "b"]
        func part(_ count: Int) -> ProbePart {
            let labels = (0..<count).map { names[$0 % 2] }
            // The class stands in the deviation alone.
            let values = labels.enumerated().flatMap { row, label -> [Float] in
                [Float(row % 3), label == "a" ? 0 : 2]
            }
            return ProbePart(
                representation: Representation(
                    system: "test", count: count,
                    layers: [
                        .init(
                            name: "wide", width: 4,
                            matrix: [Float](repeating: 0, count: 4 * count)),
                        .init(name: "narrow", width: 2, matrix: values),
                    ]), labels: labels)
        }
        var options = WeightedSumProbe.Options()
        options.rates = [1e-2]
        (options.seedCount, options.steps) = (1, 200)
        func accuracy() throws -> Double {
            let outcome = try WeightedSumProbe(options).evaluate(
                train: part(30), development: part(12), test: part(12))
            #expect(outcome.layers == ["narrow"])
            return outcome.accuracy.estimate
        }
        #expect(try accuracy() < 0.8)
        options.pooling = .meanAndStandardDeviation
        #expect(try accuracy() == 1)
    }

    @Test func valuesThatAreNoNumbersAreRefused() throws {
        var part = Recordings(count: 6, seed: 1).part
        part.representation.layers[1].matrix[3] = .nan
        let message = #expect(throws: ProbingError.self) {
            try WeightedSumProbe().evaluate(
                train: part, development: part, test: part, hasDeviations: false)
        }
        #expect(message?.description.contains("recording 0 in the layer layer-1") == true)
    }

    @Test func badOptionsAreNamed() {
        func problem(_ change: (inout WeightedSumProbe.Options) -> Void) -> String? {
            var options = WeightedSumProbe.Options()
            change(&options)
            return options.problem()
        }
        #expect(problem { _ in } == nil)
        #expect(problem { $0.rates = [0.1, 0] }?.hasPrefix("rates") == true)
        #expect(problem { $0.rates = [] }?.hasPrefix("rates") == true)
        #expect(problem { $0.seedCount = 0 }?.hasPrefix("seedCount") == true)
        #expect(problem { $0.pooling = .frames }?.hasPrefix("pooling") == true)
        #expect(problem { $0.pooling = .dynamics }?.hasSuffix("dynamics") == true)
        #expect(problem { $0.clipNorm = .nan }?.hasPrefix("clipNorm") == true)
    }
}

/// The largest difference relative to the largest expected magnitude.
func relativeError(_ values: [Float], _ expected: [Float]) -> Double {
    guard values.count == expected.count else { return .infinity }
    var (difference, scale) = (0.0, 0.0)
    for (a, b) in zip(values, expected) {
        guard a.isFinite, b.isFinite else { return .infinity }
        difference = max(difference, abs(Double(a) - Double(b)))
        scale = max(scale, abs(Double(b)))
    }
    return scale > 0 ? difference / scale : difference
}
