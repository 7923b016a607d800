import ApusCorpus
import ApusSignal
import ArgumentParser

extension TrialList.Impostors: ExpressibleByArgument {}

/// How the lines of a list of trials are written, as an argument.
private enum TrialFormat: String, ExpressibleByArgument, CaseIterable {
    case kaldi, voxceleb
}

/// `apus trials`: a list of verification trials from a manifest.
struct TrialsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trials",
        abstract: "List pairs of a manifest's recordings as trials for apus verify.",
        discussion: """
            Examples: apus trials data/test.jsonl -o test-trials.txt
                      apus trials data/test.jsonl --impostors sameLanguage --limit 100000 \\
                        -o test-trials.txt

            Every pair of recordings of one speaker is a target and every pair of two speakers an \
            impostor, or, with sameLanguage, every such pair of one language: without it, a system \
            that tells languages apart looks like one that tells speakers apart.
            """)

    @Argument(help: "The manifest of recordings with their speakers.")
    var manifest: String
    @Option(name: [.short, .customLong("output")], help: "The list.")
    var output: String
    @Option(help: "Which pairs of two speakers are trials: all or sameLanguage.")
    var impostors = TrialList.Impostors.all
    @Option(help: "So many targets and so many impostors at most, drawn evenly.")
    var limit: Int?
    @Option(help: "What the draw depends on.")
    var seed: UInt64 = 1
    @Option(help: "How lines are written: kaldi or voxceleb.")
    private var format = TrialFormat.kaldi

    func validate() throws {
        if let limit, limit < 1 {
            throw ValidationError("--limit is \(limit), expected at least 1.")
        }
    }

    func run() throws {
        let manifest = try Manifest(contentsOf: manifest)
        let trials = try TrialList(
            of: manifest, impostors: impostors, limit: limit, seed: seed)
        let withoutSpeaker = manifest.cuts.count { $0.speaker == nil }
        if withoutSpeaker > 0 {
            Console.warning(
                "\(manifest.path): \(withoutSpeaker) of \(manifest.cuts.count) recordings name no "
                    + "speaker and are in no trial")
        }
        LabelSpellings(manifest.cuts.compactMap(\.speaker)).warnings(plural: "speakers")
            .forEach { Console.warning("\(manifest.path): \($0)") }
        try writeAtomically(
            trials.encoded(as: format == .kaldi ? .kaldi : .voxCeleb), to: output)
        let targets = trials.isTarget.count { $0 }
        print("\(output): \(targets) targets, \(trials.count - targets) impostors")
    }
}
