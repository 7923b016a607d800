/// What is wrong with a corpus, a manifest or a recording in it.
public enum CorpusError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file or folder could not be read.
    case unreadable(path: String, reason: String)
    /// A file could not be written.
    case cannotWrite(path: String, reason: String)
    /// A line of a manifest is not a usable cut.
    case malformedLine(path: String, line: Int, reason: String)
    /// Two lines of a manifest carry the same id.
    case duplicateID(path: String, line: Int, id: String, firstLine: Int)
    /// A tar archive is not as its format says, at a place in bytes.
    case malformedShard(path: String, offset: Int, reason: String)
    /// A folder does not hold what a preparer looks for.
    case nothingFound(path: String, expected: String)
    /// No preparer has this name.
    case unknownPreparer(name: String, known: [String])
    /// The fractions of a split are negative or do not add up to 1.
    case invalidFractions(train: Double, development: Double, test: Double)
    /// An option of the augmentation has a value that cannot be used.
    case invalidAugmentation(option: String, expected: String, found: String)
    /// The features of a cut could not be made.
    case badRecording(id: String, path: String, reason: String)
    /// What is at a path was made in another way than what is to be added.
    case otherFeatures(path: String, reason: String)
    /// None of the cuts can be used.
    case noUsableCuts(reason: String)
    /// Trials that can't be listed.
    case unusableTrials(path: String, reason: String)
    /// Recordings that a list of trials names and no manifest has, some of them, and how many match
    /// several files.
    case unknownRecordings(
        path: String, manifest: String, count: Int, total: Int, examples: [String], ambiguous: Int)

    /// The fault in one sentence.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            return "\(path): cannot be read: \(reason)"
        case .cannotWrite(let path, let reason):
            return "\(path): cannot be written: \(reason)"
        case .malformedLine(let path, let line, let reason):
            return "\(path):\(line): \(reason)"
        case .duplicateID(let path, let line, let id, let firstLine):
            return "\(path):\(line): the id '\(id)' is already that of line \(firstLine)"
        case .malformedShard(let path, let offset, let reason):
            return "\(path): at byte \(offset): \(reason)"
        case .nothingFound(let path, let expected):
            return "\(path): found nothing of the kind \(expected)"
        case .unknownPreparer(let name, let known):
            return "no preparer is called '\(name)'; there are \(known.joined(separator: ", "))"
        case .invalidFractions(let train, let development, let test):
            return "the fractions \(train), \(development) and \(test) are not a split:"
                + " expected none negative and a sum of 1"
        case .invalidAugmentation(let option, let expected, let found):
            return "augmentation.\(option): is \(found), expected \(expected)"
        case .badRecording(let id, let path, let reason):
            // A reason may name the path already, and an id may be the path.
            let named = reason.hasPrefix(path + ":") ? reason : "\(path): \(reason)"
            return id == path ? named : "\(id): \(named)"
        case .otherFeatures(let path, let reason):
            return "\(path): \(reason)"
        case .unusableTrials(let path, let reason):
            return "\(path): \(reason)"
        case .noUsableCuts(let reason):
            return "no usable cuts: \(reason)"
        case .unknownRecordings(
            let path, let manifest, let count, let total, let examples, let ambiguous):
            let names = examples.joined(separator: ", ") + (count > examples.count ? ", ..." : "")
            return "\(path): \(count) of the \(total) recordings that it names are not in "
                + "\(manifest): \(names)"
                + (ambiguous > 0 ? " (\(ambiguous) fit several files and need a longer path)" : "")
        }
    }
}
