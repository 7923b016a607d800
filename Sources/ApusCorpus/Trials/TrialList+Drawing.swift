import Foundation

extension TrialList {
    /// Which pairs of recordings of two speakers are trials.
    public enum Impostors: String, Codable, Hashable, Sendable, CaseIterable {
        /// All.
        case all
        /// Those of one language: without them, telling languages apart would do.
        case sameLanguage
    }

    /// Without a limit a list has at most so many trials.
    public static let largestCount = 100_000_000

    /// The trials that a manifest's recordings allow, or some drawn from them.
    ///
    /// Every pair is there at most once, in the order of the manifest. Recordings without a speaker,
    /// and for `sameLanguage` impostors those without a language, take no part in what needs it.
    ///
    /// - Parameters:
    ///   - manifest: The recordings.
    ///   - impostors: Which pairs of two speakers are trials.
    ///   - limit: Of more targets than this so many are drawn, each as likely as another; of more
    ///     impostors likewise.
    ///   - seed: What the draw depends on.
    /// - Throws: `CorpusError.nothingFound` where there are no pairs of one of the kinds,
    ///   `CorpusError.unusableTrials` where there is no limit and there are more than `largestCount` pairs.
    public init(
        of manifest: Manifest, impostors: Impostors, limit: Int? = nil, seed: UInt64 = 1
    ) throws {
        let cuts = manifest.cuts.filter { $0.speaker != nil }
        let speakers = numbered(cuts.map(\.speaker))
        let groups =
            impostors == .all
            ? [Int](repeating: 0, count: cuts.count) : numbered(cuts.map(\.primaryLanguage))
        var pairs: [(pair: Pair, isTarget: Bool)] = []
        for isTarget in [true, false] {
            let pool = PairPool(groups: isTarget ? speakers : groups) {
                (speakers[$0] == speakers[$1]) == isTarget
            }
            let kind = isTarget ? "targets" : "impostors (\(impostors.rawValue))"
            guard pool.candidateCount > 0 else {
                throw CorpusError.nothingFound(path: manifest.path, expected: kind)
            }
            guard limit != nil || pool.candidateCount <= Self.largestCount else {
                throw CorpusError.unusableTrials(
                    path: manifest.path,
                    reason: "\(pool.candidateCount) pairs of its recordings are too many for a "
                        + "list; name a limit")
            }
            var generator = SeededGenerator(seed: seed, stream: kind)
            let drawn = pool.draw(limit, using: &generator)
            guard !drawn.isEmpty else {
                throw CorpusError.nothingFound(path: manifest.path, expected: kind)
            }
            pairs += drawn.map { ($0, isTarget) }
        }
        pairs.sort { $0.pair < $1.pair }
        self.init(
            path: manifest.path, names: cuts.map(\.id), first: pairs.map(\.pair.first),
            second: pairs.map(\.pair.second), isTarget: pairs.map(\.isTarget))
    }

    /// The list as a file's text.
    ///
    /// - Parameter format: How a line is written.
    /// - Returns: One line for each trial.
    /// - Throws: `CorpusError.unusableTrials` for a name that a line can't hold.
    public func encoded(as format: Format) throws -> Data {
        for name in names where name.isEmpty || name.contains(where: \.isWhitespace) {
            throw CorpusError.unusableTrials(
                path: path, reason: "a line can't hold the name '\(name)' with a blank in it")
        }
        var text = ""
        text.reserveCapacity(64 * count)
        for trial in isTarget.indices {
            let (one, other) = (names[Int(first[trial])], names[Int(second[trial])])
            switch format {
            case .voxCeleb: text += "\(isTarget[trial] ? 1 : 0) \(one) \(other)\n"
            case .kaldi: text += "\(one) \(other) \(isTarget[trial] ? "target" : "nontarget")\n"
            }
        }
        return Data(text.utf8)
    }
}

/// Two recordings by their numbers, the lower one first.
private struct Pair: Hashable, Comparable {
    var first: Int32
    var second: Int32

    static func < (a: Pair, b: Pair) -> Bool { (a.first, a.second) < (b.first, b.second) }
}

/// The pairs within groups that a condition admits.
private struct PairPool {
    /// The members of each group with at least two, in ascending order.
    private let groups: [[Int32]]
    /// The number of pairs of each group and those before it.
    private let ends: [Int]
    private let admits: (Int, Int) -> Bool

    /// Pools up to so many candidates are gone through, larger ones are drawn from.
    private static let largestEnumeration = 20_000_000

    /// - Parameters:
    ///   - numbers: The number of each recording's group; below 0 for none.
    ///   - admits: Whether a pair of one group counts.
    init(groups numbers: [Int], admits: @escaping (Int, Int) -> Bool) {
        var members: [[Int32]] = []
        for (recording, number) in numbers.enumerated() where number >= 0 {
            while members.count <= number { members.append([]) }
            members[number].append(Int32(recording))
        }
        groups = members.filter { $0.count > 1 }
        var total = 0
        ends = groups.map {
            total += $0.count * ($0.count - 1) / 2
            return total
        }
        self.admits = admits
    }

    /// The number of pairs, admitted or not.
    var candidateCount: Int { ends.last ?? 0 }

    /// All admitted pairs, or so many of them.
    func draw(_ limit: Int?, using generator: inout SeededGenerator) -> [Pair] {
        guard let limit, candidateCount > Self.largestEnumeration else {
            var all = self.all()
            guard let limit, all.count > limit else { return all }
            generator.shuffle(&all)
            return Array(all.prefix(limit))
        }
        var drawn: Set<Pair> = []
        // A pool in which hardly a pair is admitted can't fill a limit that is close to its size.
        for _ in 0..<max(100 * limit, Self.largestEnumeration) where drawn.count < limit {
            let place = Int.random(in: 0..<candidateCount, using: &generator)
            let group = groups[group(of: place)]
            let one = Int.random(in: 0..<group.count, using: &generator)
            var other = Int.random(in: 0..<group.count - 1, using: &generator)
            if other >= one { other += 1 }
            let pair = Pair(first: group[min(one, other)], second: group[max(one, other)])
            if admits(Int(pair.first), Int(pair.second)) { drawn.insert(pair) }
        }
        return Array(drawn)
    }

    /// The group of a pair by the pair's number: the first one that ends after it.
    private func group(of place: Int) -> Int {
        var (low, high) = (0, ends.count)
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] > place { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func all() -> [Pair] {
        groups.flatMap { group in
            group.indices.flatMap { position in
                group[(position + 1)...].compactMap { other in
                    admits(Int(group[position]), Int(other))
                        ? Pair(first: group[position], second: other) : nil
                }
            }
        }
    }
}

/// A number for each label, in the order in which labels first come up; -1 for none.
private func numbered(_ labels: [String?]) -> [Int] {
    var numbers: [String: Int] = [:]
    return labels.map { label in
        guard let label else { return -1 }
        if let number = numbers[label] { return number }
        numbers[label] = numbers.count
        return numbers.count - 1
    }
}
