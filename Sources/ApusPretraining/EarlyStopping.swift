/// The rule by which a run ends that no longer improves on the held-out recordings.
package struct EarlyStopping {
    /// What the rule remembers.
    package struct State: Codable, Equatable {
        /// The lowest loss, and the step that it was found at.
        package var bestLoss: Double
        package var bestStep: Int
        /// The validations since, none of which improved.
        package var withoutImprovement: Int
    }

    private let options: PretrainingConfiguration.EarlyStopping
    /// What the rule remembers; nothing before the first finite loss.
    package private(set) var state: State?

    /// A rule.
    ///
    /// - Parameters:
    ///   - options: The patience, and what counts as an improvement.
    ///   - state: What it remembers of validations before.
    package init(_ options: PretrainingConfiguration.EarlyStopping, state: State?) {
        self.options = options
        self.state = state
    }

    /// Takes note of a validation.
    ///
    /// A loss that isn't finite never improves.
    ///
    /// - Parameters:
    ///   - loss: The loss on the held-out recordings.
    ///   - step: The step that it was found at.
    /// - Returns: Whether it improves on the lowest before.
    package mutating func improves(loss: Double, step: Int) -> Bool {
        let best = state?.bestLoss ?? .infinity
        if loss.isFinite, best == .infinity || loss < best - options.minimumImprovement {
            state = State(bestLoss: loss, bestStep: step, withoutImprovement: 0)
            return true
        }
        state?.withoutImprovement += 1
        return false
    }

    /// Whether the run is to end.
    package var ends: Bool {
        options.patience > 0 && (state?.withoutImprovement ?? 0) >= options.patience
    }
}
