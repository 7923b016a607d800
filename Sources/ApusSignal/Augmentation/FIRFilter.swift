import Foundation

/// A symmetric filter of 2 L + 1 weights, which delays no frequency: sample n of what comes out
/// belongs to sample n of what goes in.
///
/// The weights are those of the ideal filter times a Blackman window. From a fully passed frequency
/// to a fully stopped one it takes the transition width that it was made for; what is stopped is at
/// least 74 dB down, and what is passed is within 0.002 of 1.
///
/// ## Reference
/// A. V. Oppenheim and R. W. Schafer, "Discrete-Time Signal Processing", 3rd ed. 2010, section 7.5.
struct FIRFilter {
    /// The 2 L + 1 weights, h[-L] first.
    let weights: [Float]

    /// A filter that passes the frequencies between two edges, where the gain is a half.
    ///
    /// - Parameters:
    ///   - low: The lower edge (Hz); 0 or less passes all that is below the upper one.
    ///   - high: The upper edge (Hz); half the rate or more passes all that is above the lower one.
    ///   - sampleRate: Samples a second (Hz).
    ///   - transition: The width of each edge (Hz), above 0.
    init(passing low: Double, to high: Double, sampleRate: Int, transition: Double) {
        weights = Self.bandPass(low, high, sampleRate, transition).map { Float($0) }
    }

    /// A filter that stops the frequencies between two edges, where the gain is a half.
    ///
    /// - Parameters:
    ///   - low: The lower edge (Hz).
    ///   - high: The upper edge (Hz).
    ///   - sampleRate: Samples a second (Hz).
    ///   - transition: The width of each edge (Hz), above 0.
    init(stopping low: Double, to high: Double, sampleRate: Int, transition: Double) {
        var ideal = Self.bandPass(low, high, sampleRate, transition).map { -$0 }
        ideal[ideal.count / 2] += 1
        weights = ideal.map { Float($0) }
    }

    /// The filtered samples: as many as there were, with silence before and after them.
    ///
    /// - Parameter samples: N samples.
    /// - Returns: N samples.
    func callAsFunction(_ samples: [Float]) -> [Float] {
        let half = weights.count / 2
        return Array(
            convolution(of: samples, with: weights).dropFirst(half).prefix(samples.count))
    }

    private static func bandPass(
        _ low: Double, _ high: Double, _ sampleRate: Int, _ transition: Double
    ) -> [Double] {
        let rate = Double(sampleRate)
        // The main lobe of a Blackman window of n weights is 6 / n of the rate wide (table 7.2).
        let half = max(1, Int((3 * rate / transition).rounded(.up)))
        /// The ideal low-pass filter of an edge given as a share of the rate.
        func lowPass(_ edge: Double, _ index: Int) -> Double {
            index == 0 ? 2 * edge : sin(2 * .pi * edge * Double(index)) / (.pi * Double(index))
        }
        let edges = (low: min(0.5, max(0, low / rate)), high: min(0.5, high / rate))
        return (-half...half).map { index in
            let angle = .pi * Double(index) / Double(half)
            let window = 0.42 + 0.5 * cos(angle) + 0.08 * cos(2 * angle)
            return (lowPass(edges.high, index) - lowPass(edges.low, index)) * window
        }
    }
}
