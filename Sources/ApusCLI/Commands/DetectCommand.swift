import ApusProbing
import ArgumentParser
import Foundation

/// `apus detect`: sound events with their times in new recordings.
struct DetectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect",
        abstract: "Find sound events and their times in recordings.",
        discussion: """
            Example: apus detect runs/events/detector.safetensors street.flac
            Prints a table with tabs between its columns: the recording, onset and offset in seconds, the \
            label, and the mean probability of the event's frames.
            """)

    @Argument(help: "A detector.safetensors that apus probe --label events wrote.")
    var detector: String
    @Argument(help: "Audio files, folders or .jsonl manifests.")
    var inputs: [String]
    @OptionGroup var engine: EngineOptions
    @Flag(help: "Print a JSON object a recording instead.")
    var json = false

    private struct Line: Encodable {
        struct Event: Encodable {
            var onset: Double
            var offset: Double
            var label: String
            var score: Double
        }
        var id: String
        var events: [Event]
    }

    func run() throws {
        try engine.start()
        let cuts = try Inputs.cuts(inputs)
        let detector = try SoundEventDetector(contentsOf: self.detector)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var failures = Failures()
        if !json { print("filename\tonset\toffset\tevent_label\tscore") }
        for (cut, result) in zip(cuts, try detector.detections(of: cuts)) {
            switch result {
            case .failure(let error): failures.failed("\(error)")
            case .success(let found):
                failures.succeeded()
                if json {
                    let line = Line(
                        id: cut.id,
                        events: found.map {
                            Line.Event(
                                onset: $0.event.onset, offset: $0.event.offset,
                                label: $0.event.label, score: $0.score)
                        })
                    print(String(decoding: try encoder.encode(line), as: UTF8.self))
                } else {
                    for detection in found {
                        print(
                            String(
                                format: "%@\t%.3f\t%.3f\t%@\t%.3f", cut.id, detection.event.onset,
                                detection.event.offset, detection.event.label, detection.score))
                    }
                }
            }
        }
        try failures.finish()
    }
}
