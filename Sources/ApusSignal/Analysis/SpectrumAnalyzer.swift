/// From samples that arrive in pieces to rows of bins or mel bands, in logarithms where asked for, or
/// to rows of the samples themselves.
///
/// With an energy, a row has the log energy of its frame after its bins or bands. An instance owns
/// its plan and its buffers, and is used by one task at a time.
final class SpectrumAnalyzer {
    /// The number of bins or bands, or of samples in a frame.
    let bandCount: Int
    /// The number of values in a row.
    let width: Int

    private let frontEnd: FrontEnd
    private let frameLength: Int
    private let transform: RealFFT
    private let window: [Float]
    private let bank: MelFilterBank?
    private let logFactor: Float
    private let compressor: PCENCompressor?

    /// The scaled samples that frames still need, and the place of the first among all.
    private var samples: [Float] = []
    private var firstKept = 0
    /// The number of samples that came in.
    private(set) var sampleCount = 0
    private var nextFrame = 0
    private var dither: DitherGenerator?
    /// The samples of a frame that reaches over an edge.
    private var edgeFrame: [Float]
    /// One spectrum, and zeros up to a whole vector.
    private var spectrum: [Float]

    init(_ frontEnd: FrontEnd) {
        self.frontEnd = frontEnd
        frameLength = frontEnd.frameLengthInSamples
        transform = RealFFT(length: frontEnd.transformLength)
        window = frontEnd.windowWeights
        let bank = frontEnd.melFilterBank
        let bandCount =
            frontEnd.kind == .waveform ? frameLength : bank?.bandCount ?? transform.binCount
        self.bank = bank
        self.bandCount = bandCount
        width = bandCount + (frontEnd.energy == .none ? 0 : 1)
        logFactor = frontEnd.logFactor
        compressor = frontEnd.pcen.map {
            PCENCompressor(
                $0, bandCount: bandCount,
                frameRate: Double(frontEnd.sampleRate) / Double(frontEnd.frameShiftInSamples))
        }
        edgeFrame = [Float](repeating: 0, count: frameLength)
        spectrum = [Float](repeating: 0, count: transform.binCount + MelFilterBank.vectorWidth)
    }

    /// Starts a recording.
    func begin(ditherSeed: UInt64?) {
        samples.removeAll(keepingCapacity: true)
        (firstKept, sampleCount, nextFrame) = (0, 0, 0)
        compressor?.reset()
        dither =
            frontEnd.dither > 0
            ? ditherSeed.map { DitherGenerator(amplitude: frontEnd.dither, seed: $0) } : nil
    }

    /// Looks for samples whose powers may not be finite, of which features would look sound and mean
    /// nothing.
    ///
    /// Without its mean and with pre-emphasis, a sample is at most 4 times as large; at most as many
    /// as the transform has add up in a bin.
    ///
    /// - Parameters:
    ///   - samples: Samples at the front end's rate.
    ///   - source: The path, or another name, that errors carry.
    ///   - first: The number of samples before these; nil where they came from a resampler, which
    ///     makes infinity of large samples only.
    /// - Throws: ``SignalError/nonFinite(path:index:)`` and
    ///   ``SignalError/samplesTooLarge(path:limit:)``.
    func check(_ samples: [Float], source: String, first: Int? = nil) throws {
        let root = Float.greatestFiniteMagnitude.squareRoot()
        let gain = 4 * Float(frontEnd.transformLength) * frontEnd.waveformScale
        let limit = min(root / gain, .greatestFiniteMagnitude)
        guard let index = firstIndex(in: samples, beyond: limit) else { return }
        if let first, !samples[index].isFinite {
            throw SignalError.nonFinite(path: source, index: first + index)
        }
        throw SignalError.samplesTooLarge(path: source, limit: limit)
    }

    /// Takes in samples and gives the rows of the frames that are ready.
    ///
    /// - Parameters:
    ///   - source: Finite samples at the front end's rate.
    ///   - isLast: Whether the recording ends with them.
    /// - Returns: Rows of `width` values.
    func callAsFunction(_ source: [Float], isLast: Bool) -> [Float] {
        source.withUnsafeBufferPointer { append($0) }
        let count = max(0, readyFrameCount(isLast: isLast) - nextFrame)
        return [Float](unsafeUninitializedCapacity: count * width) { target, written in
            if let target = target.baseAddress { writeRows(count, to: target) }
            written = count * width
        }
    }

    /// The rows of a whole recording, taken block by block so that its samples stay in the cache.
    ///
    /// - Parameters:
    ///   - source: Finite samples at the front end's rate.
    ///   - frameCount: The number of frames that they have.
    /// - Returns: Rows of `width` values.
    func rows(of source: [Float], frameCount: Int) -> [Float] {
        let blockLength = 1 << 14
        return [Float](unsafeUninitializedCapacity: frameCount * width) { target, written in
            guard let target = target.baseAddress else { return }
            source.withUnsafeBufferPointer { source in
                for start in stride(from: 0, to: source.count, by: blockLength) {
                    let end = min(start + blockLength, source.count)
                    append(UnsafeBufferPointer(rebasing: source[start..<end]))
                    let isLast = end == source.count
                    let count = max(0, readyFrameCount(isLast: isLast) - nextFrame)
                    writeRows(count, to: target + nextFrame * width)
                }
            }
            precondition(nextFrame == frameCount, "a front end counts frames as it makes them")
            written = frameCount * width
        }
    }

    private func writeRows(_ count: Int, to target: UnsafeMutablePointer<Float>) {
        writeFrames(nextFrame..<nextFrame + count, to: target)
        compress(target, frameCount: count)
        nextFrame += count
        dropSamples()
    }

    private func append(_ source: UnsafeBufferPointer<Float>) {
        let start = samples.count
        let scale = SIMD8(repeating: frontEnd.waveformScale)
        samples.append(contentsOf: source)
        if frontEnd.waveformScale != 1 {
            samples.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                var index = start
                while index + 8 <= buffer.count {
                    store8(load8(base + index) * scale, to: base + index)
                    index += 8
                }
                while index < buffer.count {
                    base[index] *= frontEnd.waveformScale
                    index += 1
                }
            }
        }
        dither?.add(to: &samples, from: start)
        sampleCount += source.count
    }

    /// The number of frames that no further sample can change.
    private func readyFrameCount(isLast: Bool) -> Int {
        let total = frontEnd.analysisFrameCount(sampleCount: sampleCount)
        if isLast { return total }
        let first = frontEnd.firstSample(ofFrame: 0)
        let room = sampleCount - frameLength - first
        // What lies before the recording is mirrored from as many samples after its start.
        guard room >= 0, -frontEnd.firstSample(ofFrame: nextFrame) < sampleCount else {
            return nextFrame
        }
        return min(total, room / frontEnd.frameShiftInSamples + 1)
    }

    private func writeFrames(_ frames: Range<Int>, to target: UnsafeMutablePointer<Float>) {
        samples.withUnsafeBufferPointer { samples in
            edgeFrame.withUnsafeMutableBufferPointer { edgeFrame in
                spectrum.withUnsafeMutableBufferPointer { spectrum in
                    guard let samples = samples.baseAddress, let edge = edgeFrame.baseAddress,
                        let spectrum = spectrum.baseAddress
                    else { return }
                    for frame in frames {
                        let first = frontEnd.firstSample(ofFrame: frame)
                        let row = target + (frame - frames.lowerBound) * width
                        if first >= 0, first + frameLength <= sampleCount {
                            writeRow(of: samples + (first - firstKept), spectrum, to: row)
                        } else {
                            for index in 0..<frameLength {
                                edge[index] =
                                    frontEnd.edges.sourceIndex(first + index, count: sampleCount)
                                    .map { samples[$0 - firstKept] } ?? 0
                            }
                            writeRow(of: edge, spectrum, to: row)
                        }
                    }
                }
            }
        }
    }

    @inline(__always)
    private func writeRow(
        of frame: UnsafePointer<Float>, _ spectrum: UnsafeMutablePointer<Float>,
        to row: UnsafeMutablePointer<Float>
    ) {
        if frontEnd.kind == .waveform {
            row.update(from: frame, count: frameLength)
            return
        }
        let mean =
            frontEnd.removesDCOffset ? sum(frame, count: frameLength) / Float(frameLength) : 0
        writeWindowed(frame, mean: mean, to: transform.input)
        switch frontEnd.energy {
        case .none: break
        case .raw:
            row[bandCount] = logEnergy(sumOfSquares(frame, count: frameLength, about: mean))
        case .windowed:
            row[bandCount] = logEnergy(
                sumOfSquares(transform.input, count: frameLength, about: 0))
        }
        transform.execute()
        let bins = bank == nil ? row : spectrum
        transform.writePower(to: bins)
        if frontEnd.spectrum == .magnitude {
            takeSquareRoots(of: bins, count: transform.binCount)
        }
        bank?.apply(to: spectrum, into: row)
    }

    private func logEnergy(_ energy: Float) -> Float {
        var value = energy
        takeLogarithms(of: &value, count: 1, floor: frontEnd.smallestEnergy, factor: 1)
        return value
    }

    /// Removes the mean, applies pre-emphasis and the window; the transform's tail stays zero.
    @inline(__always)
    private func writeWindowed(
        _ frame: UnsafePointer<Float>, mean: Float, to target: UnsafeMutablePointer<Float>
    ) {
        let share = frontEnd.preEmphasis
        window.withUnsafeBufferPointer { window in
            guard let window = window.baseAddress else { return }
            let first = frame[0] - mean
            target[0] = (first - share * first) * window[0]
            var index = 1
            while index + 8 <= frameLength {
                let here = load8(frame + index) - mean
                let before = load8(frame + index - 1) - mean
                store8((here - share * before) * load8(window + index), to: target + index)
                index += 8
            }
            while index < frameLength {
                let value = (frame[index] - mean) - share * (frame[index - 1] - mean)
                target[index] = value * window[index]
                index += 1
            }
        }
    }

    private func compress(_ rows: UnsafeMutablePointer<Float>, frameCount: Int) {
        if let compressor {
            for frame in 0..<frameCount { compressor.compress(rows + frame * width) }
        }
        guard frontEnd.log != .none else { return }
        for frame in 0..<frameCount {
            let row = rows + frame * width
            if frontEnd.logFloorMode == .add {
                for band in 0..<bandCount { row[band] += frontEnd.logFloor }
            }
            takeLogarithms(
                of: row, count: bandCount, floor: frontEnd.logFloor, factor: logFactor)
        }
    }

    /// Lets go of samples that no frame to come reaches, the mirror image at the end included.
    private func dropSamples() {
        let reach = 2 * frameLength + frontEnd.transformLength
        let needed = min(frontEnd.firstSample(ofFrame: nextFrame), sampleCount) - reach
        let droppable = needed - firstKept
        guard droppable > 0, 2 * droppable > samples.count else { return }
        samples.removeFirst(droppable)
        firstKept += droppable
    }
}
