import ApusSignal
import Synchronization

/// The features of cuts, kept in memory once they were made.
///
/// It can be used from any thread. Features are made outside the lock, each thread with an
/// extractor of its own. Once the cache is full nothing is added or thrown out: under an endless
/// shuffled walk over a corpus that does not fit, that keeps the largest share of hits.
public final class FeatureStore: Sendable {
    /// How samples become features.
    public let frontEnd: FrontEnd
    /// The number of bytes of features that are kept.
    public let cacheByteLimit: Int

    private struct Key: Hashable {
        var audioPath: String
        var offset: Double
        var duration: Double?
        var channel: Int?
    }
    private struct Cache {
        var matrices: [Key: FeatureMatrix] = [:]
        var byteCount = 0
    }
    private let cache = Mutex(Cache())
    private let idleExtractors = Mutex<[FeatureExtractor]>([])

    /// Makes an empty store.
    ///
    /// - Parameters:
    ///   - frontEnd: How samples become features.
    ///   - cacheByteLimit: The number of bytes of features to keep; 0 keeps none.
    /// - Throws: `SignalError` where the front end's options cannot be used.
    public init(frontEnd: FrontEnd, cacheByteLimit: Int = 1 << 30) throws {
        self.frontEnd = frontEnd
        self.cacheByteLimit = cacheByteLimit
        let extractor = try FeatureExtractor(frontEnd)
        idleExtractors.withLock { $0.append(extractor) }
    }

    /// The number of bytes of features in the cache.
    public var cachedByteCount: Int { cache.withLock { $0.byteCount } }

    /// The features of a cut, T x D, the same bits whether they were cached or not.
    ///
    /// - Parameter cut: The cut.
    /// - Returns: The features.
    /// - Throws: `CorpusError.badRecording` with the id of the cut and the reason.
    public func features(of cut: Cut) throws -> FeatureMatrix {
        let key = Key(
            audioPath: cut.audioPath, offset: cut.offset, duration: cut.duration,
            channel: cut.channel)
        if let cached = cache.withLock({ $0.matrices[key] }) { return cached }
        let matrix: FeatureMatrix
        do {
            let waveform = try Waveform(
                contentsOf: cut.audioPath, offset: cut.offset, duration: cut.duration,
                channels: cut.channelSelection, sampleRate: frontEnd.sampleRate)
            let idle = idleExtractors.withLock { $0.popLast() }
            let extractor = try idle ?? FeatureExtractor(frontEnd)
            defer { idleExtractors.withLock { $0.append(extractor) } }
            matrix = try extractor(waveform)
        } catch {
            throw CorpusError.badRecording(
                id: cut.id, path: cut.audioPath, reason: ReadingProblem(error).reason)
        }
        let size = matrix.values.count * MemoryLayout<Float>.stride
        cache.withLock {
            if $0.byteCount + size <= cacheByteLimit,
                $0.matrices.updateValue(matrix, forKey: key) == nil
            {
                $0.byteCount += size
            }
        }
        return matrix
    }

    /// The features of every cut, made by several threads.
    ///
    /// - Parameters:
    ///   - cuts: The cuts.
    ///   - workers: How many are made at a time.
    /// - Returns: The features or the problem of each cut, in the order of the cuts.
    public func results(
        of cuts: [Cut], workers: Int = 2
    ) -> [Result<FeatureMatrix, CorpusError>] {
        concurrentMap(cuts, workers: workers) { cut in
            do throws(CorpusError) {
                return .success(try self.matrix(of: cut))
            } catch {
                return .failure(error)
            }
        }
    }

    /// The features that a plan asks for, as one batch.
    ///
    /// A cut whose features cannot be made, or that has fewer frames than its crop, is left out and
    /// reported. A crop that would end after the last frame is moved back.
    ///
    /// - Parameters:
    ///   - plan: The crops.
    ///   - cuts: The list that the plan's positions refer to.
    /// - Returns: The batch, which may be smaller than the plan or empty, and the problems.
    public func batch(
        for plan: BatchPlan, of cuts: [Cut]
    ) -> (batch: FeatureBatch, problems: [RecordingProblem]) {
        var ids: [String] = []
        var lengths: [Int] = []
        var crops: [(matrix: FeatureMatrix, start: Int)] = []
        var problems: [RecordingProblem] = []
        for item in plan.items {
            let cut = cuts[item.cutIndex]
            do {
                let matrix = try features(of: cut)
                guard matrix.frameCount >= item.length else {
                    let found = "expected \(item.length) frames, found \(matrix.frameCount)"
                    problems.append(
                        RecordingProblem(id: cut.id, reason: "\(cut.audioPath): \(found)"))
                    continue
                }
                ids.append(cut.id)
                lengths.append(item.length)
                crops.append((matrix, min(item.start, matrix.frameCount - item.length)))
            } catch {
                problems.append(
                    RecordingProblem(id: cut.id, reason: ReadingProblem(error).reason))
            }
        }

        let frameCount = lengths.max() ?? 0
        let featureCount = crops.first?.matrix.featureCount ?? 0
        var features: [Float] = []
        features.reserveCapacity(crops.count * frameCount * featureCount)
        for ((matrix, start), length) in zip(crops, lengths) {
            let rows = (start * featureCount)..<((start + length) * featureCount)
            features.append(contentsOf: matrix.values[rows])
            features.append(
                contentsOf: repeatElement(0, count: (frameCount - length) * featureCount))
        }
        let batch = FeatureBatch(
            epoch: plan.epoch, index: plan.index, seed: plan.seed, ids: ids, features: features,
            lengths: lengths, frameCount: frameCount, featureCount: featureCount)
        return (batch, problems)
    }
}

extension Cut {
    /// The channels to read: the one that is named, or the mean of all.
    var channelSelection: ChannelSelection { channel.map { .channel($0) } ?? .mean }
}
