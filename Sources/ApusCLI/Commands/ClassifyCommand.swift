import ApusCorpus
import ApusNN
import ApusProbing
import ArgumentParser
import Foundation

/// `apus classify`: labels with probabilities for new recordings.
struct ClassifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify",
        abstract: "Name the speaker (or class) of new recordings.",
        discussion: """
            Example: apus classify runs/probe/classifier.safetensors clip.ogg
            Prints a line for each recording: its path, then the likeliest labels with their \
            probabilities. A classifier knows its own labels only: it names one of them for any \
            recording whatever.
            """)

    @Argument(help: "A classifier.safetensors that apus probe or apus train wrote.")
    var classifier: String
    @Argument(help: "Audio files, folders or .jsonl manifests.")
    var inputs: [String]
    @Option(help: "How many labels are shown for a recording.")
    var top = 3
    @OptionGroup var engine: EngineOptions
    @Flag(help: "Print a JSON object a line instead.")
    var json = false

    private struct Line: Encodable {
        var id: String
        var scores: [Classifier.Score]
    }

    func run() throws {
        guard top > 0 else { throw ValidationError("--top is \(top), expected at least 1.") }
        try engine.start()
        let cuts = try Inputs.cuts(inputs)
        let scores = try scores(of: cuts)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var failures = Failures()
        for (cut, result) in zip(cuts, scores) {
            switch result {
            case .failure(let error): failures.failed("\(error)")
            case .success(let scores):
                failures.succeeded()
                let best = Array(scores.prefix(top))
                if json {
                    let line = try encoder.encode(Line(id: cut.id, scores: best))
                    print(String(decoding: line, as: UTF8.self))
                } else {
                    let labels = best.map { String(format: "%@ %.3f", $0.label, $0.probability) }
                    print("\(cut.id)\t\(labels.joined(separator: "\t"))")
                }
            }
        }
        try failures.finish()
    }

    /// The labels by a classifier of either command.
    private func scores(of cuts: [Cut]) throws -> [Result<[Classifier.Score], CorpusError>] {
        let file = try Safetensors(contentsOf: classifier)
        if TrainedClassifier.isTrainedClassifier(file) {
            return try TrainedClassifier(path: classifier, file: file).scores(of: cuts)
        }
        return try Classifier(path: classifier, file: file).scores(of: cuts)
    }
}
