import ApusSignal

/// The features of cuts, kept in memory once they were made.
///
/// It can be used from any thread; features are made outside the lock. Once the cache is full
/// nothing is added or thrown out: under an endless shuffled walk over a corpus that does not fit,
/// that keeps the largest share of hits.
public final class FeatureStore: Sendable {
    /// How samples become features.
    public let frontEnd: FrontEnd
    /// The number of bytes of features that are kept.
    public let cacheByteLimit: Int

    /// What the features of a cut depend on: its place in its file, and its id where dither is drawn.
    private struct Key: Hashable {
        var id: String
        var audioPath: String
        var offset: Double
        var duration: Double?
        var channel: Int?
    }
    private struct Cache {
        var matrices: [Key: FeatureMatrix] = [:]
        var byteCount = 0
    }
    private let cache = Monitor(Cache())
    private let extractors: ExtractorPool

    /// Makes an empty store.
    ///
    /// - Parameters:
    ///   - frontEnd: How samples become features.
    ///   - cacheByteLimit: The number of bytes of features to keep; 0 keeps none.
    /// - Throws: `SignalError.invalidFrontEnd` where the front end's options cannot be used.
    public init(frontEnd: FrontEnd, cacheByteLimit: Int = 1 << 30) throws {
        self.frontEnd = frontEnd
        self.cacheByteLimit = cacheByteLimit
        extractors = try ExtractorPool(frontEnd)
    }

    /// The number of bytes of features in the cache.
    public var cachedByteCount: Int { cache.withLock { $0.byteCount } }

    /// The features of a cut, T x D: the same bits whether they were cached or not.
    ///
    /// - Parameter cut: The cut.
    /// - Returns: The features.
    /// - Throws: `CorpusError.badRecording` with the id of the cut and the reason.
    public func features(of cut: Cut) throws(CorpusError) -> FeatureMatrix {
        let key = Key(
            id: cut.id, audioPath: cut.audioPath, offset: cut.offset, duration: cut.duration,
            channel: cut.channel)
        if let cached = cache.withLock({ $0.matrices[key] }) { return cached }
        let matrix: FeatureMatrix
        do {
            let waveform = try Waveform(
                contentsOf: cut.audioPath, offset: cut.offset, duration: cut.duration,
                channels: cut.channelSelection, sampleRate: frontEnd.sampleRate)
            matrix = try extractors.features(
                of: waveform, source: cut.audioPath, ditherSeed: fnv1a(cut.id.utf8))
        } catch {
            throw badRecording(cut, error)
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
    public func features(
        of cuts: [Cut], workers: Int = 2
    ) -> [Result<FeatureMatrix, CorpusError>] {
        concurrentMap(cuts, workers: workers) { cut in
            do throws(CorpusError) {
                return .success(try self.features(of: cut))
            } catch {
                return .failure(error)
            }
        }
    }

    /// The number of frames that the features of each cut have, from the files' headers alone.
    ///
    /// A file that ends before its header says is found only when its features are made.
    ///
    /// - Parameters:
    ///   - cuts: The cuts.
    ///   - workers: How many files are opened at a time.
    /// - Returns: The number of frames or the problem of each cut, in the order of the cuts.
    public func frameCounts(of cuts: [Cut], workers: Int = 2) -> [Result<Int, CorpusError>] {
        concurrentMap(cuts, workers: workers) { cut in
            do {
                return .success(try self.frameCount(of: cut))
            } catch {
                return .failure(badRecording(cut, error))
            }
        }
    }

    private func frameCount(of cut: Cut) throws -> Int {
        let file = try SoundFile(path: cut.audioPath)
        let start = Waveform.sampleCount(seconds: cut.offset, sampleRate: file.sampleRate)
        var count = max(0, file.frameCount - start)
        if let duration = cut.duration {
            let wanted = Waveform.sampleCount(seconds: duration, sampleRate: file.sampleRate)
            count = min(count, wanted)
        }
        // Resampling makes ceil(N * rate / file's rate) samples of N.
        let product = count * frontEnd.sampleRate
        let resampled = product / file.sampleRate + (product % file.sampleRate == 0 ? 0 : 1)
        return frontEnd.frameCount(sampleCount: resampled)
    }
}

private func badRecording(_ cut: Cut, _ error: any Error) -> CorpusError {
    .badRecording(id: cut.id, path: cut.audioPath, reason: ReadingProblem(error).reason)
}

extension Cut {
    /// The channels to read: the one that is named, or the mean of all.
    var channelSelection: ChannelSelection { channel.map { .channel($0) } ?? .mean }
}
