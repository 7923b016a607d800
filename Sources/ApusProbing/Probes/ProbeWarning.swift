import ApusCorpus

/// Something about the data of a run of probes that its reader should know.
public enum ProbeWarning: Equatable, Sendable, CustomStringConvertible {
    /// Recordings of a part without a label are left out.
    case unlabelled(part: String, count: Int, total: Int)
    /// Recordings of a part with labels that the training part lacks are left out.
    case unknownLabels(part: String, counts: [String: Int], total: Int)
    /// Recordings of a part that can't be read or are too short are left out.
    case unusable(part: String, problems: [RecordingProblem], total: Int)
    /// Classes without a recording in the test part: no figure tells about them.
    case untestedClasses([String])
    /// Recordings of a part that the training part has too: figures come out too high.
    case sharedWithTraining(part: String, count: Int)

    /// A sentence for the person who runs the command.
    public var description: String {
        func some(_ names: [String]) -> String {
            names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", ..." : "")
        }
        switch self {
        case .unlabelled(let part, let count, let total):
            return "\(part): \(count) of \(total) recordings have no label and are left out"
        case .unknownLabels(let part, let counts, let total):
            return
                "\(part): \(counts.values.reduce(0, +)) of \(total) recordings are left out: the "
                + "training part has nothing of \(some(counts.keys.sorted()))"
        case .unusable(let part, let problems, let total):
            let first = problems.first.map { "; the first: \($0.reason)" } ?? ""
            return
                "\(part): \(problems.count) of \(total) recordings can't be used and are left out"
                + first
        case .untestedClasses(let classes):
            return "\(classes.count) classes have no recording in the test part: \(some(classes))"
        case .sharedWithTraining(let part, let count):
            return
                "\(part): \(count) recordings are in the training part too, so that figures come "
                + "out too high"
        }
    }
}
