/// Says which frames of a recording are loud enough to be speech, as Kaldi's `compute-vad`.
///
/// A frame is loud where its log energy is above `energyThreshold` + `meanScale` times the recording's
/// mean log energy; it is active where at least `proportion` of the frames around it, `context` to
/// each side, are loud. Energies are of samples scaled to 16 bits. The rule knows loudness only: it
/// separates speech from silence, not from other sounds.
public struct SpeechActivity: Sendable, Hashable, Codable {
    /// The constant part of the threshold (ln of the energy).
    public var energyThreshold: Float = 5.5
    /// How much of the mean log energy is added to the threshold.
    public var meanScale: Float = 0.5
    /// The number of frames to each side that a decision looks at.
    public var context = 2
    /// The share of loud frames among these that makes a frame active.
    public var proportion: Float = 0.12

    /// Makes the values of Kaldi's speaker recognition recipes.
    public init() {}

    /// Decides from log energies.
    ///
    /// - Parameter logEnergies: ln of the energy of T frames.
    /// - Returns: T decisions.
    public func mask(logEnergies: [Float]) -> [Bool] {
        let sum = logEnergies.reduce(0.0) { $0 + Double($1) }
        let mean = Float(sum / Double(max(1, logEnergies.count)))
        let threshold = energyThreshold + meanScale * mean
        return logEnergies.indices.map { frame in
            let around = logEnergies[
                max(0, frame - context)...min(logEnergies.count - 1, frame + context)]
            let loud = around.count { $0 > threshold }
            return Float(loud) >= proportion * Float(around.count)
        }
    }

    /// Decides for the frames that a front end analyses, before it stacks any.
    ///
    /// - Parameters:
    ///   - waveform: N samples, full scale 1.
    ///   - frontEnd: Where its rate, frames and edges are taken from.
    ///   - source: The name of the recording in errors.
    /// - Returns: T decisions.
    /// - Throws: ``SignalError`` as ``FeatureExtractor`` does.
    public func mask(
        of waveform: Waveform, frontEnd: FrontEnd, source: String = SignalError.inMemory
    ) throws -> [Bool] {
        let extractor = try FeatureExtractor(Self.energyFrontEnd(frontEnd))
        let matrix = try extractor(waveform, source: source)
        return mask(logEnergies: (0..<matrix.frameCount).map { matrix[$0, 0] })
    }

    /// Decides for the frames of a file, in memory that grows with the number of frames alone.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - frontEnd: Where its rate, frames and edges are taken from.
    ///   - offset: Where to begin (s).
    ///   - duration: How much to read (s); nil for all that follows.
    ///   - channels: Which channels to keep.
    /// - Returns: T decisions.
    /// - Throws: ``SignalError`` as ``FeatureReader`` does.
    public func mask(
        of file: SoundFile, frontEnd: FrontEnd, offset: Double = 0, duration: Double? = nil,
        channels: ChannelSelection = .mean
    ) throws -> [Bool] {
        let reader = try FeatureReader(
            file, Self.energyFrontEnd(frontEnd), offset: offset, duration: duration,
            channels: channels)
        var energies: [Float] = []
        while let block = try reader.next() {
            energies += (0..<block.frameCount).map { block[$0, 0] }
        }
        return mask(logEnergies: energies)
    }

    /// The front end with the log energy as its first feature, and one band after it.
    private static func energyFrontEnd(_ frontEnd: FrontEnd) -> FrontEnd {
        var energies = FrontEnd.kaldi
        energies.sampleRate = frontEnd.sampleRate
        energies.frameLength = frontEnd.frameLength
        energies.frameShift = frontEnd.frameShift
        energies.fftLength = frontEnd.fftLength
        energies.edges = frontEnd.edges
        energies.omitsLastFrame = frontEnd.omitsLastFrame
        energies.energy = .raw
        energies.melBandCount = 1
        energies.lowFrequency = 0
        return energies
    }
}
