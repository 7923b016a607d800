import ApusCorpus
import ApusPretraining
import ApusProbing
import ArgumentParser
import Foundation

/// `apus train`: a classifier from labelled recordings.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a classifier on labels: a head alone, the encoder too, or from scratch.",
        discussion: """
            Examples: apus train runs/cpc/model.safetensors --train data/train.jsonl \\
                        --dev data/dev.jsonl --test data/test.jsonl -o runs/speakers
                      apus train runs/cpc/model.safetensors ... --set head.kind=ecapa \\
                        --set loss.kind=aamSoftmax --set encoder.rate=1e-4 -o runs/fine-tuned

            The step with the highest accuracy on dev is kept, and test is looked at once. Writes \
            classifier.safetensors (for apus classify and, by the head's embedding, apus embed), \
            results.json, results.md, what apus report shows, predictions.tsv (for apus compare), metrics.jsonl, \
            checkpoints/ and, where the encoder was trained, model.safetensors. Beside the network stand log-mel and MFCC \
            statistics, a random projection, the channel alone and the untrained encoder, by linear probes \
            on the same labels (not with baselines=false). The same command continues a run that was cut off. \
            encoder.rate=0 leaves the encoder as it is; encoder.fromScratch=true begins with initial \
            weights; without MODEL the encoder is that of the option objective. \
            apus train --print-defaults shows every option.
            """)

    @Argument(help: "A model.safetensors.")
    var model: String?
    @Option(help: "A YAML file of options; what it leaves out keeps its default.")
    var config: String?
    @Option(help: "The manifest of labelled recordings that are trained on.")
    var train: String?
    @Option(help: "The manifest that the step is chosen on.")
    var dev: String?
    @Option(help: "The manifest that the figures are measured on.")
    var test: String?
    @Option(name: [.short, .customLong("output")], help: "The run's folder.")
    var output: String?
    @Option(help: "What recordings are told apart by: speaker, soundClass or language.")
    var label: LabelSource?
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: "Set one option, such as head.kind=xVector; may be repeated.")
    var settings: [String] = []
    @OptionGroup var cacheOptions: CacheOptions
    @Flag(help: "Print every option with its default as YAML, and end.")
    var printDefaults = false
    @Flag(help: "Print results.json instead of the table.")
    var json = false

    func run() throws {
        if printDefaults {
            print(try ConfigurationFile.text(of: ClassifierConfiguration()), terminator: "")
            return
        }
        guard let output else { throw ValidationError("Name the run's folder: -o RUN") }
        var configuration = try ConfigurationFile.resolve(
            ClassifierConfiguration(), file: config, settings: settings)
        if let model { configuration.model = model }
        if let train { configuration.data.train = train }
        if let dev { configuration.data.development = dev }
        if let test { configuration.data.test = test }
        if let label { configuration.label = label }
        var progress = WorkProgress()
        let trainer = try ClassifierTrainer(
            configuration, folder: output, source: config ?? "--set", cache: cacheOptions.cache
        ) { event in
            switch event {
            case .message(let text): Console.message(text)
            case .warning(let text): Console.warning(text)
            case .progress(let done, let total, let now, let detail):
                progress.update(done, of: total, now, detail)
            }
        }
        let signals = trainer.stopRequest.stops(on: [SIGINT, SIGTERM])
        defer { signals.forEach { $0.cancel() } }
        guard let report = try trainer.run() else {
            print("\(output): stopped; the same command continues")
            return
        }
        if json {
            try printJSON(report.results)
        } else {
            print(report.table.plainText(), terminator: "")
            if let tests = report.pairedTests { print("\n" + tests.plainText(), terminator: "") }
        }
    }
}
