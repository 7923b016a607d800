import ApusSignal
import Foundation

/// Feature extractors that threads borrow one at a time.
///
/// `@unchecked` because an extractor is not Sendable: the pool hands each one to one thread and
/// takes it back before another gets it.
final class ExtractorPool: @unchecked Sendable {
    private let frontEnd: FrontEnd
    private let lock = NSLock()
    private var idle: [FeatureExtractor]

    init(_ frontEnd: FrontEnd) throws {
        self.frontEnd = frontEnd
        idle = [try FeatureExtractor(frontEnd)]
    }

    func features(
        of waveform: Waveform, source: String, ditherSeed: UInt64
    ) throws -> FeatureMatrix {
        let borrowed = lock.withLock { idle.popLast() }
        let extractor = try borrowed ?? FeatureExtractor(frontEnd)
        defer { lock.withLock { idle.append(extractor) } }
        return try extractor(waveform, source: source, ditherSeed: ditherSeed)
    }
}
