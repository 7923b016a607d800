import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Testing

extension Computing {
    /// CPC's variants against PyTorch's in 64 bits, and what their networks look like.
    @Suite struct CPCVariantTests {
        @Test(arguments: variantNames)
        func equalsPyTorch(name: String) throws {
            let reference = try Reference("cpc")
            let (model, featureCount) = makeVariant(name)
            try model.load(reference.weights(name), from: "reference")
            let lengths = try reference.integers("\(name).lengths")
            let features = try reference.tensor("\(name).features")
            #expect(features.shape[2] == featureCount)
            var negatives = [try reference.integers("\(name).negatives")]
            if name == "bidirectional" {
                negatives.append(try reference.integers("\(name).backward.negatives"))
            }
            func loss() -> ObjectiveLoss {
                let states = model.encoder(features, lengths: lengths, draws: nil)
                return model.contrast(
                    encoded: states.layers[0], context: states.layers[1], lengths: states.lengths,
                    negatives: negatives)
            }
            let result = loss()
            #expect(relativeError([result.value.item], try reference.values("\(name).loss")) < 1e-5)
            for (parameter, values) in try gradients(of: model, { loss().value }) {
                let error = relativeError(
                    values, try reference.values("\(name).gradient.\(parameter)"))
                #expect(error < 5e-5, "\(parameter): \(error)")
            }
            let figures = Dictionary(uniqueKeysWithValues: result.figures())
            for (index, expected) in try reference.values("\(name).accuracies").enumerated() {
                let found = try #require(figures["accuracy/step-\(index + 1)"])
                #expect(abs(found - Double(expected)) < 1e-6)
            }
            let share = try reference.values("\(name).positiveShare")[0]
            #expect(share > 0)
            #expect(abs(try #require(figures["positiveShare"]) - Double(share)) < 1e-6)
        }

        /// The 1.84 million of "modified CPC" in SUPERB's table.
        @Test func cpcAudioHasItsParameters() {
            var configuration = CPC.Configuration()
            configuration.encoder = .waveform
            configuration.context = .lstm
            let encoder = RawWaveformEncoder(configuration, seed: Seed(1))
            #expect(encoder.parameterCount == 1_843_456)
            #expect(encoder.layerWidths == [256, 256])
        }

        @Test(arguments: [1, 2, 7, 30])
        func aWaveformHasAFrameFor160Samples(length: Int) {
            let (model, _) = makeVariant("audio")
            let states = model.encoder(
                batch(lengths: [length], melBandCount: 160), lengths: [length], draws: nil)
            #expect(states.lengths == [length])
            #expect(states.layers.map(\.shape) == [[1, length, 12], [1, length, 12]])
            #expect(model.encoder.stride == 1)
        }

        /// A context of the past doesn't change with the frames after it.
        @Test(arguments: [CPC.ContextKind.gru, .lstm, .transformer])
        func contextsSeeThePastAlone(kind: CPC.ContextKind) throws {
            var configuration = smallVariant("lstm")
            configuration.context = kind
            configuration.contextLayerCount = kind == .gru ? 1 : 2
            configuration.strides = [1]
            let encoder = ConvolutionalRecurrentEncoder(
                configuration, inputWidth: 8, seed: Seed(1))
            redraw(encoder)
            let features = batch(lengths: [20], melBandCount: 8)
            let other = Tensor.concatenated(
                [
                    features.sliced(0..<12, dimension: 1),
                    batch(lengths: [8], melBandCount: 8, seed: 9),
                ], dimension: 1)
            func context(_ features: Tensor, _ range: Range<Int>) -> [Float] {
                encoder(features, lengths: [20], draws: nil).layers[1]
                    .sliced(range, dimension: 1).floats
            }
            // The convolution sees one frame ahead.
            #expect(relativeError(context(other, 0..<11), context(features, 0..<11)) < 1e-6)
            #expect(relativeError(context(other, 11..<20), context(features, 11..<20)) > 1e-2)
        }

        /// Of two directions the second is the first's of the recording turned round, where both have
        /// the same weights and the convolution is symmetric.
        @Test func theBackwardContextIsThatOfTheReversedRecording() throws {
            var configuration = smallVariant("bidirectional")
            configuration.strides = [1]
            let encoder = ConvolutionalRecurrentEncoder(
                configuration, inputWidth: 8, seed: Seed(1))
            redraw(encoder)
            var weights = encoder.weights()
            for (name, values) in weights where name.hasPrefix("context.") {
                weights["backwardContext." + name.dropFirst("context.".count)] = values
            }
            if let kernel = weights["convolutions.0.weight"] {
                weights["convolutions.0.weight"]?.values = kernel.values.indices.map {
                    kernel.values[$0 % 3 == 2 ? $0 - 2 : $0]
                }
            }
            try encoder.load(weights, from: "symmetric")
            let lengths = [11, 7]
            let features = batch(lengths: lengths, melBandCount: 8)
            let reversed = Tensor.concatenated(
                lengths.enumerated().map { row, length in
                    let order = (0..<11).map { $0 < length ? length - 1 - $0 : $0 }
                    return features.sliced(row..<row + 1, dimension: 0)
                        .selected(Tensor(integers: order, shape: [11]), dimension: 1)
                }, dimension: 0)
            let (there, back) = (
                encoder(features, lengths: lengths, draws: nil).layers[1],
                encoder(reversed, lengths: lengths, draws: nil).layers[1]
            )
            for (row, length) in lengths.enumerated() {
                for t in 0..<length {
                    func part(_ states: Tensor, _ t: Int, _ columns: Range<Int>) -> [Float] {
                        states.sliced(row..<row + 1, dimension: 0)
                            .sliced(t..<t + 1, dimension: 1).sliced(columns, dimension: 2).floats
                    }
                    let error = relativeError(
                        part(there, t, 14..<28), part(back, length - 1 - t, 0..<14))
                    #expect(error < 1e-5)
                }
            }
        }

        /// A run on samples: the model's card says what its encoder reads, and its file reads back.
        @Test(arguments: variantNames, [Precision.float32, .bfloat16])
        func aVariantTrains(name: String, precision: Precision) throws {
            var run = try TrainingRun()
            run.configuration.precision = precision
            run.configuration.objective.cpc = smallVariant(name)
            run.configuration.objective.cpc.transformer.dropout = 0.1
            if name == "audio" {
                run.configuration.frontEnd = .waveform
                run.configuration.data.normalizesByCorpus = false
            }
            try run.train("one")
            try run.train("two")
            #expect(try run.bytes("one/model.safetensors") == run.bytes("two/model.safetensors"))
            #expect(try run.trace("one") == run.trace("two"))
            let model = try PretrainedModel(contentsOf: run.path("one/model.safetensors"))
            #expect(model.card.objective == run.configuration.objective)
            let contextWidths = ["audio": 12, "lstm": 14, "bidirectional": 28]
            #expect(model.encoder.layerWidths == [12, contextWidths[name]])
            let last = try #require(try run.trace("one").last)
            #expect(last["positiveShare"] != nil && last["accuracy/step-3"] != nil)
        }

        @Test func dropoutDependsOnTheSeed() {
            var configuration = smallVariant("audio")
            configuration.transformer.dropout = 0.2
            let model = CPC(configuration, melBandCount: 160, seed: Seed(1))
            let features = batch(lengths: [12, 9], melBandCount: 160)
            func loss(_ seed: UInt64) -> Float {
                model.loss(features: features, lengths: [12, 9], seed: Seed(seed)).value.item
            }
            #expect(loss(1) == loss(1))
            #expect(loss(1) != loss(2))
        }

        /// A value that can't be built, and how the refusal begins.
        struct BadValue: Sendable, CustomTestStringConvertible {
            let words: String
            let change: @Sendable (inout CPC.Configuration) -> Void
            var testDescription: String { words }

            init(
                _ words: String, _ change: @escaping @Sendable (inout CPC.Configuration) -> Void
            ) {
                self.words = words
                self.change = change
            }
        }

        static let badValues = [
            BadValue("contextLayerCount is 2, expected 1 with a GRU") { $0.contextLayerCount = 2 },
            BadValue("contextLayerCount is 0") {
                $0.context = .lstm
                $0.contextLayerCount = 0
            },
            BadValue("ownShare is 1.5, expected 0 to 1") { $0.ownShare = 1.5 },
            BadValue("ownShare is nan") { $0.ownShare = .nan },
            BadValue("temperature is 0.0, expected a positive number") { $0.temperature = 0 },
            BadValue("temperature is inf") { $0.temperature = .infinity },
            BadValue("encoderWidth is 1, expected at least 2") {
                $0.encoder = .waveform
                $0.encoderWidth = 1
            },
            BadValue("contextWidth is 200, expected the encoderWidth, 256") {
                $0.predictor = .transformer
                $0.contextWidth = 200
            },
            BadValue("transformer.headCount is 3, expected a divisor of the width 256") {
                $0.predictor = .transformer
                $0.transformer.headCount = 3
            },
            BadValue("transformer.feedForwardWidth is 0") {
                $0.context = .transformer
                $0.transformer.feedForwardWidth = 0
            },
            BadValue("transformer.dropout is 1.0") {
                $0.context = .transformer
                $0.transformer.dropout = 1
            },
            BadValue("transformer.positionCount is 0") {
                $0.context = .transformer
                $0.transformer.positionCount = 0
            },
        ]

        @Test(arguments: badValues)
        func badValuesAreNamed(_ value: BadValue) throws {
            var configuration = ObjectiveConfiguration()
            value.change(&configuration.cpc)
            let problem = try #require(configuration.problem())
            #expect(problem.hasPrefix("objective.cpc." + value.words), "\(problem)")
        }

        @Test func anEncoderOfWaveformsNeedsThem() {
            var configuration = ObjectiveConfiguration()
            #expect(configuration.problem(reading: .kaldi) == nil)
            configuration.cpc.encoder = .waveform
            #expect(configuration.problem(reading: .waveform) == nil)
            for frontEnd in [FrontEnd.kaldi, .whisper] {
                #expect(
                    configuration.problem(reading: frontEnd)?
                        .hasPrefix("objective.cpc.encoder is waveform") == true)
            }
            var frontEnd = FrontEnd.waveform
            frontEnd.frameLength = .samples(80)
            frontEnd.frameShift = .samples(80)
            #expect(configuration.problem(reading: frontEnd) != nil)
        }
    }
}
