extension Waveform {
    /// The waveform as it sounds in a room.
    ///
    /// y[n] = c sum over k of h[k] x[n + d - k] for n = 0 ... N-1, with d the place of the largest
    /// |h[k]|, the direct path: sound arrives when it did before, early reflections follow it, and
    /// frame labels stay true. What would sound after the recording's end is cut off. c is 1, or
    /// such that the sum of squares stays that of the recording.
    ///
    /// A response of zeros alone has no direct path; the waveform then stays as it is.
    ///
    /// ## Reference
    /// T. Ko, V. Peddinti, D. Povey, M. L. Seltzer, S. Khudanpur, "A study on data augmentation of
    /// reverberant speech for robust speech recognition", ICASSP 2017; alignment and scale are those
    /// of Kaldi's `wav-reverberate` (`--shift-output`, `--normalize-output`).
    ///
    /// - Parameters:
    ///   - response: The room's impulse response h, M samples at the same rate.
    ///   - preservesEnergy: Whether the recording's sum of squares is kept.
    /// - Returns: N samples.
    /// - Precondition: The rates are the same.
    public func reverberated(by response: Waveform, preservesEnergy: Bool = true) -> Waveform {
        precondition(response.sampleRate == sampleRate, "a response has the rate of the waveform")
        let magnitudes = response.samples.map(\.magnitude)
        guard let largest = magnitudes.max(), largest > 0,
            let direct = magnitudes.firstIndex(of: largest)
        else { return self }
        var wet = Array(
            convolution(of: samples, with: response.samples).dropFirst(direct)
                .prefix(samples.count))
        if preservesEnergy {
            let (before, after) = (energy(of: samples), energy(of: wet))
            if before > 0, after > 0 {
                let scale = Float((before / after).squareRoot())
                for index in wet.indices { wet[index] *= scale }
            }
        }
        return Waveform(samples: wet, sampleRate: sampleRate)
    }
}
