import CSoxr

/// One libsoxr resampler of one channel, and the buffer that it writes to.
final class SoxrEngine {
    private static let largestCapacity = 65536

    private let handle: soxr_t
    private let source: String
    private var buffer: [Float]

    /// Makes a resampler.
    ///
    /// - Parameters:
    ///   - inputRate: The rate of its input (Hz).
    ///   - outputRate: The rate of its output (Hz).
    ///   - quality: How precise to be.
    ///   - blockLength: The usual length of a part.
    ///   - source: The path, or another name, that errors carry.
    /// - Throws: ``SignalError/resamplingFailed(path:reason:)`` where libsoxr refuses.
    init(
        from inputRate: Int, to outputRate: Int, quality: ResamplingQuality, blockLength: Int,
        source: String
    ) throws {
        var failure: soxr_error_t?
        var qualitySpecification = soxr_quality_spec(quality.recipe, 0)
        var runtimeSpecification = soxr_runtime_spec(1)
        let handle = soxr_create(
            Double(inputRate), Double(outputRate), 1, &failure, nil, &qualitySpecification,
            &runtimeSpecification)
        guard let handle, failure == nil else {
            soxr_delete(handle)
            throw SignalError.resamplingFailed(
                path: source, reason: failure.map { String(cString: $0) } ?? "no memory")
        }
        self.handle = handle
        self.source = source
        let ratio = Double(outputRate) / Double(inputRate)
        let ofABlock = Double(blockLength) * ratio
        buffer = [Float](
            repeating: 0, count: min(Int(ofABlock) + 256, SoxrEngine.largestCapacity))
    }

    deinit {
        soxr_delete(handle)
    }

    /// Resamples the next part of the signal.
    ///
    /// - Parameters:
    ///   - samples: The part.
    ///   - output: Where to append what is ready.
    /// - Throws: ``SignalError/resamplingFailed(path:reason:)`` where libsoxr fails.
    func process(_ samples: UnsafeBufferPointer<Float>, into output: inout [Float]) throws {
        var done = 0
        var produced = 0
        repeat {
            let rest = UnsafeBufferPointer(rebasing: samples[done...])
            var consumed = 0
            produced = try call(rest.baseAddress, count: rest.count, consumed: &consumed)
            done += consumed
            output.append(contentsOf: buffer[..<produced])
        } while done < samples.count || produced == buffer.count
    }

    /// Gives what is held back, at the end of the signal.
    ///
    /// - Parameter output: Where to append it.
    /// - Throws: ``SignalError/resamplingFailed(path:reason:)`` where libsoxr fails.
    func flush(into output: inout [Float]) throws {
        var consumed = 0
        while case let produced = try call(nil, count: 0, consumed: &consumed), produced > 0 {
            output.append(contentsOf: buffer[..<produced])
        }
    }

    private func call(
        _ samples: UnsafePointer<Float>?, count: Int, consumed: inout Int
    ) throws -> Int {
        var produced = 0
        let capacity = buffer.count
        let failure = soxr_process(
            handle, samples, count, &consumed, &buffer, capacity, &produced)
        if let failure {
            throw SignalError.resamplingFailed(path: source, reason: String(cString: failure))
        }
        return produced
    }
}
