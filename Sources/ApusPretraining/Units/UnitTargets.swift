// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN
import ApusSignal
import ApusTensor

/// HuBERT's targets: the nearest of units, centroids of MFCCs or of an earlier model's frames.
///
/// Hsu et al. 2021, HuBERT: Self-Supervised Speech Representation Learning by Masked Prediction of
/// Hidden Units. The label of encoder frame s is that of feature frame r s, with r the encoder's
/// subsampling. Labels are made of the batch itself: MFCCs by a cosine transform of its log-mels, a
/// layer's frames by the earlier model, which the file of units holds. Centroids and transform are
/// saved with the model; the earlier model is needed in training alone and stays in its file.
public final class UnitTargets: PredictionTargets {
    /// Which units.
    public struct Configuration: Codable, Hashable, Sendable {
        /// The file of units, read before training.
        public var file = ""
        /// What the units are centroids of.
        public var source = UnitSet.Source.cepstra
        /// The number of units.
        public var count = 100
        /// The width of the layer; unused for cepstra.
        public var layerWidth = 256

        /// A hundred units of cepstra.
        public init() {}

        /// The width of a centroid.
        var width: Int { source == .cepstra ? CepstralFrames.width : layerWidth }

        func problem() -> String? {
            if count < 2 { return "count is \(count), expected at least 2" }
            if layerWidth < 1 { return "layerWidth is \(layerWidth), expected at least 1" }
            return nil
        }
    }

    private let configuration: Configuration
    private let stride: Int
    private let centroids: Tensor
    private let cepstra: CepstralFrames?
    private var teacher: (encoder: any Encoder, layer: Int)?

    let codebookCount = 1
    var codeCount: Int { configuration.count }

    init(_ configuration: Configuration, melBandCount: Int, stride: Int) {
        self.configuration = configuration
        self.stride = stride
        centroids = Tensor(zeros: [configuration.count, configuration.width])
        cepstra =
            configuration.source == .cepstra ? CepstralFrames(melBandCount: melBandCount) : nil
    }

    var namedBuffers: [(name: String, tensor: Tensor)] {
        [("centroids", centroids)]
            + (cepstra.map { [("transform", $0.transform), ("offset", $0.offset)] } ?? [])
    }

    func prepare(frontEnd: FrontEnd) throws {
        let path = configuration.file
        func refuse(_ reason: String) -> PretrainingError {
            .notUnits(path: path.isEmpty ? "units.file" : path, reason: reason)
        }
        if path.isEmpty { throw refuse("no file of units is named") }
        let units = try UnitSet(contentsOf: path)
        guard units.card.source == configuration.source else {
            throw refuse("they are of \(units.card.source), expected \(configuration.source)")
        }
        let (found, wanted) = (
            [units.clusters.clusterCount, units.clusters.width],
            [configuration.count, configuration.width]
        )
        guard found == wanted else {
            throw refuse("their count and width are \(found), expected \(wanted)")
        }
        if let model = units.model {
            try model.require(frontEnd)
            teacher = (model.encoder, units.card.layer)
        } else {
            var (theirs, ours) = (units.card.frontEnd, frontEnd)
            // MFCCs are the same whatever their log-mels are normalised by.
            theirs.normalization = .none
            ours.normalization = .none
            let differences = theirs.differences(from: ours)
            if !differences.isEmpty {
                throw PretrainingError.otherFrontEnd(path: path, differences: differences)
            }
            if let problem = cepstra?.adapt(to: frontEnd) { throw refuse(problem) }
        }
        centroids.assign(units.clusters.centroids)
    }

    func codes(of features: Tensor, lengths: [Int], frameCount S: Int) -> Tensor {
        let places = (0..<S).map { $0 * stride }
        let frames: Tensor
        if let cepstra {
            frames = cepstra(features, lengths: lengths, places: places)
        } else {
            guard let teacher else {
                preconditionFailure("prepare(frontEnd:) comes before the first loss")
            }
            frames = UnitTargets.frames(
                of: teacher.encoder, layer: teacher.layer, features: features, lengths: lengths,
                places: places)
        }
        return KMeans.labels(of: frames, centroids: centroids).reshaped(-1, 1)
    }

    /// A hidden state at feature frames: (B · places, D).
    static func frames(
        of encoder: any Encoder, layer: Int, features: Tensor, lengths: [Int], places: [Int]
    ) -> Tensor {
        withoutGradients {
            withPrecision(.float32) {
                let states = encoder(features, lengths: lengths, draws: nil)
                let hidden = states.layers[layer]  // (B, T', D)
                let (B, T, D) = (hidden.shape[0], hidden.shape[1], hidden.shape[2])
                let rows = (0..<B).flatMap { recording in
                    places.map { recording * T + min($0 / encoder.stride, T - 1) }
                }
                return hidden.reshaped(B * T, D).selected(
                    Tensor(integers: rows, shape: [rows.count]), dimension: 0)
            }
        }
    }
}
