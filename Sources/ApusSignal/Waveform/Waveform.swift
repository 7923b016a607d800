/// One channel of sound: N samples at a constant rate.
public struct Waveform: Sendable, Equatable {
    /// The samples, N of them; full scale is -1 to 1 where they were read from a file.
    public var samples: [Float]
    /// Samples a second (Hz).
    public var sampleRate: Int

    /// Makes a waveform from samples.
    ///
    /// - Parameters:
    ///   - samples: N samples.
    ///   - sampleRate: Samples a second (Hz).
    /// - Precondition: `sampleRate` is positive.
    public init(samples: [Float], sampleRate: Int) {
        precondition(sampleRate > 0, "a sample rate is positive")
        self.samples = samples
        self.sampleRate = sampleRate
    }

    /// The length in seconds.
    public var duration: Double { Double(samples.count) / Double(sampleRate) }

    /// How many samples a time span holds: the nearest whole number, halves away from zero.
    ///
    /// Every conversion from seconds to samples in Apus is this one.
    ///
    /// - Parameters:
    ///   - seconds: The time span (s).
    ///   - sampleRate: Samples a second (Hz).
    /// - Returns: The number of samples; `Int.max` or `Int.min` beyond what `Int` holds.
    /// - Precondition: `seconds` is a number.
    public static func sampleCount(seconds: Double, sampleRate: Int) -> Int {
        precondition(!seconds.isNaN, "a time span is a number")
        let exact = (seconds * Double(sampleRate)).rounded(.toNearestOrAwayFromZero)
        return Int(exactly: exact) ?? (exact > 0 ? Int.max : Int.min)
    }
}
