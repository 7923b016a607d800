import ApusCorpus

/// What can be wrong with what is probed, or with a classifier's file.
public enum ProbingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The model has no hidden state of this name.
    case noSuchLayer(path: String, layer: String, layers: [String])
    /// A file that holds no classifier.
    case notAClassifier(path: String, reason: String)
    /// The training part has fewer than two classes.
    case tooFewClasses(path: String, classes: [String], reason: String)
    /// A part has no recording that can be used.
    case nothingLeft(path: String, reason: String)
    /// A part has labels that the training part lacks, each with its number of recordings.
    case unknownLabels(part: String, counts: [String: Int])
    /// Timed labels that can't be used.
    case badEvents(id: String, reason: String)
    /// A file that holds no detector of sound events.
    case notADetector(path: String, reason: String)
    /// An option has a value that can't be used.
    case badOption(option: String, expected: String, found: String)
    /// A recording that was readable no longer is.
    case recordingLost(id: String, reason: String)
    /// Too little was given to fit a model to.
    case cannotFit(what: String, reason: String)
    /// Trials that can't be scored or measured.
    case badTrials(path: String, reason: String)
    /// Answers of a run that can't be compared with another's.
    case badAnswers(path: String, reason: String)
    /// A file of embeddings that can't be used.
    case badEmbeddings(path: String, reason: String)

    /// A sentence for the person who runs the command.
    public var description: String {
        switch self {
        case .noSuchLayer(let path, let layer, let layers):
            return "\(path): no layer '\(layer)'; there are \(layers.joined(separator: ", "))"
        case .badEvents(let id, let reason):
            return "\(id): \(reason)"
        case .notAClassifier(let path, let reason), .notADetector(let path, let reason):
            return "\(path): \(reason)"
        case .tooFewClasses(let path, let classes, let reason):
            return "\(path): expected at least two classes to tell apart, found "
                + (classes.isEmpty ? "none" : "only '\(classes.joined(separator: "', '"))'")
                + (reason.isEmpty ? "" : " (\(reason))")
        case .nothingLeft(let path, let reason):
            return "\(path): no recording can be used: \(reason)"
        case .unknownLabels(let part, let counts):
            let names = counts.keys.sorted().prefix(8).joined(separator: ", ")
            return "\(part): \(counts.values.reduce(0, +)) recordings of \(counts.count) classes "
                + "that the training part lacks: \(names)"
        case .badOption(let option, let expected, let found):
            return "\(option): expected \(expected), found \(found)"
        case .recordingLost(let id, let reason):
            return "\(id): could be read before and no longer can: \(reason)"
        case .cannotFit(let what, let reason):
            return "\(what) can't be fitted: \(reason)"
        case .badTrials(let path, let reason), .badEmbeddings(let path, let reason),
            .badAnswers(let path, let reason):
            return "\(path): \(reason)"
        }
    }
}
