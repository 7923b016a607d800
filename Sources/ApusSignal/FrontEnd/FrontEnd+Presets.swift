extension FrontEnd {
    /// Kaldi's log mel filter bank: 80 bands, 16 kHz, 25 ms every 10 ms, 16-bit scale, no dither.
    ///
    /// The values are those of kaldi-native-fbank with `num_bins=80`, `dither=0`, `use_energy=False`
    /// and samples scaled to 16 bits.
    ///
    /// ## Reference
    /// D. Povey et al., "The Kaldi Speech Recognition Toolkit", ASRU 2011; `compute-fbank-feats`.
    public static let kaldi = FrontEnd()

    /// The defaults of `torchaudio.compliance.kaldi.fbank`: as Kaldi's, 23 bands, full scale 1.
    ///
    /// Its `use_energy=True` is `energy` = `raw` with `energyFloor` 1.
    public static let torchaudio: FrontEnd = {
        var frontEnd = FrontEnd()
        frontEnd.waveformScale = 1
        frontEnd.melBandCount = 23
        frontEnd.energyFloor = 1
        return frontEnd
    }()

    /// librosa's `power_to_db(melspectrogram(y))`: 128 Slaney bands, 22.05 kHz, 2048 samples every 512,
    /// dB down to 80 below the recording's largest value.
    ///
    /// With `kind` = `mfcc` it is `librosa.feature.mfcc`, of 20 coefficients.
    ///
    /// ## Reference
    /// B. McFee et al., "librosa: Audio and Music Signal Analysis in Python", SciPy 2015.
    public static let librosa: FrontEnd = {
        var frontEnd = plain
        frontEnd.sampleRate = 22050
        frontEnd.frameLength = .samples(2048)
        frontEnd.frameShift = .samples(512)
        frontEnd.edges = .centeredZero
        frontEnd.window = .hann
        frontEnd.melScale = .slaney
        frontEnd.melTriangle = .linearInHertz
        frontEnd.melNormalization = .slaney
        frontEnd.melBandCount = 128
        frontEnd.log = .decibel
        frontEnd.dynamicRange = 80
        frontEnd.cepstrumCount = 20
        frontEnd.deltaWindow = 4
        frontEnd.deltaMethod = .savitzkyGolay
        return frontEnd
    }()

    /// SpeechBrain's `Fbank`: 40 bands, 16 kHz, 25 ms every 10 ms, a periodic Hamming window, a transform
    /// of 400 samples, triangles as wide to the right as to the left, dB down to 80 below the
    /// recording's largest value.
    ///
    /// Its transform doesn't follow the rate: at another one, `fftLength` stays 400.
    ///
    /// ## Reference
    /// M. Ravanelli et al., "SpeechBrain: A General-Purpose Speech Toolkit", arXiv 2106.04624, 2021.
    public static let speechbrain: FrontEnd = {
        var frontEnd = plain
        frontEnd.edges = .centeredZero
        frontEnd.window = .hamming
        frontEnd.fftLength = 400
        frontEnd.melTriangle = .symmetricInHertz
        frontEnd.melBandCount = 40
        frontEnd.log = .decibel
        frontEnd.dynamicRange = 80
        frontEnd.cepstrumCount = 20
        frontEnd.deltaMethod = .stepwise
        return frontEnd
    }()

    /// Whisper's log-mel: 80 Slaney bands, 16 kHz, 400 samples every 160, (log10 + 4) / 4 down to 80 dB
    /// below the recording's largest value, the last frame left out.
    ///
    /// Whisper's larger models have `melBandCount` 128; its padding to 30 s is the caller's.
    ///
    /// ## Reference
    /// A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, section
    /// 2.2.
    public static let whisper: FrontEnd = {
        var frontEnd = plain
        frontEnd.frameLength = .samples(400)
        frontEnd.frameShift = .samples(160)
        frontEnd.edges = .centeredReflect
        frontEnd.omitsLastFrame = true
        frontEnd.window = .hann
        frontEnd.fftLength = 400
        frontEnd.melScale = .slaney
        frontEnd.melTriangle = .linearInHertz
        frontEnd.melNormalization = .slaney
        frontEnd.log = .log10
        frontEnd.dynamicRange = 80
        frontEnd.outputScale = 0.25
        frontEnd.outputOffset = 1
        return frontEnd
    }()

    /// The samples themselves, for encoders that read waveforms: 16 kHz, full scale 1, frames of 160.
    public static let waveform: FrontEnd = {
        var frontEnd = plain
        frontEnd.kind = .waveform
        frontEnd.frameLength = .samples(160)
        frontEnd.frameShift = .samples(160)
        frontEnd.log = .none
        return frontEnd
    }()

    /// What the front ends outside Kaldi's family share.
    private static let plain: FrontEnd = {
        var frontEnd = FrontEnd()
        frontEnd.waveformScale = 1
        frontEnd.removesDCOffset = false
        frontEnd.preEmphasis = 0
        frontEnd.windowSymmetry = .periodic
        frontEnd.lowFrequency = 0
        frontEnd.logFloor = 1e-10
        frontEnd.cepstralLifter = 0
        frontEnd.lifterFormula = .librosa
        return frontEnd
    }()

    private static let presets: [(name: String, frontEnd: FrontEnd)] = [
        ("kaldi", kaldi), ("torchaudio", torchaudio), ("librosa", librosa),
        ("speechbrain", speechbrain), ("whisper", whisper), ("waveform", waveform),
    ]

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
