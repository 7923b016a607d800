import ApusCorpus

/// What speaks against figures of verification before they are measured: recordings of the test trials that
/// other parts have under another name, and impostors that the room gives away.
struct VerificationDoubts {
    /// What was found, in sentences.
    private(set) var warnings: [String] = []

    /// Looks at trials.
    ///
    /// - Parameters:
    ///   - trials: The test trials.
    ///   - cuts: All recordings; trials name their positions.
    ///   - parts: What else is used: a name, and positions.
    ///   - workers: How many files are read at a time.
    init(
        _ trials: VerificationData.Trials, cuts: [Cut], parts: [(name: String, rows: [Int])],
        workers: Int
    ) {
        let tested = Set(trials.first).union(trials.second).sorted().map(Int.init)
        let leaks = RecordingLeaks(cuts, workers: workers)
        for part in parts where !part.rows.isEmpty {
            // One recording under one name is told of apart.
            let own = Set(part.rows)
            let found = leaks.find(tested.filter { !own.contains($0) }, in: part.rows)
            for (positions, relation) in [
                (found.sameAudio, "have the same bytes as one"),
                (found.sameSource, "are from the same source as one"),
            ] {
                guard let first = positions.first else { continue }
                warnings.append(
                    "\(positions.count) recordings of the test trials \(relation) of the \(part.name), so "
                        + "that figures come out too good; the first: \(cuts[first].id)")
            }
        }
        for key in DataDoubts.conditions { warnOfCondition(key, trials, cuts, tested) }
    }

    private mutating func warnOfCondition(
        _ key: String, _ trials: VerificationData.Trials, _ cuts: [Cut], _ tested: [Int]
    ) {
        var values = [String?](repeating: nil, count: cuts.count)
        for row in tested {
            guard let value = cuts[row].text(of: key) else { return }
            values[row] = value
        }
        var names: [String: Int32] = [:]
        let numbers = values.map { value -> Int32 in
            guard let value else { return -1 }
            if let known = names[value] { return known }
            names[value] = Int32(names.count)
            return Int32(names.count - 1)
        }
        guard names.count > 1 else { return }
        var (apart, same) = (0, 0)
        for index in trials.isTarget.indices {
            let isSame = numbers[Int(trials.first[index])] == numbers[Int(trials.second[index])]
            if trials.isTarget[index] {
                if !isSame { apart += 1 }
            } else if isSame {
                same += 1
            }
        }
        let impostors = trials.isTarget.count - trials.targetCount
        if apart == 0, 2 * same < impostors {
            warnings.append(
                "every pair of one speaker is of one \(key), and \(same) of \(impostors) impostors are: the "
                    + "\(key) may be what is told apart")
        }
    }
}
