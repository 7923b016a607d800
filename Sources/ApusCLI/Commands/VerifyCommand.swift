import ApusCorpus
import ApusNN
import ApusPretraining
import ApusProbing
import ApusReport
import ApusSignal
import ArgumentParser
import Foundation

/// `apus verify`: whether two recordings are of one speaker.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Tell whether two recordings are of one speaker, or measure it on trials.",
        discussion: """
            Examples: apus verify model.safetensors a.wav b.wav \\
                        --calibration runs/verify/verifier.safetensors
                      apus verify CPC=runs/cpc/model.safetensors --trials test-trials.txt \\
                        --manifest data/test.jsonl --dev-trials dev-trials.txt \\
                        --manifest data/dev.jsonl --cohort data/train.jsonl -o runs/verify
                      apus verify vectors.npy --trials trials.txt --cohort data/train.jsonl ...

            Trials are VoxCeleb's ('1 first second') or Kaldi's ('first second target'), by ids or by \
            the ends of files' paths. Layer and calibration are chosen on dev trials. Without a \
            manifest the names in a file of embeddings (of apus embed) are the recordings. \
            Writes results.json, scores.tsv, verifier.safetensors and what apus report shows.
            """)

    @Argument(
        help: ArgumentHelp(
            "A model and two recordings; with --trials models as PATH or NAME=PATH.",
            discussion: "A classifier.safetensors of apus train is a model by its head's embedding."
        ))
    var arguments: [String]
    @Option(help: "The list of trials that is measured.")
    var trials: String?
    @Option(help: "The list of trials that layer and calibration are chosen on.")
    var devTrials: String?
    @Option(
        parsing: .singleValue, help: "A manifest with recordings of the trials; may be repeated.")
    var manifest: [String] = []
    @Option(
        help: "The manifest whose mean is subtracted, and that S-norm and AS-norm compare with.")
    var cohort: String?
    @Option(help: "The manifest of labelled recordings that LDA and PLDA are fitted to.")
    var train: String?
    @Option(name: [.short, .customLong("output")], help: "The run's folder.")
    var output: String?
    @Option(help: "For two recordings: a verifier.safetensors of a run with dev trials.")
    var calibration: String?
    @Option(help: "For two recordings: the probability of one speaker before they are heard.")
    var prior = 0.5
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: "Set one option, such as scoring=plda or normalization=adaptive; may be repeated.")
    var settings: [String] = []
    @OptionGroup var comparisonOptions: ComparisonOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var cacheOptions: CacheOptions
    @Flag(help: "Print JSON instead of words.")
    var json = false

    func validate() throws {
        if trials == nil {
            guard arguments.count == 3 else {
                throw ValidationError("Name a model and two recordings, or --trials.")
            }
            guard devTrials == nil, manifest.isEmpty, cohort == nil, train == nil, output == nil,
                settings.isEmpty, comparisonOptions.compare.isEmpty
            else { throw ValidationError("These options belong to --trials.") }
            guard prior > 0, prior < 1 else {
                throw ValidationError("--prior is \(prior), expected a number between 0 and 1.")
            }
        } else {
            guard output != nil else { throw ValidationError("Name the run's folder: -o RUN.") }
            guard calibration == nil else {
                throw ValidationError("--calibration belongs to two recordings, not to --trials.")
            }
        }
    }

    func run() throws {
        try engine.start()
        if let trials, let output { try measure(trials, output) } else { try compare() }
    }

    private func compare() throws {
        for path in arguments[1...] where !FileManager.default.fileExists(atPath: path) {
            throw SignalError.missingFile(path: path)
        }
        if arguments[1] == arguments[2] {
            Console.warning("\(arguments[1]): a recording is compared with itself")
        }
        let verifier =
            try calibration.map { try SpeakerVerifier(modelPath: arguments[0], calibration: $0) }
            ?? SpeakerVerifier(modelPath: arguments[0])
        let verdict = try verifier.compare(
            Cut(id: arguments[1], audioPath: arguments[1]),
            Cut(id: arguments[2], audioPath: arguments[2]), prior: prior)
        if json { return try printJSON(verdict) }
        guard let card = verifier.card, let isSame = verdict.isSame,
            let probability = verdict.probability
        else {
            print(String(format: "cosine %.4f", verdict.score))
            print(
                "There is no calibration (--calibration), so no probability and no threshold: the "
                    + "cosine alone doesn't say whether it is one speaker.")
            return
        }
        print(
            (isSame ? "the same speaker" : "different speakers")
                + String(
                    format: ": probability of one speaker %.4f (%g before they are heard)",
                    probability, prior))
        let threshold = verdict.threshold.map { String(format: "%.4f", $0) } ?? "none"
        print(
            String(format: "score %.4f, threshold %@, from the ", verdict.score, threshold)
                + card.origin)
    }

    private func measure(_ trials: String, _ output: String) throws {
        var options = try ConfigurationFile.resolve(VerificationOptions(), settings: settings)
        options.comparisons += comparisonOptions.compare
        let test = try TrialList(contentsOf: trials)
        let development = try devTrials.map { try TrialList(contentsOf: $0) }
        for list in [test, development].compactMap(\.self) {
            Console.message(
                "\(list.path): \(list.count) trials, each line \(list.format.pattern)")
        }
        var models: [String: String] = [:]
        let sources = try arguments.map { argument -> VerificationRun.Source in
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            let path = parts.last ?? argument
            let folder = ((path as NSString).deletingLastPathComponent as NSString)
            let isStored = try Inputs.isEmbeddingFile(path)
            let base = isStored ? (path as NSString).lastPathComponent : folder.lastPathComponent
            let name = parts.count == 2 ? parts[0] : base.isEmpty ? path : base
            if isStored {
                return .embeddings(name: name, embeddings: try StoredEmbeddings(contentsOf: path))
            }
            models[name] = path
            let file = try Safetensors(contentsOf: path)
            return TrainedClassifier.isTrainedClassifier(file)
                ? .head(name: name, classifier: try TrainedClassifier(path: path, file: file))
                : .model(name: name, model: try PretrainedModel(path: path, file: file))
        }
        var manifests = try manifest.map { try Manifest(contentsOf: $0) }
        if manifests.isEmpty {
            manifests = sources.compactMap { source in
                guard case .embeddings(_, let embeddings) = source else { return nil }
                return Manifest(
                    path: embeddings.path,
                    cuts: embeddings.ids.map { Cut(id: $0, audioPath: $0) })
            }
            guard manifests.count == sources.count else {
                throw ValidationError("Name the recordings of the trials: --manifest M.")
            }
            manifests = [manifests[0]]
        }
        let inputs = VerificationInputs(
            test: test, development: development, manifests: manifests,
            cohort: try cohort.map { try Manifest(contentsOf: $0) },
            training: try train.map { try Manifest(contentsOf: $0) })
        // Before the work, and not after it, is when to learn that its result can't be written.
        try Inputs.makeFolder(output)
        var progress = WorkProgress()
        let run = try VerificationRun(options, cache: cacheOptions.cache) { event in
            switch event {
            case .warning(let warning): Console.warning(warning)
            case .progress(let done, let total, let now):
                progress.update(done, of: total, now)
            }
        }
        let report = try run.run(sources, on: inputs)
        let folder = VerificationFolder(path: output)
        try folder.write(report, inputs: inputs, options: options, models: models)
        if json { return try printJSON(report.results) }
        let table = ResultsTable(report.results, className: "speaker")
        print(table.plainText(widestLine: 160), terminator: "")
        if let tests = ResultsTable.pairedTests(of: report.results) {
            print("\n" + tests.plainText(), terminator: "")
        }
        print("With intervals: \(output)/results.md")
    }
}
