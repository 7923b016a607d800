import ApusCorpus
import ApusProbing
import ArgumentParser
import Foundation

/// `apus identify`: which enrolled speaker is heard, or none of them.
struct IdentifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identify",
        abstract: "Say which enrolled speaker is heard in recordings, or none of them.",
        discussion: """
            Example: apus identify speakers.safetensors clip.ogg --false-alarm 0.05
            Prints a line for each recording: its path, the speaker or 'unknown', then the best \
            candidates with their scores. With --false-alarm a recording whose best score doesn't \
            reach the threshold of that rate, found on dev at enrolment, is unknown; without it the \
            best candidate is named in any case. Of recordings whose manifest names the speaker the \
            outcomes are counted too, on standard error.
            """)

    @Argument(help: "A speakers.safetensors that apus enroll wrote.")
    var speakers: String
    @Argument(help: "Audio files, folders or .jsonl manifests.")
    var inputs: [String]
    @Option(help: "The rate of false alarms that the threshold is for.")
    var falseAlarm: Double?
    @Option(help: "How many candidates are shown for a recording.")
    var top = 3
    @OptionGroup var engine: EngineOptions
    @Flag(help: "Print a JSON object a line instead.")
    var json = false

    private struct Line: Encodable {
        var id: String
        var speaker: String?
        var candidates: [SpeakerGallery.Candidate]
        var threshold: Double?
    }

    func run() throws {
        guard top > 0 else { throw ValidationError("--top is \(top), expected at least 1.") }
        try engine.start()
        let cuts = try Inputs.cuts(inputs)
        let gallery = try SpeakerGallery(contentsOf: speakers)
        let threshold = try falseAlarm.map { try gallery.threshold(falseAlarmRate: $0) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var failures = Failures()
        var outcomes = Outcomes(enrolled: gallery.card.speakers)
        for (cut, result) in zip(cuts, gallery.identify(cuts, threshold: threshold?.value)) {
            switch result {
            case .failure(let error): failures.failed("\(error)")
            case .success(let finding):
                failures.succeeded()
                outcomes.add(finding, of: cut)
                let best = Array(finding.candidates.prefix(top))
                if json {
                    let line = Line(
                        id: cut.id, speaker: finding.speaker, candidates: best,
                        threshold: finding.threshold)
                    print(String(decoding: try encoder.encode(line), as: UTF8.self))
                } else {
                    let scores = best.map { String(format: "%@ %.3f", $0.speaker, $0.score) }
                    print(
                        "\(cut.id)\t\(finding.speaker ?? "unknown")\t"
                            + scores.joined(separator: "\t"))
                }
            }
        }
        if let summary = outcomes.summary { Console.message(summary) }
        try failures.finish()
    }

    /// What became of recordings whose speakers are known.
    private struct Outcomes {
        let enrolled: Set<String>
        private var known = (total: 0, right: 0, rejected: 0)
        private var strangers = (total: 0, accepted: 0)

        init(enrolled: [String]) { self.enrolled = Set(enrolled) }

        mutating func add(_ finding: SpeakerGallery.Finding, of cut: Cut) {
            guard let speaker = cut.speaker else { return }
            if enrolled.contains(speaker) {
                known.total += 1
                if finding.speaker == speaker { known.right += 1 }
                if finding.speaker == nil { known.rejected += 1 }
            } else {
                strangers.total += 1
                if finding.speaker != nil { strangers.accepted += 1 }
            }
        }

        var summary: String? {
            guard known.total + strangers.total > 0 else { return nil }
            var parts: [String] = []
            if known.total > 0 {
                parts.append(
                    "\(known.total) recordings of enrolled speakers: \(known.right) identified ("
                        + String(
                            format: "%.1f %%", 100 * Double(known.right) / Double(known.total))
                        + "), \(known.rejected) taken for nobody's")
            }
            if strangers.total > 0 {
                parts.append(
                    "\(strangers.total) of strangers: \(strangers.accepted) taken for a speaker's")
            }
            return parts.joined(separator: "; ")
        }
    }
}
