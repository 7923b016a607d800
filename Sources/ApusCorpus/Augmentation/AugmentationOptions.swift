import ApusSignal

/// Which augmentations training recordings undergo, how often, and how strongly.
///
/// Each kind has a probability with which a recording undergoes it in an epoch; 0, the default of
/// every kind, turns it off. What a kind needs beyond that is drawn uniformly from the ranges given.
/// The kinds act in the order in which sound meets them: speed, room, noise, gain, clipping,
/// telephone; then bands and chunks are dropped. SpecAugment acts on the features of a crop, once
/// they are normalised.
public struct AugmentationOptions: Codable, Hashable, Sendable {
    /// Faster or slower, pitch and length together.
    public var speed = Speed()
    /// A room's response.
    public var reverberation = Reverberation()
    /// Noise at a signal-to-noise ratio.
    public var noise = Noise()
    /// Louder or softer.
    public var gain = Gain()
    /// Overdriven.
    public var clipping = Clipping()
    /// Over a telephone line.
    public var telephone = Telephone()
    /// Without some bands of frequencies.
    public var bandDrop = BandDrop()
    /// With some spans of silence.
    public var chunkDrop = ChunkDrop()
    /// Masks on the features.
    public var specAugment = SpecAugment()
    /// Memory for noises and for room responses, in MiB each: what fits is read once.
    public var cacheMegabytes = 256

    /// No augmentation.
    public init() {}

    /// Speed perturbation, Ko and others 2015: `Waveform.speedPerturbed(by:quality:)`.
    ///
    /// Crops are planned for the greatest factor, under which a recording is shortest: a recording
    /// counts as that long, so that every planned crop exists at every speed.
    public struct Speed: Codable, Hashable, Sendable {
        /// The probability that a recording's speed is changed.
        public var probability = 0.0
        /// The factors, of which one is drawn; 1 among them leaves that share unchanged.
        public var factors = [0.9, 1.1]
    }

    /// Reverberation, Ko and others 2017: `Waveform.reverberated(by:preservesEnergy:)`.
    public struct Reverberation: Codable, Hashable, Sendable {
        /// The probability that a recording is put into a room.
        public var probability = 0.0
        /// The manifest of room responses; each is as likely as another.
        ///
        /// They are at most 30 s long. Of several channels the first is taken where the manifest names
        /// none.
        public var manifest = ""
        /// Whether the recording keeps its energy.
        public var preservesEnergy = true
    }

    /// Additive noise (MUSAN and Kaldi's recipes): `Waveform.addingNoise(_:signalToNoiseRatio:from:)`.
    ///
    /// A noise is drawn, then a stretch of at most 30 s of it, then the sample of the stretch to
    /// begin with; a stretch shorter than the recording starts over.
    public struct Noise: Codable, Hashable, Sendable {
        /// The probability that noise is added to a recording.
        public var probability = 0.0
        /// The manifest of noises; each is as likely as another.
        public var manifest = ""
        /// The lowest signal-to-noise ratio (dB).
        public var minimumRatio = 0.0
        /// The highest signal-to-noise ratio (dB).
        public var maximumRatio = 15.0
    }

    /// Gain: `Waveform.amplified(by:)`.
    public struct Gain: Codable, Hashable, Sendable {
        /// The probability that a recording's gain is changed.
        public var probability = 0.0
        /// The lowest gain (dB).
        public var minimum = -10.0
        /// The highest gain (dB).
        public var maximum = 6.0
    }

    /// Clipping: `Waveform.clipped(atQuantile:)` or `Waveform.clipped(at:)`.
    public struct Clipping: Codable, Hashable, Sendable {
        /// What the two bounds measure.
        public enum Measure: String, Codable, Hashable, Sendable, CaseIterable {
            /// The share of the recording's samples that keep their values.
            case quantile
            /// The largest magnitude that is kept, where full scale is 1.
            case level
        }

        /// The probability that a recording is clipped.
        public var probability = 0.0
        /// What the two bounds measure.
        public var measure = Measure.quantile
        /// The lowest quantile or level, above 0.
        public var minimum = 0.8
        /// The highest quantile or level; a quantile is at most 1.
        public var maximum = 0.99
    }

    /// A telephone line, 300 to 3400 Hz in 8 bits: `Waveform.overTelephone(from:to:law:)`.
    public struct Telephone: Codable, Hashable, Sendable {
        /// The probability that a recording goes over a telephone line.
        public var probability = 0.0
        /// The laws of companding, of which one is drawn.
        public var laws = [CompandingLaw.muLaw, .aLaw]
    }

    /// Dropped bands: `Waveform.droppingBand(center:width:)`.
    public struct BandDrop: Codable, Hashable, Sendable {
        /// The probability that bands of a recording are dropped.
        public var probability = 0.0
        /// The fewest bands.
        public var minimumCount = 1
        /// The most bands.
        public var maximumCount = 3
        /// The lowest middle of a band (Hz).
        public var minimumFrequency = 100.0
        /// The highest middle of a band (Hz); 0 or less is counted from half the sample rate.
        public var maximumFrequency = 0.0
        /// The width of a band (Hz), at least 10.
        public var width = 400.0
    }

    /// Dropped chunks: `Waveform.droppingChunks(_:)`.
    public struct ChunkDrop: Codable, Hashable, Sendable {
        /// The probability that chunks of a recording are dropped.
        public var probability = 0.0
        /// The fewest chunks.
        public var minimumCount = 1
        /// The most chunks.
        public var maximumCount = 4
        /// The shortest chunk (s).
        public var minimumSeconds = 0.02
        /// The longest chunk (s); it is at most half the recording.
        public var maximumSeconds = 0.1
    }

    /// SpecAugment, Park and others 2019, on the crop that is trained on: the warp, then the masks.
    ///
    /// Objectives whose targets are the features themselves get masked targets.
    public struct SpecAugment: Codable, Hashable, Sendable {
        /// The probability that a crop is masked.
        public var probability = 0.0
        /// The number of time masks, mT in the paper.
        public var timeMaskCount = 2
        /// The longest time mask (frames), T in the paper; each length from 0 on is as likely.
        public var maximumTimeMask = 20
        /// The longest time mask as a share of the crop, p in the paper.
        public var maximumTimeShare = 0.2
        /// The number of frequency masks, mF in the paper.
        public var frequencyMaskCount = 2
        /// The widest frequency mask (features), F in the paper; each width from 0 on is as likely.
        public var maximumFrequencyMask = 10
        /// The furthest that a frame is moved by the time warp (frames), W in the paper; 0 for none.
        public var timeWarp = 0
        /// What masked features become.
        public var maskValue = MaskValue.zero
    }
}
