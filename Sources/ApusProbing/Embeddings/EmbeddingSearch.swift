import ApusSignal
import ApusTensor
import Dispatch

/// Nearest neighbours among stored embeddings, by the cosine: exact, a block of rows at a time.
///
///     let search = try EmbeddingSearch(contentsOf: "corpus.npy")
///     let matches = search.nearest(to: vector, count: 10)[0]
///     print(search.ids[matches[0].row], matches[0].cosine)
///
/// The vectors are held once, at length 1: N x D x 4 bytes. A vector of zeros has the cosine 0 with
/// everything.
public final class EmbeddingSearch {
    /// A row that is near.
    public struct Match: Hashable, Sendable {
        /// Its position.
        public var row: Int
        /// Its cosine with what was looked for.
        public var cosine: Float
    }

    /// Two rows that are near each other.
    public struct Pair: Hashable, Sendable {
        /// The earlier row.
        public var first: Int
        /// The later row.
        public var second: Int
        /// Their cosine.
        public var cosine: Float
    }

    /// The rows' names.
    public let ids: [String]
    /// D.
    public let width: Int
    /// (R, D) rows of length 1 each, all but the last with `blockSize` rows.
    private let blocks: [Tensor]

    private static let blockSize = 32_768
    /// How many rows are compared with a block at a time where all are with all.
    private static let rowCount = 512
    /// How many vectors are looked for at a time.
    private static let queryCount = 256

    /// The vectors of a file.
    ///
    /// - Parameter path: A file as ``EmbeddingFile`` reads it.
    /// - Throws: What reading throws, `ProbingError.badEmbeddings` for a file without vectors, with
    ///   vectors of several lengths, or of numbers that are not finite.
    public convenience init(contentsOf path: String) throws {
        let file = try EmbeddingFile(path: path)
        try self.init(path: path) { try file.forEachBlock($0) }
    }

    /// Vectors in memory.
    ///
    /// - Parameters:
    ///   - ids: Their names.
    ///   - rows: N x D values.
    /// - Throws: `ProbingError.badEmbeddings` as for a file.
    public convenience init(ids: [String], rows: FeatureMatrix) throws {
        try self.init(path: SignalError.inMemory) {
            try $0(EmbeddingFile.Block(names: ids, rows))
        }
    }

    private init(
        path: String, _ forEachBlock: ((EmbeddingFile.Block) throws -> Void) throws -> Void
    ) throws {
        var (ids, blocks, held): ([String], [Tensor], [Float]) = ([], [], [])
        var width = 0
        let size = Self.blockSize
        try forEachBlock { block in
            let rows = block.rows
            if width == 0 { width = rows.featureCount }
            guard rows.featureCount == width, width > 0 else {
                throw ProbingError.badEmbeddings(
                    path: path,
                    reason: "'\(block.names.first ?? "")' has \(rows.featureCount) values, others "
                        + "\(width)")
            }
            if let index = rows.values.firstIndex(where: { !$0.isFinite }) {
                throw ProbingError.badEmbeddings(
                    path: path,
                    reason: "the embedding of '\(block.names[index / width])' is not finite")
            }
            ids += block.names
            held += rows.values
            var taken = 0
            while held.count - taken >= size * width {
                var values = Array(held[taken..<taken + size * width])
                taken += size * width
                normalizeRows(&values, width: width)
                blocks.append(Tensor(values, shape: [size, width]))
            }
            held.removeFirst(taken)
        }
        if !held.isEmpty {
            normalizeRows(&held, width: width)
            blocks.append(Tensor(held, shape: [held.count / width, width]))
        }
        guard !ids.isEmpty else {
            throw ProbingError.badEmbeddings(path: path, reason: "no embeddings")
        }
        (self.ids, self.width, self.blocks) = (ids, width, blocks)
    }

    /// The nearest rows of vectors.
    ///
    /// - Parameters:
    ///   - queries: Q x D values.
    ///   - count: How many rows for each.
    /// - Returns: For each query its nearest rows, the nearest first; of equal ones the earlier.
    public func nearest(to queries: [Float], count: Int) -> [[Match]] {
        precondition(queries.count % width == 0, "vectors of \(width) values")
        var queries = queries
        normalizeRows(&queries, width: width)
        let total = queries.count / width
        var found: [[Match]] = []
        for start in stride(from: 0, to: total, by: Self.queryCount) {
            let end = min(start + Self.queryCount, total)
            let tensor = Tensor(
                Array(queries[start * width..<end * width]), shape: [end - start, width])
            found += nearest(tensor, count: count)
        }
        return found
    }

    /// The nearest rows of (Q, D) vectors of length 1.
    private func nearest(_ queries: Tensor, count: Int) -> [[Match]] {
        let total = queries.shape[0]
        var lists = [NearestList](repeating: NearestList(count: count), count: total)
        for (number, block) in blocks.enumerated() {
            let scores = withoutGradients { queries.matmul(block.transposed(0, 1)).floats }
            let rows = block.shape[0]
            lists.withUnsafeMutableBufferPointer { lists in
                nonisolated(unsafe) let lists = lists
                scores.withUnsafeBufferPointer { scores in
                    nonisolated(unsafe) let scores = scores
                    DispatchQueue.concurrentPerform(iterations: total) { query in
                        lists[query].add(
                            UnsafeBufferPointer(
                                rebasing: scores[query * rows..<(query + 1) * rows]),
                            firstRow: number * Self.blockSize)
                    }
                }
            }
        }
        return lists.map(\.matches)
    }

    /// Pairs of rows that are nearer to each other than a bound.
    ///
    /// - Parameters:
    ///   - threshold: The least cosine.
    ///   - count: How many pairs are given at most.
    /// - Returns: The nearest pairs, the nearest first, and how many there are in all.
    public func duplicates(
        above threshold: Float, count: Int
    ) -> (pairs: [Pair], total: Int) {
        var (pairs, total): ([Pair], Int) = ([], 0)
        var least = threshold
        func precedes(_ a: Pair, _ b: Pair) -> Bool {
            (b.cosine, a.first, a.second) < (a.cosine, b.first, b.second)
        }
        func trim() {
            pairs.sort(by: precedes)
            if pairs.count > count {
                pairs.removeLast(pairs.count - count)
                least = max(threshold, pairs.last?.cosine ?? threshold)
            }
        }
        func take(_ scores: [Float], firstRow: Int, firstColumn: Int, width: Int) {
            scores.withUnsafeBufferPointer { scores in
                for row in 0..<scores.count / width {
                    // Each pair once: the later row as the column.
                    let first = max(0, firstRow + row + 1 - firstColumn)
                    guard first < width else { continue }
                    for column in first..<width where scores[row * width + column] >= threshold {
                        total += 1
                        let cosine = scores[row * width + column]
                        guard cosine >= least else { continue }
                        pairs.append(
                            Pair(
                                first: firstRow + row, second: firstColumn + column,
                                cosine: cosine))
                        if pairs.count >= 2 * count + 1024 { trim() }
                    }
                }
            }
        }
        for (i, block) in blocks.enumerated() {
            for start in stride(from: 0, to: block.shape[0], by: Self.rowCount) {
                let end = min(start + Self.rowCount, block.shape[0])
                let rows = withoutGradients { block.sliced(start..<end, dimension: 0) }
                for (j, columns) in blocks.enumerated() where j >= i {
                    let scores = withoutGradients {
                        rows.matmul(columns.transposed(0, 1)).floats
                    }
                    take(
                        scores, firstRow: i * Self.blockSize + start,
                        firstColumn: j * Self.blockSize, width: columns.shape[0])
                }
            }
        }
        trim()
        return (pairs, total)
    }

    /// The rows that are least like their nearest others.
    ///
    /// - Parameters:
    ///   - count: How many rows.
    ///   - neighbours: By how many nearest others a row is judged.
    /// - Returns: Rows with the mean cosine of their nearest others, the farthest first.
    public func outliers(count: Int, neighbours: Int) -> [Match] {
        var all: [Match] = []
        for (number, block) in blocks.enumerated() {
            let rows = block.shape[0]
            for start in stride(from: 0, to: rows, by: Self.queryCount) {
                let end = min(start + Self.queryCount, rows)
                let queries = withoutGradients { block.sliced(start..<end, dimension: 0) }
                for (offset, matches) in nearest(queries, count: neighbours + 1).enumerated() {
                    let row = number * Self.blockSize + start + offset
                    let others = matches.filter { $0.row != row }.prefix(neighbours)
                    let sum = others.reduce(0) { $0 + $1.cosine }
                    all.append(Match(row: row, cosine: sum / Float(max(others.count, 1))))
                }
            }
        }
        all.sort { ($0.cosine, $0.row) < ($1.cosine, $1.row) }
        return Array(all.prefix(count))
    }
}

/// The best of many scores.
private struct NearestList {
    /// The best so far, in no order, at most twice as many as are wanted.
    private var kept: [EmbeddingSearch.Match] = []
    private var least = -Float.infinity
    private let count: Int

    init(count: Int) { self.count = count }

    private static func precedes(
        _ a: EmbeddingSearch.Match, _ b: EmbeddingSearch.Match
    ) -> Bool { (b.cosine, a.row) < (a.cosine, b.row) }

    mutating func add(_ scores: UnsafeBufferPointer<Float>, firstRow: Int) {
        guard count > 0 else { return }
        for index in scores.indices where scores[index] > least {
            kept.append(EmbeddingSearch.Match(row: firstRow + index, cosine: scores[index]))
            if kept.count >= 2 * count + 16 { trim() }
        }
    }

    private mutating func trim() {
        kept.sort(by: Self.precedes)
        guard kept.count > count else { return }
        kept.removeLast(kept.count - count)
        // Later rows of the same score come after those that are kept.
        least = kept[count - 1].cosine
    }

    var matches: [EmbeddingSearch.Match] {
        Array(kept.sorted(by: Self.precedes).prefix(count))
    }
}
