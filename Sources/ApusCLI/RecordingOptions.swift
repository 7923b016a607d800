import ApusCorpus
import ApusSignal
import ArgumentParser
import Foundation

/// How recordings are read: raw samples, and which of their channels.
struct RecordingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Take the inputs for raw samples, such as s16le:16000:1.",
            discussion: "Encoding, rate in Hz and number of channels."))
    var raw: String?
    @Option(help: "Which channels of a file: mean, all (each by itself), or a number from 0.")
    var channels = "mean"

    /// The way to the recordings.
    func source() throws -> RecordingSource {
        let format = try raw.map { try RawFormat(parsing: $0) }
        switch channels {
        case "mean": return RecordingSource(raw: format, channels: .mean)
        case "all": return RecordingSource(raw: format, channels: .all)
        default:
            guard let channel = Int(channels), channel >= 0 else {
                throw ValidationError(
                    "--channels is mean, all or a number from 0, found '\(channels)'.")
            }
            return RecordingSource(raw: format, channels: .one(channel))
        }
    }
}

/// Opens recordings as the options say.
struct RecordingSource: Sendable {
    /// Which channels become recordings.
    enum Channels: Sendable {
        case mean
        case one(Int)
        case all
    }

    /// The format of raw samples; nil for files that say their own.
    let raw: RawFormat?
    let channels: Channels

    /// Expands arguments into recordings, one for each channel where all are wanted.
    ///
    /// A manifest's own choice of a channel stays. A file that cannot be opened stays one recording,
    /// and is reported when its features are made.
    func cuts(_ arguments: [String]) throws -> [Cut] {
        try channelCuts(Inputs.cuts(arguments))
    }

    /// The same, where recordings of shards that can't be used are counted among the failures.
    func cuts(_ arguments: [String], _ failures: inout Failures) throws -> [Cut] {
        var problems: [RecordingProblem] = []
        let cuts = try Inputs.cuts(arguments) { problems.append($0) }
        for problem in problems { failures.failed("\(problem.id): \(problem.reason)") }
        return channelCuts(cuts)
    }

    /// Recordings, one for each channel where all are wanted.
    func channelCuts(_ cuts: [Cut]) -> [Cut] {
        switch channels {
        case .mean: return cuts
        case .one(let channel):
            return cuts.map { cut in
                var cut = cut
                cut.channel = cut.channel ?? channel
                return cut
            }
        case .all:
            return cuts.flatMap { cut -> [Cut] in
                guard cut.channel == nil, cut.audioPath != Inputs.standardInput,
                    let count = try? open(cut).channelCount,
                    count > 1
                else { return [cut] }
                return (0..<count).map { channel in
                    var part = cut
                    part.channel = channel
                    part.id = "\(cut.id)#\(channel)"
                    return part
                }
            }
        }
    }

    /// Whether a recording is a file that says its format.
    func readsPlainFile(_ cut: Cut) -> Bool {
        raw == nil && cut.audioPath != Inputs.standardInput
            && !StandardInput.isInStream(cut.audioPath)
    }

    /// Opens a recording's file.
    func open(_ cut: Cut) throws -> SoundFile {
        cut.audioPath == Inputs.standardInput || StandardInput.isInStream(cut.audioPath)
            ? try StandardInput.shared.open(cut.audioPath, raw: raw)
            : try SoundFile(path: cut.audioPath, raw: raw)
    }
}
