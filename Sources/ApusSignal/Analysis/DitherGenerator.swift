/// Gaussian noise for the samples of one recording, a function of its seed alone.
///
/// Kaldi draws anew for each frame. Noise that belongs to the recording is the same where frames
/// overlap, and does not depend on the framing.
struct DitherGenerator {
    private let amplitude: Float
    private var generator: SplitMix64
    /// The second of a pair of numbers, for the next sample.
    private var spare: Float?

    init(amplitude: Float, seed: UInt64) {
        self.amplitude = amplitude
        generator = SplitMix64(seed: seed)
    }

    /// Adds the noise of the next samples.
    mutating func add(to samples: inout [Float], from start: Int) {
        for index in start..<samples.count {
            let number: Float
            if let spare {
                number = spare
                self.spare = nil
            } else {
                (number, spare) = generator.normalPair()
            }
            samples[index] += amplitude * number
        }
    }
}
