import Foundation

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

/// Which recordings publications train on, choose on and measure on, by their names.
public struct SplitLists: Hashable, Sendable {
    /// The names of the recordings to train on, without their files' extensions.
    public let train: Set<String>
    /// The names of those to choose settings on; `nil` where a share of the training's is drawn.
    public let development: Set<String>?
    /// The names of those to measure on.
    public let test: Set<String>

    /// Lists in memory.
    ///
    /// - Parameters:
    ///   - train: The names of the recordings to train on; extensions of audio files are left out.
    ///   - development: The names of those to choose settings on.
    ///   - test: The names of those to measure on.
    public init(train: [String], development: [String]? = nil, test: [String]) {
        self.train = Set(train.map(recordingName))
        self.development = development.map { Set($0.map(recordingName)) }
        self.test = Set(test.map(recordingName))
    }

    /// Reads one list of all parts, as VoxCeleb's `iden_split.txt` is: `1 NAME` to train on, `2 NAME`
    /// to choose on, `3 NAME` to measure on, or `train`, `dev` and `test` in place of the numbers.
    ///
    /// - Parameter path: The file.
    /// - Throws: `CorpusError.unreadable`, `.malformedLine`.
    public init(contentsOf path: String) throws {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw CorpusError.unreadable(path: path, reason: foundationReason(error))
        }
        var parts: [[String]] = [[], [], []]
        for (index, line) in text.split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline
        ).enumerated() {
            let fields = line.split(maxSplits: 1, whereSeparator: { $0 == " " || $0 == "\t" })
            if fields.isEmpty { continue }
            let part: Int? =
                switch fields[0] {
                case "1", "train": 0
                case "2", "dev": 1
                case "3", "test": 2
                default: nil
                }
            guard let part, fields.count == 2 else {
                throw CorpusError.malformedLine(
                    path: path, line: index + 1,
                    reason: "expected '1 NAME', '2 NAME' or '3 NAME', found '\(line.prefix(80))'")
            }
            parts[part].append(String(fields[1].trimmingPrefix(while: \.isWhitespace)))
        }
        self.init(train: parts[0], development: parts[1], test: parts[2])
    }
}

/// Splits a corpus by lists of names, as publications give them.
///
/// Where no list says what to choose on, that part is drawn from the cuts to train on, speaker by
/// speaker.
///
/// - Parameters:
///   - cuts: The cuts, with distinct ids.
///   - lists: The names, each the id of a cut with or without an audio file's extension. What two
///     lists name is in the later part alone.
///   - developmentShare: The share of each speaker's cuts to train on that is kept to choose on,
///     where no list says so.
///   - seed: The seed of that draw.
/// - Returns: The three parts; cuts on no list are in none.
/// - Throws: `CorpusError.invalidFractions` for a share that isn't one.
public func listedSplit(
    of cuts: [Cut], _ lists: SplitLists, developmentShare: Double = 0, seed: UInt64
) throws -> Split {
    let fractions = try SplitFractions(
        train: 1 - developmentShare, development: developmentShare, test: 0)
    var parts: [[Cut]] = [[], [], []]
    for cut in cuts.sorted(by: { $0.id < $1.id }) {
        let name = recordingName(cut.id)
        if lists.test.contains(name) {
            parts[2].append(cut)
        } else if lists.development?.contains(name) == true {
            parts[1].append(cut)
        } else if lists.train.contains(name) {
            parts[0].append(cut)
        }
    }
    if lists.development != nil {
        return Split(train: parts[0], development: parts[1], test: parts[2])
    }
    var split = speakerStratifiedSplit(of: parts[0], fractions: fractions, seed: seed)
    split.test = parts[2]
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
