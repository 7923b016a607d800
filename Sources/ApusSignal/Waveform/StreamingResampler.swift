/// Resamples a signal that comes in pieces, of one channel, band-limited by libsoxr in linear phase.
///
///     let resampler = try StreamingResampler(from: 44100, to: 16000)
///     while let block = microphone.next() { use(try resampler.push(block)) }
///     use(try resampler.finish())
///
/// The output is the same to the bit however the signal is cut: libsoxr is given blocks of
/// ``blockLength`` samples, and what does not fill one waits for the next push. ``latency`` says how
/// far the output is behind.
///
/// N samples become exactly ceil(N * to / from). At the same rate they pass through untouched.
///
/// An instance is used by one task at a time.
public final class StreamingResampler {
    /// How far apart two rates may be: a header that lies about its rate must not ask for gigabytes.
    private static let largestRatio = 1000.0

    /// The rate of what is pushed (Hz).
    public let inputRate: Int
    /// The rate of what comes out (Hz).
    public let outputRate: Int
    /// The number of samples that libsoxr is given at a time: the first power of two that lasts 10 ms.
    public let blockLength: Int
    /// How precise the resampling is.
    public let quality: ResamplingQuality

    private let source: String
    /// Nil where the rates are the same.
    private let engine: SoxrEngine?
    /// Samples that wait for the rest of their block.
    private var pending: [Float] = []
    private var inputCount = 0
    private var outputCount = 0
    private var isFinished = false

    /// Makes a resampler at the start of a signal.
    ///
    /// - Parameters:
    ///   - inputRate: The rate of what is pushed (Hz).
    ///   - outputRate: The rate of what comes out (Hz).
    ///   - quality: How precise to be.
    ///   - source: The path, or another name, that errors carry.
    /// - Throws: ``SignalError/unsupportedSampleRate(path:sampleRate:)`` for a rate below 1 Hz,
    ///   ``SignalError/resamplingFailed(path:reason:)`` for rates more than 1 to 1000 apart, and where
    ///   libsoxr refuses.
    public init(
        from inputRate: Int, to outputRate: Int, quality: ResamplingQuality = .high,
        source: String = SignalError.inMemory
    ) throws {
        for rate in [inputRate, outputRate] where rate <= 0 {
            throw SignalError.unsupportedSampleRate(path: source, sampleRate: rate)
        }
        let ratio = Double(outputRate) / Double(inputRate)
        guard (1 / Self.largestRatio...Self.largestRatio).contains(ratio) else {
            throw SignalError.resamplingFailed(
                path: source,
                reason: "\(inputRate) Hz and \(outputRate) Hz are more than 1 to "
                    + "\(Int(Self.largestRatio)) apart")
        }
        self.inputRate = inputRate
        self.outputRate = outputRate
        self.quality = quality
        self.source = source
        var blockLength = 1
        while blockLength < inputRate / 100 { blockLength *= 2 }
        self.blockLength = blockLength
        engine =
            inputRate == outputRate
            ? nil
            : try SoxrEngine(
                from: inputRate, to: outputRate, quality: quality, blockLength: blockLength,
                source: source)
        pending.reserveCapacity(blockLength)
    }

    /// The number of samples that so many become: ceil(N * to / from).
    ///
    /// - Parameters:
    ///   - count: N samples, from 0.
    ///   - inputRate: Their rate (Hz).
    ///   - outputRate: The other rate (Hz), at most 1000 times as high.
    /// - Returns: The number of samples at the other rate.
    public static func outputCount(of count: Int, from inputRate: Int, to outputRate: Int) -> Int {
        let (quotient, remainder) = inputRate.dividingFullWidth(
            count.multipliedFullWidth(by: outputRate))
        return quotient + (remainder > 0 ? 1 : 0)
    }

    /// The longest time by which the output is behind the input (s).
    ///
    /// After any push, what was pushed lasts at most this much longer than what came out: the waiting
    /// block, half of the filter, and libsoxr's own blocks, which are measured on silence.
    public var latency: Double {
        get throws {
            guard engine != nil else { return 0 }
            let probe = try SoxrEngine(
                from: inputRate, to: outputRate, quality: quality, blockLength: blockLength,
                source: source)
            // In smaller steps than the resampler's, so that the longest lag isn't stepped over.
            let silence = [Float](repeating: 0, count: max(1, blockLength / 16))
            let stepDuration = Double(silence.count) / Double(inputRate)
            var output: [Float] = []
            var produced = 0
            var largest = 0.0
            var stepsSinceLargest = 0.0
            var pushed = 0.0
            // The lag repeats with libsoxr's blocks, each of which is shorter than the lag.
            while stepsSinceLargest * stepDuration <= 4 * largest {
                pushed += stepDuration
                let lag = pushed - Double(produced) / Double(outputRate)
                stepsSinceLargest = lag > largest ? 0 : stepsSinceLargest + 1
                largest = max(largest, lag)
                try silence.withUnsafeBufferPointer { try probe.process($0, into: &output) }
                produced += output.count
                output.removeAll(keepingCapacity: true)
            }
            return largest + Double(blockLength) / Double(inputRate)
        }
    }

    /// Takes the next samples of the signal.
    ///
    /// - Parameter samples: Any number of finite samples.
    /// - Returns: The samples that are ready, none at times.
    /// - Throws: ``SignalError/resamplingFailed(path:reason:)`` where libsoxr fails.
    /// - Precondition: The signal is not finished.
    public func push(_ samples: [Float]) throws -> [Float] {
        var output: [Float] = []
        try samples.withUnsafeBufferPointer { try push($0, into: &output) }
        return output
    }

    /// Ends the signal.
    ///
    /// - Returns: The samples that were held back.
    /// - Throws: ``SignalError/resamplingFailed(path:reason:)`` where libsoxr fails.
    /// - Precondition: The signal is not finished.
    public func finish() throws -> [Float] {
        var output: [Float] = []
        try finish(into: &output)
        return output
    }

    /// Takes the next samples of the signal.
    ///
    /// - Parameters:
    ///   - samples: The samples.
    ///   - output: Where to append the samples that are ready.
    /// - Throws: ``SignalError/resamplingFailed(path:reason:)`` where libsoxr fails.
    func push(_ samples: UnsafeBufferPointer<Float>, into output: inout [Float]) throws {
        precondition(!isFinished, "the signal is finished")
        inputCount += samples.count
        guard let engine else {
            output.append(contentsOf: samples)
            outputCount += samples.count
            return
        }
        let before = output.count
        var rest = samples[...]
        if !pending.isEmpty {
            let missing = rest.prefix(blockLength - pending.count)
            pending.append(contentsOf: missing)
            rest = rest.dropFirst(missing.count)
            if pending.count == blockLength {
                try pending.withUnsafeBufferPointer { try engine.process($0, into: &output) }
                pending.removeAll(keepingCapacity: true)
            }
        }
        while rest.count >= blockLength {
            let block = UnsafeBufferPointer(rebasing: rest.prefix(blockLength))
            try engine.process(block, into: &output)
            rest = rest.dropFirst(blockLength)
        }
        pending.append(contentsOf: rest)
        outputCount += output.count - before
    }

    /// Ends the signal.
    ///
    /// - Parameter output: Where to append the samples that were held back.
    /// - Throws: ``SignalError/resamplingFailed(path:reason:)`` where libsoxr fails.
    func finish(into output: inout [Float]) throws {
        precondition(!isFinished, "the signal is finished")
        isFinished = true
        guard let engine, inputCount > 0 else { return }
        let total = Self.outputCount(of: inputCount, from: inputRate, to: outputRate)
        let wanted = output.count + total - outputCount
        // libsoxr rounds the length to nearest: silence behind the end makes the last sample whole.
        pending.append(contentsOf: repeatElement(0, count: inputRate / outputRate + 1))
        try pending.withUnsafeBufferPointer { try engine.process($0, into: &output) }
        pending.removeAll()
        try engine.flush(into: &output)
        if output.count > wanted { output.removeLast(output.count - wanted) }
        output.append(contentsOf: repeatElement(0, count: wanted - output.count))
        outputCount = total
    }
}
