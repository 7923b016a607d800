/// What the stages of a front end are made of.
extension FrontEnd {
    /// L weights of a frame's samples.
    package var windowWeights: [Float] {
        window.weights(
            length: frameLengthInSamples, symmetry: windowSymmetry,
            blackmanCoefficient: blackmanCoefficient)
    }

    /// The mel bands; nil where features have none.
    package var melFilterBank: MelFilterBank? {
        switch kind {
        case .spectrogram, .waveform: nil
        case .logMel, .mfcc:
            MelFilterBank(
                bandCount: melBandCount, fftLength: transformLength, sampleRate: sampleRate,
                lowFrequency: lowFrequency, highFrequency: upperFrequency, scale: melScale,
                triangle: melTriangle, normalization: melNormalization)
        }
    }

    /// What the natural logarithm of bins or bands is multiplied by.
    package var logFactor: Float { log.factor(of: spectrum) }

    /// A decibel in units of the logarithm in use.
    package var decibel: Float { logFactor / LogarithmKind.decibel.factor(of: spectrum) }

    /// The smallest energy that a logarithm is taken of.
    package var smallestEnergy: Float { max(1.1920929e-07, energyFloor) }

    /// The weight of the newest frame in the smoothed energy of `pcen`.
    package var pcenSmoothing: Float? {
        pcen.map {
            Float($0.smoothing(frameRate: Double(sampleRate) / Double(frameShiftInSamples)))
        }
    }

    /// The lifted cosine transform of MFCCs, K x M weights, C0 first.
    package var cepstrumWeights: [Float] { Cepstrum.weights(self) }

    /// The weights of the frames around a frame for each order of deltas; order 0 is the frame itself.
    package var deltaFilters: [[Float]] {
        Deltas.filters(order: deltaOrder, window: deltaWindow, method: deltaMethod)
    }

    /// The sample that the first frame begins with; it may lie before the recording.
    package var firstSampleOfFrames: Int { firstSample(ofFrame: 0) }
}
