import ApusCorpus
import ApusPretraining
import ApusProbing
import ApusReport
import ArgumentParser
import Foundation

extension LabelSource: ExpressibleByArgument {}

/// `apus probe`: what a linear classifier finds in frozen representations.
struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Evaluate models by linear probes, beside honest baselines.",
        discussion: """
            Example: apus probe CPC=runs/cpc/model.safetensors --train data/train.jsonl \\
                       --dev data/dev.jsonl --test data/test.jsonl -o runs/probe

            Prints one table: statistics of log-mels and of MFCCs, a random projection, the channel \
            alone, each model's untrained encoder and the model, with few labels, with all, and on \
            single frames. Layer and regularisation are chosen on dev. Writes results.json, .md, .txt \
            and .tex, classifier.safetensors (for apus classify) and what apus report shows.

            What an earlier run found of a system with the same recordings, labels and options is used \
            again (see apus cache), so that a run that was killed goes on.
            """)

    @Argument(help: "Models as PATH or NAME=PATH.")
    var models: [String]
    @Option(help: "The manifest of labelled recordings that classifiers are fitted on.")
    var train: String?
    @Option(help: "The manifest that layer and regularisation are chosen on.")
    var dev: String?
    @Option(help: "The manifest that the figures are measured on.")
    var test: String?
    @Option(help: "The manifest of a cross-validation, whose recordings name their folds.")
    var folds: String?
    @Option(
        help: ArgumentHelp(
            "With --folds: the key whose values are measured on in turn.",
            discussion: "fold, speaker, language, or a key of the manifest's own, such as kit."))
    var group: String?
    @Option(name: [.short, .customLong("output")], help: "The run's folder.")
    var output: String
    @Option(
        help: "What recordings are told apart by: speaker, soundClass, language, tags or events.")
    var label = LabelSource.speaker
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: "Set one option, such as utterances.seedCount=10; may be repeated.")
    var settings: [String] = []
    @Flag(help: "Leave out the probe on single frames, which takes longest.")
    var noFrames = false
    @OptionGroup var comparisonOptions: ComparisonOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var cacheOptions: CacheOptions
    @Flag(help: "Print results.json instead of the table.")
    var json = false

    func validate() throws {
        let parts = [train, dev, test].compactMap(\.self)
        guard folds == nil ? parts.count == 3 : parts.isEmpty else {
            throw ValidationError("Name --train, --dev and --test, or --folds alone.")
        }
        guard group == nil || folds != nil else {
            throw ValidationError("--group belongs to --folds.")
        }
    }

    func run() throws {
        try engine.start()
        var options = try ConfigurationFile.resolve(ProbeOptions(), settings: settings)
        options.label = label
        options.comparisons += comparisonOptions.compare
        if let group { options.group = group }
        if noFrames || folds != nil || label == .tags || label == .events { options.frames = nil }
        let named = try models.map { argument -> (name: String, model: PretrainedModel) in
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            let path = parts.last ?? argument
            let folder = (path as NSString).deletingLastPathComponent
            let name = parts.count == 2 ? parts[0] : (folder as NSString).lastPathComponent
            return (name.isEmpty ? path : name, try PretrainedModel(contentsOf: path))
        }
        // Before the work, and not after it, is when to learn that its result can't be written.
        try Inputs.makeFolder(output)
        var progress = WorkProgress()
        let run = try ProbeRun(options, cache: cacheOptions.cache) { event in
            switch event {
            case .warning(let warning): Console.warning("\(warning)")
            case .progress(let done, let total, let now):
                progress.update(done, of: total, now)
            }
        }
        if label == .tags { return try tag(run, named, options) }
        if label == .events { return try detect(run, named, options) }
        let report: ProbeReport
        var tested = ""
        if let folds {
            report = try run.run(models: named, folds: Manifest(contentsOf: folds))
            tested = folds
        } else if let train, let dev, let test {
            report = try run.run(
                models: named, train: Manifest(contentsOf: train),
                development: Manifest(contentsOf: dev), test: Manifest(contentsOf: test))
            tested = test
        } else {
            preconditionFailure("validated")
        }
        let folder = ProbeFolder(path: output)
        try folder.write(report, options: options, testManifest: tested)
        if json {
            try printJSON(report.results)
        } else {
            let table = ResultsTable(
                report.results, className: label.className,
                notes: ProbeFolder.notes(try folder.details()))
            print(table.plainText(), terminator: "")
            if let tests = ResultsTable.pairedTests(of: report.results) {
                print("\n" + tests.plainText(), terminator: "")
            }
        }
    }

    private func tag(
        _ run: ProbeRun, _ models: [(name: String, model: PretrainedModel)],
        _ options: ProbeOptions
    ) throws {
        let report: TaggingReport
        if let folds {
            report = try run.runTagging(models: models, folds: Manifest(contentsOf: folds))
        } else if let train, let dev, let test {
            report = try run.runTagging(
                models: models, train: Manifest(contentsOf: train),
                development: Manifest(contentsOf: dev), test: Manifest(contentsOf: test))
        } else {
            preconditionFailure("validated")
        }
        let folder = TaggingFolder(path: output)
        try folder.write(report, options: options)
        let written = output + (json ? "/results.json" : "/results.txt")
        print(try String(contentsOfFile: written, encoding: .utf8), terminator: "")
    }

    private func detect(
        _ run: ProbeRun, _ models: [(name: String, model: PretrainedModel)],
        _ options: ProbeOptions
    ) throws {
        let report: DetectionReport
        if let folds {
            report = try run.runDetection(models: models, folds: Manifest(contentsOf: folds))
        } else if let train, let dev, let test {
            report = try run.runDetection(
                models: models, train: Manifest(contentsOf: train),
                development: Manifest(contentsOf: dev), test: Manifest(contentsOf: test))
        } else {
            preconditionFailure("validated")
        }
        try DetectionFolder(path: output).write(report, options: options)
        let written = output + (json ? "/results.json" : "/results.txt")
        print(try String(contentsOfFile: written, encoding: .utf8), terminator: "")
    }
}
