import ApusReport
import ApusSignal
import Foundation

extension FeatureMatrix {
    /// A picture of features: time in seconds, frequency in hertz, and a colour bar in dB.
    ///
    /// Logarithms to any base become dB, 10 log10 of a power and 20 log10 of a magnitude; energies
    /// that are none yet are taken the logarithm of, above the front end's floor. Where a mean was
    /// subtracted the bar is in dB about that mean, and in standard deviations where features were
    /// divided by them. Features that stand for no frequency have their numbers instead.
    ///
    /// - Parameters:
    ///   - frontEnd: What made the features.
    ///   - title: The text above.
    /// - Returns: The picture.
    public func picture(frontEnd: FrontEnd, title: String) -> RGBImage {
        let level = frontEnd.pictureLevel
        let levels = level.toDecibels.map { toDecibels in values.map(toDecibels) } ?? values
        let shift = 1 / frontEnd.frameRate
        if let frequencies = frontEnd.bandFrequencies, frequencies.count == featureCount {
            return SpectrogramImage(
                values: levels, frameCount: frameCount, bandFrequencies: frequencies,
                frameShift: shift, title: title, unit: level.unit
            ).image()
        }
        return SpectrogramImage(
            values: levels, frameCount: frameCount, featureCount: featureCount,
            featureName: frontEnd.featureName, frameShift: shift, title: title, unit: level.unit
        ).image()
    }
}

extension FrontEnd {
    /// The frequency that each feature stands for (Hz); nil where features stand for none.
    public var bandFrequencies: [Double]? {
        guard deltaOrder == 0, stacking.left == 0, stacking.right == 0 else { return nil }
        switch kind {
        case .mfcc, .waveform: return nil
        case .spectrogram:
            return (0..<featureCount).map {
                Double($0) * Double(sampleRate) / Double(transformLength)
            }
        case .logMel:
            guard energy == .none else { return nil }
            return MelFilterBank(
                bandCount: melBandCount, fftLength: transformLength, sampleRate: sampleRate,
                lowFrequency: lowFrequency, highFrequency: upperFrequency, scale: melScale,
                triangle: melTriangle, normalization: melNormalization
            ).centers
        }
    }

    /// What a feature is called that stands for no frequency.
    fileprivate var featureName: String {
        switch kind {
        case .waveform: "Sample"
        case .mfcc where deltaOrder == 0 && stacking.left + stacking.right == 0: "Coefficient"
        case .mfcc, .logMel, .spectrogram: "Feature"
        }
    }

    /// How values become those of a picture's colour bar, and what the bar says.
    fileprivate var pictureLevel: (unit: String, toDecibels: ((Float) -> Float)?) {
        switch normalization {
        case .none: return energyLevel
        case .perRecording(variance: true), .sliding(_, variance: true), .corpus:
            return ("SD", nil)
        case .perRecording(variance: false), .sliding(_, variance: false):
            return log == .none ? ("", nil) : energyLevel
        }
    }

    private var energyLevel: (unit: String, toDecibels: ((Float) -> Float)?) {
        if pcen != nil { return ("PCEN", nil) }
        if kind == .mfcc || kind == .waveform { return ("", nil) }
        let (scale, offset) = (outputScale, outputOffset)
        // Of a magnitude the square is the power.
        let ten: Float = spectrum == .magnitude ? 20 : 10
        switch log {
        case .none:
            let floor = max(logFloor, .leastNormalMagnitude)
            return ("dB", { ten * log10(max(($0 - offset) / scale, floor)) })
        case .natural: return ("dB", { ($0 - offset) / scale * ten * 0.434_294_48 })
        case .log10: return ("dB", { ($0 - offset) / scale * ten })
        case .decibel: return ("dB", { ($0 - offset) / scale })
        }
    }
}
