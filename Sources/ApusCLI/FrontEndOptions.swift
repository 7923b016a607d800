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
