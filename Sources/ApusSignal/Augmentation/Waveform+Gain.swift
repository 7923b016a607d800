import Foundation

extension Waveform {
    /// The waveform louder or softer: y[n] = x[n] 10^(gain/20).
    ///
    /// Samples may leave -1 to 1; nothing is clipped.
    ///
    /// - Parameter gain: The gain (dB).
    /// - Returns: N samples.
    /// - Precondition: `gain` is a finite number.
    public func amplified(by gain: Double) -> Waveform {
        precondition(gain.isFinite, "a gain is a finite number")
        let factor = Float(pow(10, gain / 20))
        return Waveform(samples: samples.map { $0 * factor }, sampleRate: sampleRate)
    }
}
