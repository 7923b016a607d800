/// Writes a `.npy` file of T x D features some frames at a time, in bounded memory.
///
/// The number of frames T may be unknown until the end. The file stands under a temporary name until
/// ``finish()``; of a writer that is dropped before, nothing is left. The bytes are those that
/// ``NumPyFile`` writes at once. An instance is used by one task at a time.
///
///     let writer = try NumPyFileWriter(path: "clip.npy", featureCount: 80)
///     while let frames = try more() { try writer.append(frames) }
///     try writer.finish()
public final class NumPyFileWriter {
    /// The number of features D in a frame.
    public let featureCount: Int
    /// The number of frames T that were added so far.
    public private(set) var frameCount = 0

    private let file: OutputFile
    private var isFinished = false

    /// Begins a file.
    ///
    /// - Parameters:
    ///   - path: The file's path; its folder must exist.
    ///   - featureCount: The number of features D in a frame.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    /// - Precondition: `featureCount` is not negative.
    public init(path: String, featureCount: Int) throws {
        precondition(featureCount >= 0, "a number of features is not negative")
        self.featureCount = featureCount
        file = try OutputFile(replacing: path)
        try file.append(NumPyFile.header(shape: [0, featureCount]))
    }

    /// Adds frames at the end.
    ///
    /// - Parameter features: Any number of frames of D features.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``; what was added before stays.
    /// - Precondition: The frames have D features, and the file is not finished.
    public func append(_ features: FeatureMatrix) throws {
        precondition(!isFinished, "a finished file takes no more frames")
        precondition(features.featureCount == featureCount, "frames of \(featureCount) features")
        try file.append(littleEndian: features.values)
        frameCount += features.frameCount
    }

    /// Writes the number of frames into the header, and gives the file its path.
    ///
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``; nothing is left of the file then.
    /// - Precondition: The file is not finished.
    public func finish() throws {
        precondition(!isFinished, "a file is finished once")
        try file.overwrite(NumPyFile.header(shape: [frameCount, featureCount]), at: 0)
        try file.commit()
        isFinished = true
    }
}
