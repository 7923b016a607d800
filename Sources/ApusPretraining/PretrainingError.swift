/// What can be wrong with a configuration, a run's folder or a model file.
public enum PretrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file isn't there.
    case missingFile(path: String)
    /// A configuration file that isn't YAML.
    case notYAML(path: String, reason: String)
    /// A key that no option has.
    case unknownKey(key: String, nearest: String?, source: String)
    /// A value that an option can't have.
    case badValue(key: String, reason: String, source: String)
    /// A file that isn't a model of Apus.
    case notAModel(path: String, reason: String)
    /// A folder or checkpoint that can't be imported.
    case notImportable(path: String, reason: String)
    /// A model that has no form in another format.
    case notExportable(path: String, reason: String)
    /// Units that can't be found, or a file that doesn't hold those that a configuration wants.
    case notUnits(path: String, reason: String)
    /// Fewer frames than centroids.
    case tooFewFrames(found: Int, wanted: Int)
    /// Features of another front end than the model was trained on.
    case otherFrontEnd(path: String, differences: [String])
    /// The run's folder holds a run of another configuration.
    case otherConfiguration(path: String, differences: [String])
    /// No recording is long enough to train on.
    case nothingToTrainOn(path: String, reason: String)
    /// No held-out recording is long enough to validate on.
    case nothingToValidateOn(path: String, reason: String)
    /// The loss or its gradient was not a finite number many times in a row.
    case diverged(step: Int, times: Int, recordings: [String])
    /// Processes that can't train the same model.
    case processesDiffer(String)
    /// A file or folder that can't be written.
    case cannotWrite(path: String, reason: String)

    /// A sentence for the person who runs the command.
    public var description: String {
        switch self {
        case .missingFile(let path): return "\(path): no such file"
        case .notYAML(let path, let reason): return "\(path): not YAML: \(reason)"
        case .unknownKey(let key, let nearest, let source):
            let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
            return "\(source): no option is named '\(key)'\(hint)"
        case .badValue(let key, let reason, let source): return "\(source): \(key): \(reason)"
        case .notAModel(let path, let reason): return "\(path): not a model of Apus: \(reason)"
        case .notImportable(let path, let reason):
            return "\(path): can't be imported: \(reason)"
        case .notExportable(let path, let reason):
            return "\(path): can't be exported: \(reason)"
        case .notUnits(let path, let reason): return "\(path): not the units wanted: \(reason)"
        case .tooFewFrames(let found, let wanted):
            return "\(found) frames for \(wanted) centroids: more recordings, or fewer centroids"
        case .otherFrontEnd(let path, let differences):
            return "\(path): the model was trained on features of another front end: "
                + differences.joined(separator: "; ")
        case .otherConfiguration(let path, let differences):
            return "\(path): holds a run of another configuration ("
                + differences.joined(separator: "; ")
                + "); choose another folder, or remove this one"
        case .nothingToTrainOn(let path, let reason):
            return "\(path): nothing to train on: \(reason)"
        case .nothingToValidateOn(let path, let reason):
            return "\(path): nothing to validate on: \(reason)"
        case .diverged(let step, let times, let recordings):
            return "the loss or its gradient was not a finite number \(times) times in a row, last "
                + "at step \(step) with the recordings \(recordings.prefix(8).joined(separator: ", ")); "
                + "lower optimizer.rate or use precision: float32"
        case .processesDiffer(let difference): return difference
        case .cannotWrite(let path, let reason): return "\(path): cannot be written: \(reason)"
        }
    }
}
