import ApusPretraining
import ApusSignal
import ArgumentParser

/// Which front end: a preset by name, and single options set on it.
struct FrontEndOptions: ParsableArguments {
    @Option(help: "The front end's preset: \(FrontEnd.presetNames.joined(separator: ", ")).")
    var frontEnd: String?
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: "Set one option of the front end, such as melBandCount=40; may be repeated.")
    var settings: [String] = []

    /// Whether the caller asked for anything.
    var isGiven: Bool { frontEnd != nil || !settings.isEmpty }

    /// The preset with the settings on it.
    func resolve() throws -> FrontEnd {
        let name = frontEnd ?? "kaldi"
        guard let preset = FrontEnd.preset(named: name) else {
            throw ValidationError(
                "No front end is named '\(name)'; there is \(FrontEnd.presetNames.joined(separator: ", "))."
            )
        }
        let resolved = try ConfigurationFile.resolve(preset, settings: settings)
        try resolved.validate()
        return resolved
    }
}

extension FrontEnd {
    /// Every option as YAML that can be given back, after what follows from them.
    func explanation() throws -> String {
        let delay =
            needsWholeRecording
            ? "no: \(needsMaximumInWords) the recording as a whole"
            : "yes"
        return """
            # \(frameLengthInSamples) samples a frame, one every \(frameShiftInSamples); a transform of \(transformLength)
            # \(featureCount) features a frame, \(frameRate) frames a second; at least \(smallestSampleCount) samples
            # streams: \(delay)

            """ + (try ConfigurationFile.text(of: self))
    }

    private var needsMaximumInWords: String {
        if case .perRecording = normalization { "normalization needs" } else { "the range needs" }
    }
}
