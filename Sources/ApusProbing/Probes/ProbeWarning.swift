import ApusCorpus

/// Something about the data of a run of probes that its reader should know.
public enum ProbeWarning: Equatable, Sendable, CustomStringConvertible {
    /// Recordings of a part without a label are left out.
    case unlabelled(part: String, count: Int, total: Int)
    /// Recordings of a part with labels that the training part lacks are left out.
    case unknownLabels(part: String, counts: [String: Int], total: Int)
    /// Events that the training part lacks: missed each time.
    case unknownEvents([String])
    /// Recordings of a part that can't be read or are too short are left out.
    case unusable(part: String, problems: [RecordingProblem], total: Int)
    /// Classes without a recording in the test part: no figure tells about them.
    case untestedClasses([String])
    /// Recordings of a part that the training part has too: figures come out too high.
    case sharedWithTraining(part: String, count: Int)

    /// Classes that one group alone has: left out, as nothing could be learned about them.
    case classesInOneGroup(key: String, classes: [String])
    /// Classes whose recordings were all made under one condition, which may be what is told.
    case oneCondition(key: String, classes: [String])
    /// Recordings measured on that stem from a source recording that others learn from or choose on.
    case sharedSource(count: Int, first: String)
    /// Recordings measured on with the bytes of one that others learn from or choose on.
    case sharedAudio(count: Int, first: String)
    /// Recordings measured on that layers and regularisation are chosen on: figures come out too high.
    case chosenOnTest(count: Int, total: Int)
    /// Classes with a single recording to learn from.
    case singleExamples([String], className: String)
    /// Labels that look like one, or like two.
    case spellings(LabelSpellings, className: String)

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
        case .unknownEvents(let labels):
            return "events that the training part has nothing of: \(some(labels))"
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
        case .classesInOneGroup(let key, let classes):
            return
                "\(classes.count) classes are in one \(key) only and are left out, as no other has "
                + "anything of them: \(some(classes))"
        case .oneCondition(let key, let classes):
            return
                "\(classes.count) classes have recordings of one \(key) only, so that the \(key) may "
                + "be what is told apart: \(some(classes))"
        case .sharedSource(let count, let first):
            return
                "\(count) test recordings are from a source that the other parts have too, so that "
                + "figures come out too high; the first: \(first)"
        case .sharedAudio(let count, let first):
            return
                "\(count) test recordings have the same bytes as one of the other parts, so that "
                + "figures come out too high; the first: \(first)"
        case .chosenOnTest(let count, let total):
            return
                "\(count) of \(total) test recordings are in the development part too: what is chosen is "
                + "chosen on them, so that figures come out too high"
        case .singleExamples(let classes, let className):
            return
                (classes.count == 1
                ? "1 \(className) has" : "\(classes.count) \(className.plural) have")
                + " a single recording to learn from: \(some(classes))"
        case .spellings(let spellings, let className):
            return spellings.warnings(plural: className.plural).joined(separator: "; ")
        }
    }
}
