import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation
import TestSupport
import Testing

extension Computing {
    /// Units of MFCCs and of a layer, their files, and their prediction.
    @Suite struct UnitTests {
        private let folder: TemporaryFolder
        private let cuts: [Cut]
        private let waveforms: [[Float]]

        init() throws {
            let folder = try TemporaryFolder()
            self.folder = folder
            waveforms = (0..<6).map { voice($0, sampleCount: 8000 + 1600 * $0) }
            cuts = try waveforms.enumerated().map { number, samples in
                Cut(
                    id: "voice-\(number)",
                    audioPath: try folder.writeWAV("\(number).wav", samples))
            }
        }

        private var options: KMeans.Options {
            var options = KMeans.Options()
            options.clusterCount = 7
            options.batchSize = 128
            options.steps = 30
            return options
        }

        private func frontEnd(normalized: Bool = true) -> FrontEnd {
            var frontEnd = FrontEnd.kaldi
            frontEnd.melBandCount = 20
            guard normalized else { return frontEnd }
            frontEnd.normalization = .corpus(
                FeatureStatistics(
                    mean: (0..<20).map { 10 + 0.2 * Float($0) },
                    standardDeviation: (0..<20).map { 1 + 0.1 * Float($0) }))
            return frontEnd
        }

        private func model(
            _ source: UnitSet.Source, file: String, subsampling: Int = 2, layerWidth: Int = 16
        ) -> MaskedPrediction {
            var configuration = smallMaskedPrediction()
            configuration.encoder.subsampling = subsampling
            configuration.maskSpan = 8
            configuration.targets = .units
            configuration.units.source = source
            configuration.units.file = file
            configuration.units.count = 7
            configuration.units.layerWidth = layerWidth
            return MaskedPrediction(configuration, melBandCount: 20, seed: Seed(1))
        }

        /// The features of two recordings, padded: (B, T, M).
        private func features(
            _ frontEnd: FrontEnd
        ) throws -> (tensor: Tensor, lengths: [Int]) {
            let extractor = try FeatureExtractor(frontEnd)
            let matrices = try [0, 3].map {
                try extractor(Waveform(samples: waveforms[$0], sampleRate: 16000))
            }
            let most = matrices.map(\.frameCount).max() ?? 0
            let rows = matrices.map { matrix in
                Tensor(
                    matrix.values
                        + [Float](repeating: 0, count: (most - matrix.frameCount) * 20),
                    shape: [1, most, 20])
            }
            return (.concatenated(rows, dimension: 0), matrices.map(\.frameCount))
        }

        private func write(_ units: UnitSet) throws -> String {
            try folder.write(units.encoded(), "units.safetensors")
        }

        /// Labels made of a batch's log-mels are those of the MFCCs that the front end makes.
        @Test(arguments: [true, false], [1, 2, 4])
        func labelsOfCepstra(normalized: Bool, subsampling: Int) throws {
            let units = try UnitSet.cepstra(
                of: cuts, frontEnd: frontEnd(normalized: normalized), options: options)
            #expect(units.clusters.width == 39 && units.clusters.clusterCount == 7)
            #expect(units.card.meanSquaredDistance > 0)
            var cepstral = frontEnd(normalized: false)
            cepstral.kind = .mfcc
            cepstral.deltaOrder = 2
            let extractor = try FeatureExtractor(cepstral)
            let expected = try [0, 3].map { number in
                units.clusters.labels(
                    of: try extractor(
                        Waveform(samples: waveforms[number], sampleRate: 16000)
                    ).values)
            }

            let model = model(.cepstra, file: try write(units), subsampling: subsampling)
            // Another normalisation than that of the units' file gives the same MFCCs.
            try model.prepare(frontEnd: frontEnd())
            let (batch, lengths) = try features(frontEnd())
            let codes = model.codes(of: batch, lengths: lengths)
            #expect(codes.shape[2] == 1)
            let found = codes.integers
            var differing = 0
            for (row, labels) in expected.enumerated() {
                for place in Swift.stride(from: 0, to: labels.count, by: subsampling) {
                    let code = found[row * codes.shape[1] + place / subsampling]
                    if code != labels[place] { differing += 1 }
                }
            }
            #expect(Set(found).count > 2)
            // Only frames between two centroids may differ in the last digits.
            #expect(differing <= 1)
        }

        private func teacher(subsampling: Int) -> PretrainedModel {
            var objective = smallObjective(.maskedPrediction)
            objective.maskedPrediction.encoder.subsampling = subsampling
            objective.maskedPrediction.randomProjection.stackedFrames = 4
            objective.maskedPrediction.maskSpan = 8
            let card = ModelCard(
                objective: objective, frontEnd: frontEnd(), seed: 5, step: 0,
                trainingData: ModelCard.TrainingData(
                    manifest: "train.jsonl", manifestHash: "0", recordings: 6, seconds: 1))
            let model = PretrainedModel(untrained: card, path: "memory")
            redraw(model.objective)
            return model
        }

        @Test(arguments: [1, 2, 4])
        func labelsOfALayer(teacherSubsampling: Int) throws {
            let teacher = teacher(subsampling: teacherSubsampling)
            let units = try UnitSet.layer(1, of: teacher, cuts: cuts, options: options)
            #expect(units.clusters.width == 16)
            let model = model(.layer, file: try write(units))
            try model.prepare(frontEnd: frontEnd())
            let (batch, lengths) = try features(frontEnd())
            let codes = model.codes(of: batch, lengths: lengths)
            let states = teacher.encoder(batch, lengths: lengths, draws: nil)
            for (row, length) in lengths.enumerated() {
                let labels = units.clusters.labels(
                    of: states.layers[1].sliced(row..<row + 1, dimension: 0).floats)
                for place in Swift.stride(from: 0, to: length, by: 2) {
                    #expect(
                        codes.integers[row * codes.shape[1] + place / 2]
                            == labels[place / teacherSubsampling])
                }
            }
            let result = model.loss(features: batch, lengths: lengths, seed: Seed(1))
            result.value.backward()
            #expect(result.value.item.isFinite && result.value.item > 0)
            #expect(teacher.objective.parameters.allSatisfy { $0.gradient == nil })
        }

        /// A trained model has all that its labels of cepstra need; no file is read again.
        @Test func centroidsAreSavedWithTheModel() throws {
            let units = try UnitSet.cepstra(of: cuts, frontEnd: frontEnd(), options: options)
            let model = model(.cepstra, file: try write(units))
            try model.prepare(frontEnd: frontEnd())
            #expect(
                model.namedBuffers.map(\.name) == [
                    "targets.centroids", "targets.transform", "targets.offset",
                ])
            let (batch, lengths) = try features(frontEnd())
            let other = self.model(.cepstra, file: "absent")
            try other.load(model.weights(), from: "memory")
            #expect(
                other.codes(of: batch, lengths: lengths).integers
                    == model.codes(of: batch, lengths: lengths).integers)
            let figures = Dictionary(
                uniqueKeysWithValues: model.loss(
                    features: batch, lengths: lengths, seed: Seed(1)
                ).figures())
            #expect(try #require(figures["codePerplexity"]) > 1.5)
        }

        @Test func unitsComeBackAsTheyWere() throws {
            for units in [
                try UnitSet.cepstra(of: cuts, frontEnd: frontEnd(), options: options),
                try UnitSet.layer(
                    0, of: teacher(subsampling: 2), cuts: cuts, options: options),
            ] {
                let path = try write(units)
                let found = try UnitSet(contentsOf: path)
                #expect(found.card == units.card)
                #expect(found.clusters == units.clusters)
                #expect(found.model?.objective.weights() == units.model?.objective.weights())
                #expect(try found.encoded() == units.encoded())
            }
        }

        /// Recordings without frames are named and left out; the others' frames are counted.
        @Test func whatIsMetOnTheWayIsReported() throws {
            let bad = [
                Cut(id: "noise", audioPath: try folder.write("no sound", "noise.wav")),
                Cut(id: "click", audioPath: try folder.writeWAV("click.wav", [0, 1, 0])),
                Cut(id: "absent", audioPath: folder.path + "/absent.wav"),
            ]
            var leftOut: [String] = []
            var read: [(recordings: Int, frames: Int)] = []
            let units = try UnitSet.cepstra(of: cuts + bad, frontEnd: frontEnd(), options: options)
            {
                switch $0 {
                case .leftOut(let error): leftOut.append("\(error)")
                case .read(let recordings, let frames): read.append((recordings, frames))
                }
            }
            #expect(leftOut.count == 3)
            for cut in bad { #expect(leftOut.contains { $0.hasPrefix("\(cut.id): ") }) }
            #expect(read.map(\.recordings) == Array(1...9))
            #expect(read.last?.frames == units.card.frameCount)
            #expect((2...7).contains(units.card.usedCount))
            #expect(units.card.perplexity > 1 && units.card.perplexity <= 7)
            // Frames enough, the last recording whole.
            let few = try UnitSet.cepstra(
                of: cuts, frontEnd: frontEnd(), options: options, frameLimit: 60)
            #expect((60..<160).contains(few.card.frameCount))
        }

        @Test func moreUnitsThanFramesAreRefused() throws {
            var many = options
            many.clusterCount = 10_000
            let error = try #require(throws: PretrainingError.self) {
                try UnitSet.cepstra(of: cuts, frontEnd: frontEnd(), options: many)
            }
            guard case .tooFewFrames(let found, 10_000) = error else {
                Issue.record("found \(error)")
                return
            }
            #expect(found > 400)
        }

        /// Samples that overflow in a model have no frames.
        @Test func framesThatAreNotFiniteAreLeftOut() throws {
            let card = ModelCard(
                objective: smallObjective(.cpc), frontEnd: hugePowers, seed: 1, step: 0,
                trainingData: ModelCard.TrainingData(
                    manifest: "train.jsonl", manifestHash: "0", recordings: 6, seconds: 1))
            try writeHugeTone(folder.path + "/0.wav", sampleCount: 8000)
            let model = PretrainedModel(untrained: card, path: "memory")
            for parameter in model.encoder.parameters {
                parameter.assign(parameter.floats.map { 1e6 * $0 })
            }
            var leftOut: [String] = []
            let units = try UnitSet.layer(
                0, of: model, cuts: cuts, options: options
            ) { if case .leftOut(let error) = $0 { leftOut.append("\(error)") } }
            #expect(leftOut.count == 1 && leftOut[0].hasPrefix("voice-0: "))
            #expect(leftOut[0].hasSuffix("finite numbers"))
            #expect(units.clusters.centroids.allSatisfy { $0.isFinite })
        }

        @Test func unitsThatDoNotFitAreRefused() throws {
            let path = try write(
                UnitSet.cepstra(of: cuts, frontEnd: frontEnd(), options: options))
            func refusal(
                _ source: UnitSet.Source, _ file: String,
                _ adjust: (inout FrontEnd) -> Void = { _ in }
            ) throws -> String {
                var changed = frontEnd()
                adjust(&changed)
                let model = model(source, file: file)
                return try #require(throws: PretrainingError.self) {
                    try model.prepare(frontEnd: changed)
                }.description
            }
            #expect(try refusal(.cepstra, "").hasSuffix("no file of units is named"))
            #expect(try refusal(.layer, path).hasSuffix("they are of cepstra, expected layer"))
            #expect(try refusal(.cepstra, path) { $0.frameShift = 20 }.contains("frameShift"))
            #expect(
                try refusal(.cepstra, path) { $0.normalization = .perRecording(variance: true) }
                    .hasSuffix("normalised by the corpus or not at all"))
            let layer = try write(
                UnitSet.layer(0, of: teacher(subsampling: 2), cuts: cuts, options: options))
            #expect(
                try refusal(.layer, layer) { $0.normalization = .none }
                    .contains("another front end"))
            let narrow = model(.layer, file: layer, layerWidth: 8)
            #expect(throws: PretrainingError.self) { try narrow.prepare(frontEnd: frontEnd()) }
            let plain = try folder.write(teacher(subsampling: 2).contents().encoded(), "model")
            #expect(throws: PretrainingError.notUnits(path: plain, reason: "it has no units")) {
                try UnitSet(contentsOf: plain)
            }
            #expect(throws: NNError.self) { try UnitSet(contentsOf: folder.path + "/absent") }
        }
    }
}
