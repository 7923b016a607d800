/// Two-dimensional coordinates of embeddings, for a picture.
///
/// Principal components reduce the embeddings to 30 dimensions, t-SNE lays those out in the
/// plane, starting from the first two components. The same input gives the same map.
public struct EmbeddingMap: Sendable {
    /// The coordinates, n x 2, row-major.
    public let coordinates: [Float]
    /// The row of the input that each point of the map is.
    public let rows: [Int]

    /// Maps embeddings.
    ///
    /// - Parameters:
    ///   - points: The embeddings, N x D, row-major.
    ///   - count: The number of embeddings N; with none the map is empty.
    ///   - perplexity: The effective number of neighbours; bounded by a third of the other points.
    ///   - maximumPointCount: The most points on the map; of more, rows at even distances are
    ///     taken. The time grows with its square.
    /// - Throws: ``ReportError/notFinite(what:row:)`` where an embedding has NaN or infinity in it.
    public init(
        points: [Float], count: Int, perplexity: Double = 30, maximumPointCount: Int = 1500
    ) throws {
        precondition(count > 0 ? points.count % count == 0 : points.isEmpty, "N x D values")
        precondition(maximumPointCount >= 1, "A map has a point or more")
        precondition(perplexity > 1, "A perplexity above one")
        if let index = points.firstIndex(where: { !$0.isFinite }) {
            throw ReportError.notFinite(what: "embeddings", row: index / (points.count / count))
        }
        guard !points.isEmpty else {
            coordinates = []
            rows = []
            return
        }
        let width = points.count / count
        let kept = min(count, maximumPointCount)
        let chosen = (0..<kept).map { $0 * count / kept }
        let shown = chosen.flatMap { points[($0 * width)..<(($0 + 1) * width)] }
        let analysis = PrincipalComponents(points: shown, count: kept, componentCount: 30)
        let reduced = analysis.project(shown, count: kept)
        let depth = analysis.components.count
        let initial = (0..<kept).flatMap { row in
            [reduced[row * depth], depth > 1 ? reduced[row * depth + 1] : 0]
        }
        var method = TSNE()
        method.perplexity = perplexity
        coordinates = method.embed(reduced, count: kept, initial: initial)
        rows = chosen
    }
}
