extension FrontEnd {
    /// Kaldi's log mel filter bank: 80 bands, 16 kHz, 25 ms every 10 ms, 16-bit scale, no dither.
    ///
    /// The values are those of kaldi-native-fbank with `num_bins=80`, `dither=0`, `use_energy=False`
    /// and samples scaled to 16 bits.
    ///
    /// ## Reference
    /// D. Povey et al., "The Kaldi Speech Recognition Toolkit", ASRU 2011; `compute-fbank-feats`.
    public static let kaldi = FrontEnd()

    private static let presets: [(name: String, frontEnd: FrontEnd)] = [("kaldi", kaldi)]

    /// The names that ``preset(named:)`` knows.
    public static var presetNames: [String] { presets.map(\.name) }

    /// A front end by its name.
    ///
    /// - Parameter name: One of ``presetNames``.
    /// - Returns: The front end, or nil where there is none of this name.
    public static func preset(named name: String) -> FrontEnd? {
        presets.first { $0.name == name }?.frontEnd
    }
}
