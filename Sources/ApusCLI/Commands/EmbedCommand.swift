import ApusCorpus
import ApusNN
import ApusPretraining
import ApusProbing
import ApusSignal
import ApusTensor
import ArgumentParser
import Foundation

extension Pooling: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}

/// `apus embed`: recordings as vectors.
struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Write embeddings of recordings.",
        discussion: """
            Examples: apus embed model.safetensors clip.ogg -o clip.npy
                      apus embed model.safetensors samples/audio/voices -o voices.npz
                      apus embed model.safetensors 'data/*/*.flac' -o all.jsonl --normalize l2
                      apus embed model.safetensors train.jsonl -o train.ark --shard 3/16
                      apus embed model.safetensors meeting.mp3 -o meeting.csv --window 3 --hop 1
                      apus embed model.safetensors clip.ogg --pooling frames -o clip-frames.npy
                      apus embed classifier.safetensors data/ -o speakers.safetensors
                      apus embed model.safetensors --follow list.txt -o arrivals

            OUT's ending says what is written, always in the order of the input:
              .npy          rows; their names are in OUT.ids.txt
              .npz          an array for each recording
              .safetensors  rows in 'embeddings', their names in the metadata 'ids'
              .ark, .scp    Kaldi's vectors, or a matrix of windows or frames
              .jsonl, .csv  a line for each row
              none          a folder with NAME.wav.embedding.npy for each recording, as HEAR's
                            evaluation reads it, with .timestamps.json of windows and frames
            A recording has the same embedding alone and among others. One of over a minute is \
            encoded in parts.

            What was begun goes on: OUT.unfinished holds what a killed run had, and recordings whose \
            files have not changed are not embedded again by the same model with the same options. \
            Statistics are kept beyond that: see apus cache. A recording that cannot be used is \
            named and left out, and the exit code is then 65.
            """)

    enum Normalization: String, ExpressibleByArgument, CaseIterable {
        case none, l2
    }

    @Argument(help: "A model.safetensors, or a classifier.safetensors of apus train.")
    var model: String
    @Argument(
        help: ArgumentHelp(
            "Audio files, folders, patterns, .jsonl manifests, Kaldi data folders, tar shards.",
            discussion: "- is standard input: one recording, or a tar stream of many."))
    var inputs: [String] = []
    @Option(name: [.short, .customLong("output")], help: "A file, or a folder.")
    var output: String
    @Option(
        help: ArgumentHelp(
            "The layer, by its name; apus info lists them. Default: the last.",
            discussion: "all for all side by side; of a classifier weightedSum for its sum."))
    var layer: String?
    @Option(help: "How frames become a vector.")
    var pooling = Pooling.meanAndStandardDeviation
    @Option(help: "A vector for each stretch of so many seconds, rounded to frames.")
    var window: Double?
    @Option(help: "Seconds from one stretch to the next. Default: as long as --window.")
    var hop: Double?
    @Option(help: "The precision of the encoder's products: float32, or bfloat16 for speed.")
    var precision = Precision.float32
    @Option(help: "What is done to each vector last: none, or l2 for length 1.")
    var normalize = Normalization.none
    @Option(help: "Whiten vectors by this file of --fit-whitening.")
    var whiten: String?
    @Option(help: "Fit a whitening to these vectors, write it to this file, and whiten by it.")
    var fitWhitening: String?
    @Option(
        help: ArgumentHelp(
            "Embed what this list names, a path a line, and then what is added to it.",
            discussion: "Ends at Ctrl-C or SIGTERM; a file is written then, a folder as it comes."))
    var follow: String?
    @Option(help: "The I-th of N parts of the input, such as 3/16.")
    var shard: InputShard?
    @Flag(help: "Begin anew what was begun with another model or other options.")
    var overwrite = false
    @OptionGroup var cacheOptions: CacheOptions
    @OptionGroup var recordingOptions: RecordingOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup(title: "Refuse a model with another front end than this")
    var frontEndOptions: FrontEndOptions

    func validate() throws {
        guard !inputs.isEmpty || follow != nil else {
            throw ValidationError("Name at least one recording, or --follow a list.")
        }
        guard let target = EmbeddingTarget(path: output) else {
            throw ValidationError(
                "\(output) should end in "
                    + EmbeddingTarget.Format.allCases.filter { $0 != .folder }
                    .map { ".\($0.rawValue)" }.joined(separator: ", ") + ", or be a folder.")
        }
        guard hop == nil || window != nil else {
            throw ValidationError("--hop belongs to --window.")
        }
        guard whiten == nil || fitWhitening == nil else {
            throw ValidationError("Either --whiten or --fit-whitening.")
        }
        guard fitWhitening == nil || target.format != .folder else {
            throw ValidationError(
                "--fit-whitening wants a file as output: a folder's are written one by one.")
        }
        guard shard == nil || follow == nil else {
            throw ValidationError("--shard doesn't go with --follow.")
        }
    }

    func run() throws {
        guard let target = EmbeddingTarget(path: output) else { preconditionFailure("validated") }
        try engine.start()
        let source = try recordingOptions.source()
        let isStream = try readsTarStream(source)
        var failures = Failures()
        let part =
            try isStream
            ? RecordingSource.Part(cuts: []) : source.part(inputs, shard, &failures)
        var cuts = Inputs.withoutRepetitions(part.cuts)
        // A part's keys are those that it has in the whole.
        let sharedFolders = try part.sharedFolders(inArchive: target.format != .folder)
        let isSingle =
            cuts.count == 1 && inputs == [cuts[0].id] && follow == nil && target.format != .folder
            && shard == nil
            || cuts.count == 1 && cuts[0].audioPath == Inputs.standardInput && follow == nil
        if pooling == .frames, target.format == .npy, cuts.count > 1 || follow != nil || isStream {
            throw ValidationError(
                "A .npy file holds the frames of one recording, not of "
                    + (cuts.count > 1 ? "\(cuts.count)." : "several."))
        }
        let extractor = try extractor(
            source,
            readsStream: isStream || cuts.contains { $0.audioPath == Inputs.standardInput })
        try requireFrontEnd(of: extractor.model)
        let whitening = try whiten.map { try Whitening(contentsOf: $0) }
        if let whitening, whitening.width != extractor.width {
            throw ProbingError.badEmbeddings(
                path: whiten ?? "",
                reason: "whitens vectors of \(whitening.width) values, found \(extractor.width)")
        }
        if target.format == .folder { try Inputs.makeFolder(target.path) }
        let export = try makeExport(target, extractor, whitening, source)
        var run = EmbeddingRun(
            extractor: extractor, export: export,
            // One recording leaves nothing to go on from, and a stream is gone.
            hashes: isSingle || isStream ? nil : ContentHashes(), sharedFolders: sharedFolders,
            failures: failures)
        do {
            if isStream {
                cuts = try streamed(&run, source)
            } else {
                try run.embed(cuts)
            }
            if let follow { cuts += try followed(follow, &run, source) }
            let fitted = try fitWhitening.map { path in
                let whitening = try export.fittedWhitening(to: cuts)
                try whitening.write(to: path)
                return whitening
            }
            let size = try export.finish(
                cuts, isSingle: isSingle, whitening: fitted, times: extractor.times)
            if let size {
                print("\(output): \(size.rowCount) x \(size.width)")
            }
        } catch let error as SignalError {
            Console.message(
                "\(export.recordingCount) recordings are kept; the same command goes on from there")
            throw error
        }
        try run.failures.finish()
    }

    /// Whether standard input is a tar stream, which comes alone.
    private func readsTarStream(_ source: RecordingSource) throws -> Bool {
        guard inputs.contains(Inputs.standardInput), source.raw == nil,
            StandardInput.shared.isTar
        else { return false }
        guard inputs.count == 1, follow == nil, shard == nil else {
            throw ValidationError("A tar stream is the only input, and not a --shard of one.")
        }
        return true
    }

    /// Embeds a tar stream, as much at a time as memory is to hold.
    private func streamed(_ run: inout EmbeddingRun, _ source: RecordingSource) throws -> [Cut] {
        let shards = StandardInput.shared.shards()
        var all: [Cut] = []
        while let block = try shards.next() {
            for problem in block.problems {
                run.failures.failed("\(problem.id): \(problem.reason)")
            }
            StandardInput.shared.hold(block)
            let cuts = source.channelCuts(block.cuts)
            all += cuts
            try run.embed(cuts, showsProgress: false)
            Console.message("\(all.count) recordings of the stream")
        }
        return all
    }

    private func extractor(
        _ source: RecordingSource, readsStream: Bool
    ) throws -> EmbeddingExtractor {
        let file = try Safetensors(contentsOf: model)
        let workers = ProcessInfo.processInfo.activeProcessorCount
        let windows = window.map { EmbeddingWindows(length: $0, hop: hop) }
        var opening: (@Sendable (Cut) throws -> SoundFile)?
        if source.raw != nil || readsStream { opening = { cut in try source.open(cut) } }
        if TrainedClassifier.isTrainedClassifier(file) {
            return try EmbeddingExtractor(
                TrainedClassifier(path: model, file: file), layer: layer, pooling: pooling,
                windows: windows, workers: workers, cache: cacheOptions.cache, precision: precision,
                opening: opening)
        }
        return try EmbeddingExtractor(
            PretrainedModel(path: model, file: file), layer: layer, pooling: pooling,
            windows: windows, workers: workers, cache: cacheOptions.cache, precision: precision,
            opening: opening)
    }

    private func makeExport(
        _ target: EmbeddingTarget, _ extractor: EmbeddingExtractor, _ whitening: Whitening?,
        _ source: RecordingSource
    ) throws -> EmbeddingExport {
        do {
            return try EmbeddingExport(
                to: target, extractor.description(reading: source.raw.map { "\($0)" }),
                finish: EmbeddingExport.Finish(
                    whitening: whitening, isNormalized: normalize == .l2),
                beginsAnew: overwrite)
        } catch CorpusError.otherFeatures(let path, let reason) {
            throw CorpusError.otherFeatures(path: path, reason: "\(reason) with --overwrite")
        }
    }

    private func requireFrontEnd(of model: PretrainedModel) throws {
        guard frontEndOptions.isGiven else { return }
        var wanted = try frontEndOptions.resolve()
        // What the corpus's mean and deviation were is the model's own.
        wanted.normalization = model.card.frontEnd.normalization
        try model.require(wanted)
    }

    /// Embeds what a list names until a signal comes.
    private func followed(
        _ path: String, _ run: inout EmbeddingRun, _ source: RecordingSource
    ) throws -> [Cut] {
        let stop = StopRequest()
        let signals = stop.stops(on: [SIGINT, SIGTERM])
        defer { signals.forEach { $0.cancel() } }
        var list = try GrowingList(path: path)
        Console.message("following \(path); Ctrl-C ends")
        var all: [Cut] = []
        while !stop.isRequested {
            let lines = try list.newLines()
            guard !lines.isEmpty else {
                try run.export.synchronize()
                usleep(100_000)
                continue
            }
            var cuts: [Cut] = []
            for line in lines {
                do {
                    cuts += try source.cuts([line])
                } catch {
                    run.failures.failed("\(error)")
                }
            }
            all += cuts
            try run.embed(cuts, stop: stop, showsProgress: false)
        }
        return Inputs.withoutRepetitions(all)
    }
}

/// Embeds recordings into an export, and counts what fails.
private struct EmbeddingRun {
    let extractor: EmbeddingExtractor
    let export: EmbeddingExport
    let hashes: ContentHashes?
    let sharedFolders: Int?
    var failures = Failures()

    mutating func embed(
        _ cuts: [Cut], stop: StopRequest? = nil, showsProgress: Bool = true
    ) throws {
        let keys = Inputs.keys(for: cuts, in: export, sharedFolders: sharedFolders)
        let progress = ProgressDisplay(total: cuts.count, unit: "recordings")
        var (failures, done, skipped) = (failures, 0, 0)
        defer { self.failures = failures }
        try export.add(
            cuts, by: extractor, keys: keys, hashes: hashes, stop: stop
        ) { _, outcome in
            switch outcome {
            case .written: failures.succeeded()
            case .skipped:
                failures.succeeded()
                skipped += 1
            case .failed(let problem): failures.failed("\(problem)")
            }
            done += 1
            if cuts.count > 1, showsProgress { progress.update(done) }
        }
        if skipped > 0 {
            Console.message(
                "\(skipped) of \(cuts.count) recordings were embedded before and have not changed")
        }
    }
}
