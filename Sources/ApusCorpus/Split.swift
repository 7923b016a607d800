/// The shares of a corpus that its parts get.
public struct SplitFractions: Hashable, Sendable, Codable {
    /// The share to train on.
    public var train: Double
    /// The share to choose settings on.
    public var development: Double
    /// The share to measure on, once.
    public var test: Double

    /// Makes fractions that add up to 1.
    ///
    /// - Parameters:
    ///   - train: The share to train on.
    ///   - development: The share to choose settings on.
    ///   - test: The share to measure on.
    /// - Throws: `CorpusError.invalidFractions` where one is negative or the sum is not 1.
    public init(train: Double = 0.6, development: Double = 0.2, test: Double = 0.2) throws {
        let all = [train, development, test]
        guard all.allSatisfy({ $0 >= 0 }), abs(all.reduce(0, +) - 1) < 1e-9 else {
            throw CorpusError.invalidFractions(train: train, development: development, test: test)
        }
        self.train = train
        self.development = development
        self.test = test
    }
}

/// A corpus in three parts that share no cut.
public struct Split: Hashable, Sendable {
    /// The cuts to train on, in the order of their ids.
    public var train: [Cut]
    /// The cuts to choose settings on, in the order of their ids.
    public var development: [Cut]
    /// The cuts to measure on, in the order of their ids.
    public var test: [Cut]
}

/// Splits a corpus so that each speaker is in every part.
///
/// Each speaker's cuts are shuffled and dealt by the fractions (largest remainders). A speaker with
/// at least as many cuts as there are parts with a share is in each of them; one with fewer is in
/// the first such part only, as a speaker who cannot be in all can be learned but not be tested. Cuts without a
/// speaker are dealt as one more group. The result depends on the cuts and the seed, not on
/// their order; another speaker's cuts do not change it.
///
/// Parts share no cut. Cuts that overlap in one file may still fall into different parts; files with
/// the same bytes are what `prepare(folder:with:options:)` drops.
///
/// - Parameters:
///   - cuts: The cuts, with distinct ids.
///   - fractions: The shares of the parts.
///   - seed: The seed of the shuffles.
/// - Returns: The three parts.
public func speakerStratifiedSplit(
    of cuts: [Cut], fractions: SplitFractions, seed: UInt64
) -> Split {
    precondition(Set(cuts.map(\.id)).count == cuts.count, "the ids of the cuts are distinct")
    let shares = [fractions.train, fractions.development, fractions.test]
    var parts: [[Cut]] = [[], [], []]
    for (speaker, group) in Dictionary(grouping: cuts, by: \.speaker) {
        var shuffled = group.sorted { $0.id < $1.id }
        var generator = SeededGenerator(
            seed: seed, stream: speaker.map { "split/" + $0 } ?? "split")
        generator.shuffle(&shuffled)
        var start = 0
        for (part, count) in partSizes(shares, total: shuffled.count).enumerated() {
            parts[part] += shuffled[start..<(start + count)]
            start += count
        }
    }
    let sorted = parts.map { $0.sorted { $0.id < $1.id } }
    return Split(train: sorted[0], development: sorted[1], test: sorted[2])
}

/// Splits a corpus by lists of ids, as publications give them.
///
/// The development part is drawn from the cuts to train on, speaker by speaker.
///
/// - Parameters:
///   - cuts: The cuts, with distinct ids.
///   - train: The ids to train on.
///   - test: The ids to measure on.
///   - developmentShare: The share of each speaker's cuts to train on that is kept to choose on.
///   - seed: The seed of that draw.
/// - Returns: The three parts; cuts on no list are in none.
/// - Throws: `CorpusError.invalidFractions` for a share that isn't one.
public func listedSplit(
    of cuts: [Cut], train: Set<String>, test: Set<String>, developmentShare: Double, seed: UInt64
) throws -> Split {
    let fractions = try SplitFractions(
        train: 1 - developmentShare, development: developmentShare, test: 0)
    var split = speakerStratifiedSplit(
        of: cuts.filter { train.contains($0.id) && !test.contains($0.id) }, fractions: fractions,
        seed: seed)
    split.test = cuts.filter { test.contains($0.id) }.sorted { $0.id < $1.id }
    return split
}

/// How many of `total` cuts each part gets.
private func partSizes(_ shares: [Double], total: Int) -> [Int] {
    let wanted = shares.indices.filter { shares[$0] > 0 }
    if total < wanted.count { return shares.indices.map { $0 == wanted.first ? total : 0 } }
    // One for each part first, the others by what each part still lacks most.
    var sizes = shares.map { $0 > 0 ? 1 : 0 }
    for _ in wanted.count..<total {
        let lacks = wanted.map { shares[$0] * Double(total) - Double(sizes[$0]) }
        guard let most = lacks.indices.max(by: { lacks[$0] < lacks[$1] - 1e-9 }) else { break }
        sizes[wanted[most]] += 1
    }
    return sizes
}
