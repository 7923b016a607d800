import ApusReport

/// The systems of a table and what decides which of them are compared.
///
/// Each model is compared with log-mel statistics and with its own untrained encoder; two models, of more
/// the two that are best on the development part, with each other; a fusion with the best model there; and
/// what was asked for. Of several trainings of one name the one that is best on the development part stands
/// for all.
struct ComparedSystems {
    /// One system.
    struct Entry {
        /// What a system is, as far as comparisons go.
        enum Role {
            case baseline
            case untrained
            case model
            case fusion
        }

        var name: String
        var role: Role
        /// The seed of a model's training, which its untrained encoder has too.
        var seed: UInt64?
        /// Higher is better; nil where nothing was chosen.
        var developmentScore: Double?
    }

    /// What stands under a table of comparisons.
    static let note =
        "Compared are each model with log-mel statistics and with its untrained encoder, the two models "
        + "that are best on dev, a fusion with the best model there, and what --compare names; of several "
        + "trainings of one name the best on dev."

    let entries: [Entry]

    /// Positions of two systems each, none twice.
    ///
    /// - Parameter asked: The pairs that were asked for; those of names that aren't there are left out.
    /// - Returns: The pairs, the order of the two that of a difference.
    func pairs(asked: [SystemPair]) -> [(first: Int, second: Int)] {
        let models = ranked.filter { entries[$0].role == .model }
        // In the order of the table.
        let listed = models.sorted()
        var pairs: [(first: Int, second: Int)] = []
        func add(_ first: Int?, _ second: Int?) {
            guard let first, let second, first != second else { return }
            let isKnown = pairs.contains {
                ($0.first, $0.second) == (first, second) || ($0.first, $0.second) == (second, first)
            }
            if !isKnown { pairs.append((first, second)) }
        }
        for model in listed { add(model, place(of: FeatureBaseline.logMelStatistics.name)) }
        for model in listed {
            let name = ProbeRun.untrainedPrefix + entries[model].name
            let own = entries.firstIndex {
                $0.role == .untrained && $0.name == name && $0.seed == entries[model].seed
            }
            add(model, own)
        }
        let isRanked = models.allSatisfy { entries[$0].developmentScore != nil }
        if models.count == 2 || isRanked, models.count > 1 { add(models[0], models[1]) }
        if isRanked { add(entries.firstIndex { $0.role == .fusion }, models.first) }
        for pair in asked { add(place(of: pair.first), place(of: pair.second)) }
        return pairs
    }

    /// One position for each name, the best on the development part first, of equals the first.
    private var ranked: [Int] {
        entries.indices.sorted {
            let (one, other) = (score(of: $0), score(of: $1))
            return (other, $0) < (one, $1)
        }.reduce(into: []) { kept, position in
            if !kept.contains(where: { entries[$0].name == entries[position].name }) {
                kept.append(position)
            }
        }
    }

    private func score(of position: Int) -> Double {
        entries[position].developmentScore ?? -.infinity
    }

    private func place(of name: String) -> Int? { ranked.first { entries[$0].name == name } }
}

extension ComparedSystems.Entry.Role {
    init(_ kind: ProbeReport.Kind) {
        self =
            switch kind {
            case .baseline: .baseline
            case .untrained: .untrained
            case .trained: .model
            }
    }

    init(_ kind: VerificationReport.Kind) {
        self =
            switch kind {
            case .baseline: .baseline
            case .untrained: .untrained
            case .trained, .stored: .model
            case .fusion: .fusion
            }
    }
}
