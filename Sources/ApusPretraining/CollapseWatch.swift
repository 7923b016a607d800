import Foundation

/// Watches a run's figures for collapse, and warns of each kind once.
struct CollapseWatch {
    /// A layer has collapsed where its effective rank is a smaller share of its width, or smaller
    /// than `leastRank`.
    static let leastRankShare = 0.01
    static let leastRank = 1.5
    /// A layer has collapsed where its frames deviate less.
    static let leastDeviation = 1e-3
    /// The loss is at chance where it isn't lower than this share of it.
    static let chanceShare = 0.99
    /// Nothing is warned of before this share of the run, or the warm-up where that is longer.
    ///
    /// Healthy encoders, too, begin with an effective rank of one or two.
    static let earliestProgress = 0.25

    private let layerWidths: [String: Int]
    private let warmUp: Double
    /// What was warned of.
    private(set) var warned: Set<String>

    /// A watch over a run.
    ///
    /// - Parameters:
    ///   - encoder: The encoder that is trained.
    ///   - warmUp: The share of the run during which the rate rises.
    ///   - warned: What the run has warned of so far.
    init(encoder: any Encoder, warmUp: Double, warned: Set<String>) {
        layerWidths = Dictionary(zip(encoder.layerNames, encoder.layerWidths)) { $1 }
        self.warmUp = warmUp
        self.warned = warned
    }

    /// The warnings that a step's figures give for the first time.
    mutating func warnings(
        in figures: [(name: String, value: Double)], progress: Double
    ) -> [String] {
        guard progress > max(warmUp, Self.earliestProgress) else { return [] }
        let values = Dictionary(figures.map { ($0.name, $0.value) }) { $1 }
        var found: [(kind: String, warning: String)] = []
        if let loss = values["loss"], loss.isFinite,
            let chance = values["chanceLoss"], chance > 0, loss > Self.chanceShare * chance
        {
            found.append(
                (
                    "chance",
                    "the loss, \(short(loss)), is still that of chance, \(short(chance)): nothing "
                        + "is learned"
                ))
        }
        for (layer, width) in layerWidths.sorted(by: { $0.key < $1.key }) {
            if let rank = values["effectiveRank/" + layer],
                rank < max(Self.leastRank, Self.leastRankShare * Double(width))
            {
                found.append(
                    (
                        "rank/" + layer,
                        "the layer \(layer) collapses: its effective rank is \(short(rank)) of "
                            + "\(width)"
                    ))
            }
            if let deviation = values["featureDeviation/" + layer],
                deviation < Self.leastDeviation
            {
                found.append(
                    (
                        "deviation/" + layer,
                        "the layer \(layer) collapses: its frames deviate by \(short(deviation)) "
                            + "alone"
                    ))
            }
        }
        return found.filter { warned.insert($0.kind).inserted }.map(\.warning)
    }

    private func short(_ value: Double) -> String { String(format: "%.3g", value) }
}
