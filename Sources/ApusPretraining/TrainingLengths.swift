import ApusCorpus
import ApusSignal
import Foundation

/// How long the recordings of a run are, and which can be used.
///
/// Lengths come from the files' headers: a manifest need not give durations, and those that it gives may be
/// rounded. Where there are too many files to open, durations are taken at their word, less a frame.
struct TrainingLengths {
    /// The positions of the recordings without a problem.
    private(set) var usable: [UInt32] = []
    /// For each of them the frames that crops are planned for.
    private(set) var plannedFrameCounts: [UInt32] = []
    /// The recordings that can't be opened.
    private(set) var problems: [RecordingProblem] = []
    /// The number of recordings that are long enough.
    private(set) var usedCount = 0
    /// Their length (s).
    private(set) var usedSeconds = 0.0

    private let minimumFrames: Int
    private let frameRate: Double

    /// Measures recordings.
    ///
    /// - Parameters:
    ///   - table: The recordings.
    ///   - known: Those that are left out already, by their ids.
    ///   - store: Whose frames are counted.
    ///   - trustsDurations: Whether the manifest's durations count.
    ///   - minimumFrames: The fewest frames of a recording that is trained on.
    /// - Throws: `CorpusError` where a recording's line can't be read.
    init(
        of table: RecordingTable, without known: [String: String], store: FeatureStore,
        trustsDurations: Bool, minimumFrames: Int
    ) throws {
        self.minimumFrames = minimumFrames
        frameRate = store.frontEnd.frameRate
        let start = fnv1a(LengthBucketedSampler.cropStream.utf8)
        let leftOut = Set(known.keys.map { fnv1a($0.utf8, after: start) })
        usable.reserveCapacity(table.count)
        plannedFrameCounts.reserveCapacity(table.count)
        let blockSize = 4096
        for first in stride(from: 0, to: table.count, by: blockSize) {
            let block = (first..<min(first + blockSize, table.count)).filter {
                leftOut.isEmpty || !leftOut.contains(table.cropStreams[$0])
            }
            if trustsDurations, block.allSatisfy({ !table.durations[$0].isNaN }) {
                for index in block {
                    let seconds = table.durations[index]
                    add(index, store.length(ofSeconds: seconds), seconds: seconds)
                }
                continue
            }
            let cuts = try block.map { try table.cuts.cut(at: $0) }
            for ((index, cut), result) in zip(zip(block, cuts), store.lengths(of: cuts)) {
                switch result {
                case .success(let length): add(index, length, seconds: cut.duration)
                case .failure(let error):
                    problems.append(RecordingProblem(id: cut.id, reason: error.description))
                }
            }
        }
    }

    private mutating func add(_ index: Int, _ length: RecordingLength, seconds: Double?) {
        usable.append(UInt32(index))
        plannedFrameCounts.append(UInt32(clamping: length.plannedFrameCount))
        guard length.plannedFrameCount >= minimumFrames else { return }
        usedCount += 1
        usedSeconds += seconds ?? Double(length.frameCount) / frameRate
    }
}
