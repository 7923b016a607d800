import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation
import TestSupport
import Testing

extension Computing {
    @Suite struct ONNXExports {
        /// An encoder, and what makes its features.
        private struct Case {
            var name: String
            var objective: ObjectiveConfiguration
            var frontEnd: FrontEnd
            var input = ModelExport.Input.samples
        }

        /// What `check_onnx.py` says of an output.
        private struct Line: Decodable {
            var `case`: String
            var run: String
            var output: String
            var error: Double?
        }

        @Test(
            .enabled(
                if: Python.has("numpy, onnx, onnxruntime"),
                "no python3 with numpy, onnx and onnxruntime (PYTHON names another)"))
        func everyEncoderAndFrontEndIsTheSameUnderOnnxruntime() throws {
            let folder = try TemporaryFolder()
            let cases = Self.encoders() + Self.frontEnds()
            for one in cases { try write(one, to: folder.path + "/" + one.name) }
            let output = try Python.output(
                of: "References/check_onnx.py", arguments: [folder.path])
            let lines = try output.split(separator: "\n").map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
            for one in cases {
                let own = lines.filter { $0.case == one.name }
                #expect(Set(own.map(\.run)) == ["0", "1"], "\(one.name)")
                for line in own {
                    let error = line.error ?? .infinity
                    #expect(error < 1e-4, "\(one.name), \(line.output), run \(line.run)")
                }
            }
        }

        @Test func anExportNamesWhatIsThere() throws {
            let model = try self.model(Self.encoders()[0])
            #expect(
                throws: PretrainingError.notExportable(
                    path: "here", reason: "no layer is named 'last'; there are convolution, context"
                )
            ) { try ModelExport(model, embeddingLayer: "last") }
            #expect(try ModelExport(model).embeddingLayer == "context")
        }

        @Test func theFileSaysWhatTheModelIs() throws {
            let model = try self.model(Self.encoders()[0])
            let text = String(
                decoding: try ModelExport(model, embeddingLayer: "convolution").contents(),
                as: UTF8.self)
            for part in [
                "sample_rate", "16000", "apus_card", "\"contextWidth\":16", "embedding_layer",
                "convolution",
            ] { #expect(text.contains(part), "\(part)") }
        }

        // MARK: What is compared

        /// Two batches of recordings, of other numbers and lengths, and what Apus makes of them.
        private func write(_ one: Case, to folder: String) throws {
            let model = try self.model(one)
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            try ModelExport(model, input: one.input).contents()
                .write(to: URL(fileURLWithPath: folder + "/model.onnx"))
            let extractor = try FeatureExtractor(one.frontEnd)
            for (run, sizes) in [(2, 6117), (1, 9600)].enumerated() {
                let place = folder + "/\(run)"
                try FileManager.default.createDirectory(
                    atPath: place, withIntermediateDirectories: true)
                let recordings = (0..<sizes.0).map { Self.recording(sizes.1, seed: run * 2 + $0) }
                let features = try recordings.map {
                    try extractor(Waveform(samples: $0, sampleRate: one.frontEnd.sampleRate))
                }
                let shape = [sizes.0, features[0].frameCount, features[0].featureCount]
                let values = features.flatMap(\.values)
                if one.input == .samples {
                    try NumPyFile.write(
                        recordings.flatMap { $0 }, shape: [sizes.0, sizes.1],
                        to: place + "/input.npy")
                    try NumPyFile.write(values, shape: shape, to: place + "/features.npy")
                } else {
                    try NumPyFile.write(values, shape: shape, to: place + "/input.npy")
                }
                let states = withoutGradients {
                    model.encoder(
                        Tensor(values, shape: shape),
                        lengths: [Int](repeating: shape[1], count: sizes.0), draws: nil)
                }
                for (name, layer) in zip(model.encoder.layerNames, states.layers) {
                    try NumPyFile.write(
                        layer.floats, shape: layer.shape, to: place + "/\(name).npy")
                }
                let last = states.layers[states.layers.count - 1]
                let width = last.shape[2]
                var pooled: [Float] = []
                for row in 0..<sizes.0 {
                    var statistics = FeatureStatisticsAccumulator(featureCount: width)
                    statistics.add(
                        FeatureMatrix(
                            values: last.sliced(row..<row + 1, dimension: 0).floats,
                            frameCount: last.shape[1], featureCount: width))
                    let own = try #require(statistics.finalize())
                    pooled += own.mean + own.standardDeviation
                }
                try NumPyFile.write(
                    pooled, shape: [sizes.0, 2 * width], to: place + "/recording.npy")
            }
        }

        /// A model whose parameters are nowhere zero or one, as initial biases and norms are.
        private func model(_ one: Case) throws -> PretrainedModel {
            let card = ModelCard(
                objective: one.objective, frontEnd: one.frontEnd, seed: 1, step: 0,
                trainingData: ModelCard.TrainingData(
                    manifest: "none", manifestHash: "0", recordings: 0, seconds: 0))
            let model = PretrainedModel(untrained: card, path: "here")
            for (index, parameter) in model.encoder.namedParameters.enumerated() {
                let noise = Tensor(
                    normal: 0, standardDeviation: 0.2, shape: parameter.tensor.shape,
                    seed: Seed(7).derived(index))
                parameter.tensor.assign(
                    zip(parameter.tensor.floats, noise.floats).map { $0 + $1 })
            }
            return model
        }

        /// Noise that swells, and a tone.
        private static func recording(_ count: Int, seed: Int) -> [Float] {
            let noise = Tensor(
                normal: 0, standardDeviation: 0.1, shape: [count],
                seed: Seed(3).derived(seed)
            ).floats
            return noise.enumerated().map { index, value in
                let time = Float(index) / 16000
                return value * (0.2 + time) + 0.1 * sin(2 * .pi * 440 * time)
            }
        }

        private static func features(_ count: Int) -> FrontEnd {
            var frontEnd = FrontEnd.kaldi
            frontEnd.melBandCount = count
            return frontEnd
        }

        private static func samples(perFrame count: Int) -> FrontEnd {
            var frontEnd = FrontEnd.waveform
            frontEnd.frameLength = .samples(count)
            frontEnd.frameShift = .samples(count)
            return frontEnd
        }

        // MARK: The zoo

        private static func encoders() -> [Case] {
            var cases: [Case] = []
            func add(
                _ name: String, _ frontEnd: FrontEnd? = nil,
                _ change: (inout ObjectiveConfiguration) -> Void
            ) {
                var objective = ObjectiveConfiguration()
                change(&objective)
                cases.append(
                    Case(name: name, objective: objective, frontEnd: frontEnd ?? features(8)))
            }
            func addCPC(
                _ name: String, _ frontEnd: FrontEnd? = nil,
                _ change: (inout CPC.Configuration) -> Void
            ) {
                add(name, frontEnd) {
                    $0.kind = .cpc
                    $0.cpc = smallCPC()
                    change(&$0.cpc)
                }
            }
            addCPC("cpc-gru") { $0.strides = [2, 1] }
            addCPC("cpc-lstm-both") {
                ($0.context, $0.contextLayerCount, $0.isBidirectional) = (.lstm, 2, true)
            }
            addCPC("cpc-transformer") {
                ($0.context, $0.contextLayerCount) = (.transformer, 2)
                $0.transformer.headCount = 4
                $0.transformer.feedForwardWidth = 20
                $0.transformer.positionCount = 9
            }
            addCPC("cpc-waveform", samples(perFrame: 160)) {
                ($0.encoder, $0.context) = (.waveform, .lstm)
            }
            for norm in NormOrder.allCases {
                for positions in TransformerEncoder.Positions.allCases {
                    add("transformer-\(norm)-\(positions)") {
                        $0.kind = .maskedPrediction
                        $0.maskedPrediction.encoder = smallEncoder(.transformer)
                        $0.maskedPrediction.encoder.transformer.norm = norm
                        $0.maskedPrediction.encoder.transformer.positions = positions
                        $0.maskedPrediction.encoder.subsampling = norm == .pre ? 4 : 1
                    }
                }
            }
            for positions in TransformerEncoder.Positions.allCases {
                add("conformer-\(positions)") {
                    $0.kind = .maskedPrediction
                    $0.maskedPrediction.encoder = smallEncoder(.conformer)
                    $0.maskedPrediction.encoder.conformer.positions = positions
                    $0.maskedPrediction.encoder.subsampling = 2
                }
            }
            for cell in [RecurrentEncoder.Cell.gru, .lstm] {
                add("recurrent-\(cell)") {
                    $0.kind = .autoregressivePrediction
                    $0.autoregressivePrediction.encoder = smallEncoder(.recurrent)
                    $0.autoregressivePrediction.encoder.recurrent.cell = cell
                    $0.autoregressivePrediction.encoder.recurrent.residual = cell == .gru
                }
            }
            add("masked-convolutions") {
                $0.kind = .nonAutoregressivePrediction
                $0.nonAutoregressivePrediction.width = 8
                $0.nonAutoregressivePrediction.blockCount = 3
            }
            add("ge2e") {
                $0.kind = .imported
                $0.imported.kind = .ge2e
                $0.imported.ge2e.width = 8
                $0.imported.ge2e.layerCount = 2
                $0.imported.ge2e.embeddingWidth = 6
                $0.imported.ge2e.windowLength = 20
                $0.imported.ge2e.windowShift = 9
            }
            for (name, change) in wav2vec2Variants {
                add("wav2vec2-\(name)", samples(perFrame: 1)) {
                    $0.kind = .imported
                    $0.imported.kind = .wav2vec2
                    $0.imported.wav2vec2 = smallWav2Vec2()
                    change(&$0.imported.wav2vec2)
                }
            }
            var given = cases[0]
            (given.name, given.input) = ("from-features", .features)
            return cases + [given]
        }

        private static func smallEncoder(
            _ kind: EncoderConfiguration.Kind
        ) -> EncoderConfiguration {
            var encoder = EncoderConfiguration(kind)
            (encoder.transformer.layerCount, encoder.transformer.width) = (2, 16)
            (encoder.transformer.headCount, encoder.transformer.feedForwardWidth) = (4, 24)
            (encoder.transformer.relativeBuckets, encoder.transformer.relativeDistance) = (8, 11)
            (encoder.conformer.layerCount, encoder.conformer.width) = (2, 16)
            (encoder.conformer.headCount, encoder.conformer.feedForwardWidth) = (4, 24)
            encoder.conformer.kernelSize = 5
            (encoder.conformer.relativeBuckets, encoder.conformer.relativeDistance) = (8, 11)
            (encoder.recurrent.layerCount, encoder.recurrent.width) = (3, 10)
            return encoder
        }

        private static func smallWav2Vec2() -> Wav2Vec2Encoder.Configuration {
            var configuration = Wav2Vec2Encoder.Configuration()
            configuration.convolutionWidths = [8, 8, 8]
            configuration.convolutionKernels = [10, 3, 2]
            configuration.convolutionStrides = [5, 4, 2]
            (configuration.width, configuration.layerCount) = (16, 2)
            (configuration.headCount, configuration.feedForwardWidth) = (2, 24)
            (configuration.positionKernelSize, configuration.positionGroups) = (8, 4)
            return configuration
        }

        private static var wav2vec2Variants:
            [(String, (inout Wav2Vec2Encoder.Configuration) -> Void)]
        {
            [
                ("base", { _ in }),
                (
                    "large",
                    {
                        ($0.norm, $0.convolutionNorm, $0.convolutionBias) = (.pre, .layer, true)
                        $0.normalizesSamples = true
                    }
                ),
                (
                    "wavlm",
                    {
                        ($0.relativeBuckets, $0.relativeDistance) = (8, 11)
                        $0.hasProjectionNorm = false
                    }
                ),
                (
                    "data2vec",
                    {
                        ($0.positionKernelSize, $0.positionLayerCount) = (5, 3)
                        ($0.normalizesPositions, $0.convolutionNorm) = (true, .layer)
                    }
                ),
            ]
        }

        private static func frontEnds() -> [Case] {
            var objective = ObjectiveConfiguration()
            objective.cpc = smallCPC()
            var cases: [Case] = []
            func add(
                _ name: String, _ preset: FrontEnd, _ change: (inout FrontEnd) -> Void = { _ in }
            ) {
                var frontEnd = preset
                change(&frontEnd)
                cases.append(
                    Case(name: "front-end-\(name)", objective: objective, frontEnd: frontEnd))
            }
            add("torchaudio", .torchaudio)
            add("librosa", .librosa)
            add("speechbrain", .speechbrain)
            add("whisper", .whisper)
            add("mirror") {
                ($0.edges, $0.energy, $0.htkOrder) = (.mirror, .raw, true)
                $0.fftLength = 401
            }
            add("reflect") {
                ($0.edges, $0.energy, $0.outputScale, $0.outputOffset) =
                    (.centeredReflect, .windowed, 0.5, -2)
                $0.omitsLastFrame = true
            }
            add("zeros") { ($0.edges, $0.logFloorMode) = (.centeredZero, .add) }
            add("whole-transforms") { ($0.edges, $0.log) = (.wholeTransforms, .decibel) }
            add("spectrogram") {
                ($0.kind, $0.spectrum, $0.energy) = (.spectrogram, .magnitude, .raw)
                ($0.log, $0.dynamicRange, $0.logReference) = (.log10, 40, .maximum)
            }
            add("mfcc") { ($0.kind, $0.energy, $0.cepstrumCount) = (.mfcc, .raw, 7) }
            add("mfcc-htk") {
                ($0.kind, $0.htkOrder, $0.cepstralLifter) = (.mfcc, true, 0)
                $0.cepstrumCount = 8
            }
            for (name, power, bias) in [("", 0.5, 2.0), ("-log", 0, 2), ("-root", 0.5, 0)] {
                add("pcen\(name)") {
                    $0.log = .none
                    var pcen = PCEN()
                    (pcen.power, pcen.bias) = (power, bias)
                    $0.pcen = pcen
                }
            }
            for method in DeltaMethod.allCases {
                add("deltas-\(method)") {
                    ($0.deltaOrder, $0.deltaMethod) = (2, method)
                    $0.normalization = .perRecording(variance: true)
                }
            }
            add("mean") { $0.normalization = .perRecording(variance: false) }
            for isCentered in [true, false] {
                add("sliding-\(isCentered)") {
                    var window = SlidingWindow()
                    (window.frameCount, window.minimumFrameCount) = (12, 5)
                    window.isCentered = isCentered
                    $0.normalization = .sliding(window, variance: isCentered)
                }
            }
            add("corpus") {
                $0.normalization = .corpus(
                    FeatureStatistics(
                        mean: (0..<8).map { Float($0) },
                        standardDeviation: (0..<8).map { 1 + Float($0) / 4 }))
            }
            for edges in [FrameStacking.Edges.snip, .replicate, .zero] {
                add("stacked-\(edges)") {
                    ($0.stacking.left, $0.stacking.right, $0.stacking.shift) = (2, 1, 3)
                    $0.stacking.edges = edges
                }
            }
            return cases

            func add(_ name: String, _ change: (inout FrontEnd) -> Void) {
                add(name, features(8), change)
            }
        }
    }
}

/// The Python interpreter that `PYTHON` names, or `python3`.
private enum Python {
    /// Whether modules can be imported.
    static func has(_ modules: String) -> Bool {
        (try? run(["-c", "import \(modules)"]))?.status == 0
    }

    /// What a script beside the tests prints.
    static func output(of script: String, arguments: [String]) throws -> String {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent(script).path
        let outcome = try run([path] + arguments)
        try #require(outcome.status == 0, "\(outcome.output)")
        return outcome.output
    }

    private static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let python = ProcessInfo.processInfo.environment["PYTHON"] ?? "python3"
        process.arguments = [python] + arguments
        let pipe = Pipe()
        (process.standardOutput, process.standardError) = (pipe, FileHandle.nullDevice)
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
