import ApusSignal
import Foundation

/// What preparing a corpus takes and leaves.
public struct PreparationOptions: Hashable, Sendable, Codable {
    /// The shortest clip to keep, in seconds.
    public var minimumDuration: Double
    /// How many files are read at a time.
    public var workers: Int

    /// Makes options.
    ///
    /// - Parameters:
    ///   - minimumDuration: The shortest clip to keep, in seconds.
    ///   - workers: How many files are read at a time; nil means one for each core, at least 2.
    public init(minimumDuration: Double = 0.25, workers: Int? = nil) {
        self.minimumDuration = minimumDuration
        self.workers = workers ?? max(2, ProcessInfo.processInfo.activeProcessorCount)
    }
}

/// The cuts of a prepared corpus and what was left behind.
public struct Preparation: Hashable, Sendable {
    /// The cuts, with their durations, in the order of their ids.
    public var cuts: [Cut]
    /// The account of every file.
    public var summary: PreparationSummary
}

/// Makes cuts from a corpus on disk.
///
/// Each file is decoded to its end, so that a cut in a manifest is one that can be read. Files that
/// cannot be read, clips that are too short and files with the bytes of an earlier one (they would
/// leak across splits) are dropped, and each is listed. The result does not depend on the number of
/// workers.
///
/// - Parameters:
///   - folder: The corpus's folder.
///   - preparer: The reader of the corpus's layout.
///   - options: What to take and leave.
/// - Returns: The cuts and the account of every file.
/// - Throws: `CorpusError` where the folder is not such a corpus. A bad file never throws.
public func prepare(
    folder: String, with preparer: any Preparer, options: PreparationOptions = .init()
) throws -> Preparation {
    let scan = try preparer.scan(folder)
    let found = scan.cuts.sorted { $0.id < $1.id }
    let measured = concurrentMap(found, workers: options.workers, measuredCut)

    var dropped = scan.leftOut
    var usable: [Cut] = []
    for (cut, result) in zip(found, measured) {
        switch result {
        case .failure(let problem):
            dropped.append(
                DroppedFile(path: cut.audioPath, reason: .unreadable, detail: problem.reason))
        case .success(let cut):
            let seconds = cut.duration ?? 0
            if seconds < options.minimumDuration {
                dropped.append(
                    DroppedFile(
                        path: cut.audioPath, reason: .tooShort,
                        detail: "\(seconds) s, expected \(options.minimumDuration) s or more"))
            } else {
                usable.append(cut)
            }
        }
    }

    let originals = originalFiles(of: usable.map(\.audioPath), workers: options.workers)
    var kept: [Cut] = []
    for cut in usable {
        if let original = originals[cut.audioPath] {
            dropped.append(
                DroppedFile(
                    path: cut.audioPath, reason: .duplicate,
                    detail: "the same bytes as \(original)"))
        } else {
            kept.append(cut)
        }
    }
    dropped.sort { $0.path < $1.path }

    let speakers = kept.compactMap(\.speaker).map { ($0, 1) }
    let summary = PreparationSummary(
        found: found.count + scan.leftOut.count, kept: kept.count,
        totalSeconds: kept.reduce(0) { $0 + ($1.duration ?? 0) },
        cutsOfSpeaker: Dictionary(speakers, uniquingKeysWith: +), dropped: dropped)
    return Preparation(cuts: kept, summary: summary)
}

/// A reason in words why something could not be read.
struct ReadingProblem: Error {
    var reason: String

    init(_ error: any Error) {
        reason = "\(error)"
    }
}

/// The cut with the duration that can be decoded.
private func measuredCut(_ cut: Cut) -> Result<Cut, ReadingProblem> {
    Result {
        let waveform = try Waveform(
            contentsOf: cut.audioPath, offset: cut.offset, duration: cut.duration,
            channels: cut.channelSelection)
        var measured = cut
        measured.duration = waveform.duration
        return measured
    }.mapError(ReadingProblem.init)
}
