extension Waveform {
    /// The waveform with spans of it silent: samples 0.
    ///
    /// ## Reference
    /// The chunk drop of SpeechBrain: M. Ravanelli et al., "SpeechBrain: A General-Purpose Speech
    /// Toolkit", 2021.
    ///
    /// - Parameter spans: The spans (samples); what lies outside the waveform is ignored.
    /// - Returns: N samples.
    public func droppingChunks(_ spans: [Range<Int>]) -> Waveform {
        var result = self
        for span in spans {
            for index in span.clamped(to: samples.indices) { result.samples[index] = 0 }
        }
        return result
    }
}
