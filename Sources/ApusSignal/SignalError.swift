/// What can go wrong between a file on disk and its features.
///
/// Every case carries the path of the file, or ``inMemory`` where the samples came from none.
public enum SignalError: Error, Equatable, Sendable {
    /// The name that stands in for a path where samples were not read from a file.
    public static let inMemory = "samples in memory"

    /// There is no file at the path.
    case missingFile(path: String)
    /// The file is there, but the system or libsndfile cannot read it.
    case unreadable(path: String, reason: String)
    /// The file holds no bytes.
    case emptyFile(path: String)
    /// The content is no audio that libsndfile knows.
    case notAudio(path: String, reason: String)
    /// The file is audio, but holds not one frame.
    case noSamples(path: String)
    /// The file ends before its header says: frames expected (if the format says) and found.
    case truncated(path: String, expected: Int?, found: Int)
    /// A sample is NaN or infinite; the index counts frames from the start of the file.
    case nonFinite(path: String, index: Int)
    /// Samples are numbers, but so large that their powers, as 32-bit floats, may be none: the
    /// largest that the front end takes.
    case samplesTooLarge(path: String, limit: Float)
    /// A feature of the frame, counted from 0, is NaN or infinite: options of the front end make
    /// numbers too large for 32-bit floats.
    case nonFiniteFeatures(path: String, frame: Int)
    /// The clip is shorter than one analysis frame: samples there, samples needed.
    case tooShort(path: String, samples: Int, needed: Int)
    /// The segment of `count` frames from `start` does not lie in the file's `frameCount` frames.
    case segmentOutside(path: String, start: Int, count: Int, frameCount: Int)
    /// The sample rate, in Hz, is not one to work with.
    case unsupportedSampleRate(path: String, sampleRate: Int)
    /// The channel, counted from 0, is not one of the file's.
    case noSuchChannel(path: String, channel: Int, channelCount: Int)
    /// Resampling is not possible between the two rates, or libsoxr refused.
    case resamplingFailed(path: String, reason: String)
    /// The text is not a description of headerless samples: the part that is wrong.
    case invalidRawFormat(part: String, expected: String, found: String)
    /// An option of a front end has a value that cannot be used.
    case invalidFrontEnd(option: String, expected: String, found: String)
    /// The file is not a `.npy` array of 32-bit floats in C order.
    case notNumPy(path: String, reason: String)
    /// An archive of features is not as its format says, at the record with the key if one is known.
    case malformedArchive(path: String, key: String?, reason: String)
    /// An archive has no record with the key.
    case noSuchKey(path: String, key: String)
    /// A record cannot have the key in an archive.
    case invalidKey(path: String, key: String, reason: String)
    /// The file could not be written.
    case cannotWrite(path: String, reason: String)
}

extension SignalError: CustomStringConvertible {
    /// The error in words, path first.
    public var description: String {
        switch self {
        case .missingFile(let path):
            "\(path): there is no such file"
        case .unreadable(let path, let reason):
            "\(path): cannot be read (\(reason))"
        case .emptyFile(let path):
            "\(path): the file is empty (0 bytes)"
        case .notAudio(let path, let reason):
            "\(path): not an audio file that libsndfile reads (\(reason))"
        case .noSamples(let path):
            "\(path): an audio file without a single sample"
        case .truncated(let path, let expected?, let found):
            "\(path): truncated: its header says \(expected) frames, \(found) can be read"
        case .truncated(let path, nil, let found):
            "\(path): truncated: it stops after \(found) frames, before its end"
        case .nonFinite(let path, let index):
            "\(path): sample \(index) is not a finite number"
        case .samplesTooLarge(let path, let limit):
            "\(path): samples beyond \(limit) are too large to compute features of"
        case .nonFiniteFeatures(let path, let frame):
            "\(path): frame \(frame) of its features is not finite"
        case .tooShort(let path, let samples, let needed):
            "\(path): too short: \(samples) samples, one frame needs \(needed)"
        case .segmentOutside(let path, let start, let count, let frameCount):
            "\(path): the segment of \(count) frames from frame \(start) does not lie in the "
                + "file's \(frameCount) frames"
        case .unsupportedSampleRate(let path, let sampleRate):
            "\(path): a sample rate of \(sampleRate) Hz cannot be used; expected 1 Hz or more"
        case .noSuchChannel(let path, let channel, let channelCount):
            "\(path): no channel \(channel): the file has \(channelCount) "
                + "(channels count from 0)"
        case .resamplingFailed(let path, let reason):
            "\(path): cannot be resampled (\(reason))"
        case .invalidRawFormat(let part, let expected, let found):
            "raw \(part): expected \(expected), found \(found)"
        case .invalidFrontEnd(let option, let expected, let found):
            "front end: \(option): expected \(expected), found \(found)"
        case .notNumPy(let path, let reason):
            "\(path): not a .npy array of 32-bit floats (\(reason))"
        case .malformedArchive(let path, let key, let reason):
            path + (key.map { ": record '\($0)'" } ?? "") + ": \(reason)"
        case .noSuchKey(let path, let key):
            "\(path): has no record '\(key)'"
        case .invalidKey(let path, let key, let reason):
            "\(path): a record cannot be called '\(key)': \(reason)"
        case .cannotWrite(let path, let reason):
            "\(path): cannot be written (\(reason))"
        }
    }
}
