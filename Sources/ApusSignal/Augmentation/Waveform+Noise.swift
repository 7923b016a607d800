import Foundation

extension Waveform {
    /// The waveform with noise added at a signal-to-noise ratio.
    ///
    /// y[n] = x[n] + g v[(s + n) mod M], g = sqrt(Px / (Pv 10^(SNR/10))), where Px is the mean square
    /// of the N samples and Pv that of the N samples of noise that are added: the ratio is exact over
    /// the recording. A noise shorter than the recording starts over.
    ///
    /// Where the recording or the noise under it is silent, or so faint that single precision has no
    /// such gain, nothing gives the ratio; the waveform then stays as it is.
    ///
    /// ## Reference
    /// D. Snyder, G. Chen, D. Povey, "MUSAN: A Music, Speech, and Noise Corpus", 2015, and the
    /// additive signals of Kaldi's `wav-reverberate`.
    ///
    /// - Parameters:
    ///   - noise: M samples v at the same rate.
    ///   - ratio: The signal-to-noise ratio (dB).
    ///   - start: The sample s of the noise to begin with; beyond its end it counts on from its
    ///     start.
    /// - Returns: N samples.
    /// - Precondition: The rates are the same, the ratio is a finite number, `start` is not negative.
    public func addingNoise(
        _ noise: Waveform, signalToNoiseRatio ratio: Double, from start: Int = 0
    ) -> Waveform {
        precondition(noise.sampleRate == sampleRate, "noise has the rate of the waveform")
        precondition(ratio.isFinite && start >= 0, "a ratio is finite, samples count from 0")
        if noise.samples.isEmpty { return self }
        var added: [Float] = []
        added.reserveCapacity(samples.count)
        var position = start % noise.samples.count
        while added.count < samples.count {
            let end = min(noise.samples.count, position + samples.count - added.count)
            added += noise.samples[position..<end]
            position = 0
        }
        let (signalEnergy, noiseEnergy) = (energy(of: samples), energy(of: added))
        guard signalEnergy > 0, noiseEnergy > 0 else { return self }
        let gain = Float((signalEnergy / noiseEnergy * pow(10, -ratio / 10)).squareRoot())
        guard gain.isFinite else { return self }
        return Waveform(
            samples: zip(samples, added).map { $0 + gain * $1 }, sampleRate: sampleRate)
    }
}

/// The sum of the squares of samples.
///
/// - Parameter samples: N samples.
/// - Returns: The sum, in double precision.
func energy(of samples: [Float]) -> Double {
    samples.reduce(0) { $0 + Double($1) * Double($1) }
}
