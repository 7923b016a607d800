/// What can be wrong with a file of weights.
public enum NNError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file isn't there.
    case missingFile(path: String)
    /// The file isn't a safetensors file, or is damaged.
    case notSafetensors(path: String, reason: String)
    /// The file isn't a checkpoint of PyTorch that can be read, or is damaged.
    case notCheckpoint(path: String, reason: String)
    /// The weights are another model's.
    case weightsDoNotFit(path: String, reason: String)
    /// The file cannot be written.
    case cannotWrite(path: String, reason: String)

    /// A sentence for the person who runs the command.
    public var description: String {
        switch self {
        case .missingFile(let path): "\(path): no such file"
        case .notSafetensors(let path, let reason):
            "\(path): not a whole safetensors file: \(reason)"
        case .notCheckpoint(let path, let reason):
            "\(path): not a checkpoint of PyTorch that can be read: \(reason)"
        case .weightsDoNotFit(let path, let reason):
            "\(path): the weights do not fit the model: \(reason)"
        case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
        }
    }
}
