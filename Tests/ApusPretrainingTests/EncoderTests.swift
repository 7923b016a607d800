import ApusNN
import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// The encoders that all objectives share, against PyTorch's in 64 bits, which pads nothing.
    @Suite struct EncoderTests {
        private func configuration(of name: String) throws -> EncoderConfiguration {
            let parts = name.split(separator: ".").map(String.init)
            var configuration = smallEncoder()
            configuration.transformer.width = 8
            configuration.transformer.feedForwardWidth = 16
            configuration.transformer.relativeBuckets = 8
            configuration.transformer.relativeDistance = 6
            configuration.recurrent.width = 8
            configuration.recurrent.layerCount = 3
            configuration.conformer.width = 8
            configuration.conformer.feedForwardWidth = 12
            configuration.conformer.relativeBuckets = 8
            configuration.conformer.relativeDistance = 6
            switch parts[0] {
            case "conformer":
                configuration.kind = .conformer
                configuration.conformer.positions = try #require(
                    TransformerEncoder.Positions(rawValue: parts[1]))
            case "transformer":
                configuration.transformer.norm = try #require(NormOrder(rawValue: parts[1]))
                configuration.transformer.positions = try #require(
                    TransformerEncoder.Positions(rawValue: parts[2]))
            case "recurrent": configuration.kind = .recurrent
            case "lstm":
                configuration.kind = .recurrent
                configuration.recurrent.cell = .lstm
            case "subsampled2": configuration.subsampling = 2
            default:
                configuration.kind = .recurrent
                configuration.subsampling = 4
            }
            return configuration
        }

        @Test(arguments: [
            "transformer.post.sinusoidal", "transformer.post.rotary", "transformer.post.relative",
            "transformer.pre.sinusoidal", "transformer.pre.rotary", "transformer.pre.relative",
            "recurrent", "lstm", "subsampled2", "subsampled4",
            "conformer.sinusoidal", "conformer.rotary", "conformer.relative",
        ])
        func reference(name: String) throws {
            let reference = try Reference(
                name.hasPrefix("conformer") ? "conformer" : "encoders")
            let encoder = try configuration(of: name).makeEncoder(inputWidth: 6, seed: Seed(1))
            try encoder.load(reference.weights(name), from: "reference")
            let lengths = try reference.integers("lengths")
            let features = try reference.tensor("features")
            var total = Tensor(zeros: [])
            let states = encoder(features, lengths: lengths, draws: nil)
            for (recording, length) in states.lengths.enumerated() {
                for (layer, state) in states.layers.enumerated() {
                    let place = "\(recording).\(layer)"
                    let output = state.sliced(recording..<recording + 1, dimension: 0)
                        .sliced(0..<length, dimension: 1)
                    let expected = try reference.values("\(name).output.\(place)")
                    #expect(relativeError(output.floats, expected) < 1e-5, "\(place)")
                    let probe = try reference.tensor("\(name).probe.\(place)")
                    total = total + (output * probe).sum()
                }
            }
            total.backward()
            for (parameter, tensor) in encoder.namedParameters {
                let found = try #require(tensor.gradient, "\(parameter)").floats
                let expected = try reference.values("\(name).gradient.\(parameter)")
                let error = relativeError(found, expected)
                #expect(error < 2e-5, "\(name): \(parameter)")
            }
        }

        @Test(arguments: [1, 2, 4], RecurrentEncoder.Cell.allCases)
        func recurrentEncodersSeeNoFutureFrame(subsampling: Int, cell: RecurrentEncoder.Cell) {
            let configuration = smallEncoder(.recurrent) {
                $0.subsampling = subsampling
                $0.recurrent.cell = cell
            }
            let encoder = configuration.makeEncoder(inputWidth: 8, seed: Seed(1))
            redraw(encoder)
            let whole = batch(lengths: [40], melBandCount: 8)
            let other = Tensor.concatenated(
                [
                    whole.sliced(0..<24, dimension: 1),
                    batch(lengths: [16], melBandCount: 8, seed: 9),
                ],
                dimension: 1)
            let one = encoder(whole, lengths: [40], draws: nil)
            let two = encoder(other, lengths: [40], draws: nil)
            let same = 24 / subsampling
            for (first, second) in zip(one.layers, two.layers) {
                let past = first.sliced(0..<same, dimension: 1).floats
                #expect(past == second.sliced(0..<same, dimension: 1).floats)
                #expect(first.floats != second.floats)
            }
        }

        @Test(arguments: EncoderConfiguration.Kind.allCases, [1, 4])
        func bfloat16StaysClose(kind: EncoderConfiguration.Kind, subsampling: Int) throws {
            let encoder = smallEncoder(kind, dropout: 0.1) { $0.subsampling = subsampling }
                .makeEncoder(inputWidth: 8, seed: Seed(1))
            let features = batch(lengths: [30, 11], melBandCount: 8)
            func last(_ precision: Precision, _ draws: TrainingDraws?) throws -> Tensor {
                try withPrecision(precision) {
                    let states = encoder(features, lengths: [30, 11], draws: draws).layers
                    return try #require(states.last).cast(to: .float32)
                }
            }
            let exact = try last(.float32, nil).floats
            let error = try relativeError(last(.bfloat16, nil).floats, exact)
            #expect(error > 1e-5 && error < 3e-2, "\(error)")
            let output = try last(.bfloat16, TrainingDraws(seed: Seed(2)))
            (output * output).sum().backward()
            for (name, tensor) in encoder.namedParameters {
                let gradient = try #require(tensor.gradient, "\(name)").floats
                #expect(gradient.allSatisfy { $0.isFinite }, "\(name)")
            }
        }

        @Test func relativePositionsInClosedForm() {
            let bias = RelativePositionBias(bucketCount: 8, longestDistance: 8, headCount: 2)
            // Half of the buckets are exact, the others share distances 2...3 and 4 and more.
            #expect((-9...0).map(bias.bucket) == [3, 3, 3, 3, 3, 3, 2, 2, 1, 0])
            #expect((1...9).map(bias.bucket) == [5, 6, 6, 7, 7, 7, 7, 7, 7])
            bias.weight.assign((0..<16).map { Float($0) })
            let scores = bias(frameCount: 3)
            #expect(scores.shape == [2, 3, 3])
            #expect(
                scores.floats == [0, 10, 12, 2, 0, 10, 4, 2, 0] + [1, 11, 13, 3, 1, 11, 5, 3, 1])
        }

        @Test func whatCannotBeBuiltIsNamed() {
            func problem(_ adjust: (inout EncoderConfiguration) -> Void) -> String? {
                var objective = ObjectiveConfiguration()
                objective.kind = .maskedReconstruction
                objective.maskedReconstruction.encoder = smallEncoder(.transformer, adjust)
                return objective.problem()
            }
            let path = "objective.maskedReconstruction.encoder."
            #expect(problem { _ in } == nil)
            #expect(
                problem { $0.subsampling = 3 } == path + "subsampling is 3, expected 1, 2 or 4")
            #expect(
                problem { $0.subsampling = 2 }
                    == path + "subsampling is 2, expected 1: each frame is reconstructed")
            #expect(
                problem { $0.transformer.relativeBuckets = 6 }
                    == path
                    + "transformer.relativeBuckets is 6, expected a multiple of 4 to 65536")
            #expect(
                problem { $0.transformer.relativeDistance = 8 }
                    == path
                    + "transformer.relativeDistance is 8, expected more than a quarter of "
                    + "relativeBuckets")
            #expect(
                problem {
                    $0.transformer.positions = .rotary
                    $0.transformer.width = 6
                }
                    == path
                    + "transformer.headCount is 2: rotary positions need heads of an even width")
            #expect(
                problem {
                    $0.kind = .recurrent
                    $0.recurrent.layerCount = 0
                } == path + "recurrent.layerCount is 0, expected at least 1")
            #expect(
                problem {
                    $0.kind = .recurrent
                    $0.recurrent.width = 0
                } == path + "recurrent.width is 0, expected at least 1")
            #expect(
                problem {
                    $0.kind = .recurrent
                    $0.recurrent.dropout = 1
                } == path + "recurrent.dropout is 1.0, expected 0 up to 1")
        }

        @Test func whatCannotBeBuiltOfAConformerIsNamed() {
            func problem(_ adjust: (inout ConformerEncoder.Configuration) -> Void) -> String? {
                var objective = ObjectiveConfiguration()
                objective.kind = .maskedPrediction
                objective.maskedPrediction.encoder = smallEncoder(.conformer) {
                    $0.subsampling = 4
                    adjust(&$0.conformer)
                }
                return objective.problem()
            }
            let path = "objective.maskedPrediction.encoder.conformer."
            #expect(problem { _ in } == nil)
            #expect(
                problem { $0.layerCount = 0 } == path + "layerCount is 0, expected at least 1")
            #expect(problem { $0.width = 7 } == path + "width is 7, expected an even number")
            #expect(
                problem { $0.headCount = 3 }
                    == path + "headCount is 3, expected a divisor of the width 16")
            #expect(
                problem { $0.headCount = 16 }
                    == path + "headCount is 16: rotary positions need heads of an even width")
            #expect(
                problem {
                    $0.headCount = 16
                    $0.positions = .relative
                } == nil)
            #expect(
                problem { $0.feedForwardWidth = 0 }
                    == path + "feedForwardWidth is 0, expected at least 1")
            for size in [0, 4, -3, .min] {
                #expect(
                    problem { $0.kernelSize = size }
                        == path + "kernelSize is \(size), expected an odd number")
            }
            #expect(
                problem { $0.dropout = .nan } == path + "dropout is nan, expected 0 up to 1")
            #expect(
                problem { $0.relativeBuckets = 2 }
                    == path + "relativeBuckets is 2, expected a multiple of 4 to 65536")
            #expect(
                problem { $0.relativeDistance = 8 }
                    == path + "relativeDistance is 8, expected more than a quarter of "
                    + "relativeBuckets")
        }

        /// The sizes that the encoders' pages state, for 80 mel bands.
        @Test(
            arguments: zip(EncoderConfiguration.Kind.allCases, [2_390_528, 4_064_256, 2_440_224]))
        func defaultSizes(kind: EncoderConfiguration.Kind, count: Int) {
            let encoder = EncoderConfiguration(kind).makeEncoder(inputWidth: 80, seed: Seed(1))
            #expect(encoder.parameterCount == count)
        }
    }
}
