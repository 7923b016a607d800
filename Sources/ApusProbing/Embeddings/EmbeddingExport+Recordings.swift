import ApusCorpus
import ApusPretraining
import ApusSignal

extension EmbeddingExport {
    /// What became of a recording.
    public enum Outcome: Sendable {
        /// Its embedding was there, and its file has not changed.
        case skipped
        /// Its embedding was written.
        case written
        case failed(CorpusError)
    }

    /// Embeds recordings and writes what comes out, in their order.
    ///
    /// - Parameters:
    ///   - cuts: The recordings.
    ///   - extractor: What embeds them.
    ///   - keys: Their keys.
    ///   - hashes: What hashes their files, so that a later run can skip them; nil for none of that.
    ///   - stop: Asks for an end after the recording at hand.
    ///   - report: Called with a recording's position in `cuts` and what became of it.
    /// - Returns: Whether all were visited.
    /// - Throws: `SignalError.cannotWrite`; what was written before is kept.
    @discardableResult
    public func add(
        _ cuts: [Cut], by extractor: EmbeddingExtractor, keys: [String], hashes: ContentHashes?,
        stop: StopRequest? = nil, report: (_ index: Int, _ outcome: Outcome) -> Void
    ) throws -> Bool {
        struct Stopped: Error {}
        let finished = finished
        do {
            try extractor.forEachPart(
                of: cuts, hashes: hashes,
                isSkipped: { finished.contains($0, content: $1) }
            ) { index, content, part in
                switch part {
                case .skipped: report(index, .skipped)
                case .failure(let problem):
                    try abandon()
                    report(index, .failed(problem))
                case .rows(let rows, let frameCount):
                    try append(
                        rows, of: cuts[index], key: keys[index], content: content,
                        frameCount: frameCount
                    ) { rowCount, frameCount in
                        (0..<rowCount).map { row in
                            let (start, end) = extractor.times(ofRow: row, frameCount: frameCount)
                            return 500 * (start + end)
                        }
                    }
                    if frameCount != nil { report(index, .written) }
                }
                if stop?.isRequested == true { throw Stopped() }
            }
            return true
        } catch is Stopped {
            try abandon()
            return false
        }
    }
}
