import ApusSignal

/// Feature extractors that threads borrow one at a time.
///
/// An extractor is not Sendable: the pool hands each one to one thread and takes it back before
/// another gets it.
final class ExtractorPool: Sendable {
    private let frontEnd: FrontEnd
    private let idle: Monitor<[FeatureExtractor]>

    init(_ frontEnd: FrontEnd) throws {
        self.frontEnd = frontEnd
        idle = Monitor([try FeatureExtractor(frontEnd)])
    }

    func features(
        of waveform: Waveform, source: String, ditherSeed: UInt64?
    ) throws -> FeatureMatrix {
        let borrowed = idle.withLock { $0.popLast() }
        let extractor = try borrowed ?? FeatureExtractor(frontEnd)
        defer { idle.withLock { $0.append(extractor) } }
        return try extractor(waveform, source: source, ditherSeed: ditherSeed)
    }
}
