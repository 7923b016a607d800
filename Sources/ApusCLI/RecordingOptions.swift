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

    /// What a process works on: all inputs, or a part of them.
    struct Part {
        /// The recordings; each once, where they are a part.
        var cuts: [Cut]
        /// How many folders the ids of all inputs begin with; nil where these are all.
        var countSharedFolders: (() throws -> Int)?
        /// Whether all have ids of a manifest, which are keys in an archive as they are.
        var hasManifestIDs = false

        /// How many folders keys in an export leave out of the ids; nil where the cuts say it.
        func sharedFolders(inArchive isArchive: Bool) throws -> Int? {
            isArchive && hasManifestIDs ? nil : try countSharedFolders?()
        }
    }

    /// Expands arguments into a part of the recordings that they name.
    ///
    /// Of one manifest no more than the part's lines is held in memory, if it is a large one.
    ///
    /// - Parameters:
    ///   - arguments: As for `cuts`.
    ///   - shard: Which part; nil for all.
    ///   - failures: Counts recordings of shards that can't be used.
    /// - Returns: The part.
    /// - Throws: As `cuts` does.
    func part(
        _ arguments: [String], _ shard: InputShard?, _ failures: inout Failures
    ) throws -> Part {
        guard let shard else {
            return Part(cuts: try cuts(arguments, &failures))
        }
        if case .all = channels {
        } else if let table = try Inputs.table(arguments) {
            for problem in table.problems { failures.failed("\(problem.id): \(problem.reason)") }
            let own = try shard.range(of: table.count).map { try table.cuts.cut(at: $0) }
            var part = Part(cuts: channelCuts(own))
            part.hasManifestIDs = true
            part.countSharedFolders = {
                var shared: Int?
                try table.cuts.forEachBlock { _, cuts in
                    let ids = cuts.map(\.id) + [own.first?.id].compactMap { $0 }
                    shared = min(shared ?? .max, Inputs.sharedFolderCount(of: ids))
                }
                return shared ?? 0
            }
            return part
        }
        let all = Inputs.withoutRepetitions(try cuts(arguments, &failures))
        return Part(cuts: Array(all[shard.range(of: all.count)])) {
            Inputs.sharedFolderCount(of: all.map(\.id))
        }
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
