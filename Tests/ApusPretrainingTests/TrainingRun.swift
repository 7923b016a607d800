import ApusPretraining
import Foundation
import TestSupport
import Testing

/// A corpus of generated voices, and runs of a tiny model on it.
struct TrainingRun {
    let folder: TemporaryFolder
    var configuration: PretrainingConfiguration
    let sampleCounts: [Int]

    /// 24 recordings of half a second to a second.
    init(_ kind: ObjectiveKind = .cpc, recordings: Int = 24, shortest: Int = 8000) throws {
        folder = try TemporaryFolder()
        var lines: [String] = []
        sampleCounts = (0..<recordings).map {
            shortest + (8000 / recordings) * (($0 * 7) % recordings)
        }
        for (number, sampleCount) in sampleCounts.enumerated() {
            try folder.writeWAV("\(number).wav", voice(number, sampleCount: sampleCount))
            lines.append(
                "{\"audio_filepath\":\"\(number).wav\",\"id\":\"voice-\(number)\","
                    + "\"duration\":\(Double(sampleCount) / 16000)}")
        }
        let manifest = try folder.write(
            lines.map { $0 + "\n" }.joined(), "train.jsonl")

        configuration = PretrainingConfiguration()
        configuration.threads = 2
        configuration.precision = .float32
        configuration.frontEnd.melBandCount = 8
        configuration.data.manifest = manifest
        configuration.data.framesPerBatch = 400
        configuration.data.cropFrames = 60
        configuration.data.minimumFrames = 20
        configuration.objective = smallObjective(kind)
        if kind != .cpc { configuration.data.mode = .padded }
        configuration.training.steps = 20
        configuration.training.logEvery = 4
        configuration.training.checkpointEvery = 5
        configuration.training.keptCheckpoints = 100
    }

    /// What a run reported and ended with.
    struct Outcome {
        var summary: Pretrainer.Summary
        var messages: [String] = []
        var warnings: [String] = []
        var steps: [Int] = []
    }

    /// Makes the validation and the averages part of a run, and its steps of two batches.
    mutating func turnEverythingOn() {
        configuration.data.validationShare = 0.2
        configuration.training.validateEvery = 4
        configuration.training.earlyStopping.patience = 50
        configuration.training.accumulation = 2
        configuration.training.averaging.decay = 0.9
        configuration.training.healthEvery = 3
        configuration.optimizer.kind = .lamb
    }

    func path(_ name: String) -> String { folder.path + "/" + name }

    /// Trains in a folder `name`; `warnings` gets them also where the run throws.
    @discardableResult
    func train(
        _ name: String, _ adjust: (inout PretrainingConfiguration) -> Void = { _ in },
        stoppingAfter lastStep: Int? = nil, warnings: (String) -> Void = { _ in }
    ) throws -> Outcome {
        var configuration = configuration
        adjust(&configuration)
        let log = EventLog()
        defer { log.warnings.forEach(warnings) }
        let pretrainer = try Pretrainer(configuration, folder: path(name), report: log.add)
        log.stopsAfter = { if $0 == lastStep { pretrainer.stopRequest.stop() } }
        let summary = try pretrainer.run()
        return Outcome(
            summary: summary, messages: log.messages, warnings: log.warnings, steps: log.steps)
    }

    private final class EventLog {
        var messages: [String] = []
        var warnings: [String] = []
        var steps: [Int] = []
        var stopsAfter: (Int) -> Void = { _ in }

        func add(_ event: Pretrainer.Event) {
            switch event {
            case .message(let text): messages.append(text)
            case .warning(let text): warnings.append(text)
            case .progress(let progress):
                steps.append(progress.step)
                stopsAfter(progress.step)
            }
        }
    }

    /// A file's bytes.
    func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path(name)))
    }

    /// The figures of each step as `metrics.jsonl` has them, without those that a clock decides.
    func trace(_ name: String) throws -> [[String: Double]] {
        let clocked = [
            "secondsWaited", "trainingSeconds", "waitingShare", "outsideShare", "audioHoursPerHour",
            "exchangeShare",
        ]
        let text = try String(contentsOfFile: path(name + "/metrics.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let fields = try #require(object as? [String: Any])
            return fields.compactMapValues { $0 as? Double ?? ($0 as? Int).map(Double.init) }
                .filter { !clocked.contains($0.key) }
        }
    }

    func losses(_ name: String) throws -> [Double] {
        try trace(name).map { try #require($0["loss"]) }
    }

    /// The words that `metrics.jsonl` has under a name, by step.
    func words(_ name: String, in list: String) throws -> [Int: [String]] {
        let text = try String(contentsOfFile: path(name + "/metrics.jsonl"), encoding: .utf8)
        var found: [Int: [String]] = [:]
        for line in text.split(separator: "\n") {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let fields = try #require(object as? [String: Any])
            if let words = fields[list] as? [String] {
                found[try #require(fields["step"] as? Int)] = words
            }
        }
        return found
    }

    /// Everything that a run leaves but clocks is the same as another leaves.
    func expectSame(_ name: String, _ other: String) throws {
        #expect(try trace(name) == trace(other))
        for list in ["skipped", "warnings"] {
            #expect(try words(name, in: list) == words(other, in: list))
        }
        #expect(try bytes(name + "/model.safetensors") == bytes(other + "/model.safetensors"))
        let best = "/best.safetensors"
        #expect((try? bytes(name + best)) == (try? bytes(other + best)))
        let checkpoints = try checkpoints(other)
        #expect(try self.checkpoints(name) == checkpoints)
        for checkpoint in checkpoints {
            let folder = "/checkpoints/\(checkpoint)/"
            let files = try FileManager.default.contentsOfDirectory(atPath: path(other + folder))
            for file in files where file.hasSuffix(".safetensors") {
                #expect(try bytes(name + folder + file) == bytes(other + folder + file))
            }
        }
    }

    /// The names of the checkpoints that a run keeps.
    func checkpoints(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(name + "/checkpoints")).sorted()
    }

    /// Makes `copy` what a run in `name` was when it was killed after its checkpoint of a step, a
    /// while later: later steps are logged, a line is half written, and so is a checkpoint.
    func copy(_ name: String, killedAfterCheckpoint step: Int, as copy: String) throws {
        let files = FileManager.default
        try files.copyItem(atPath: path(name), toPath: path(copy))
        try? files.removeItem(atPath: path(copy + "/model.safetensors"))
        for checkpoint in try checkpoints(copy) {
            if let number = Int(checkpoint.dropFirst(5)), number > step {
                try files.removeItem(atPath: path("\(copy)/checkpoints/\(checkpoint)"))
            }
        }
        let metrics = path(copy + "/metrics.jsonl")
        let lines = try String(contentsOfFile: metrics, encoding: .utf8).split(separator: "\n")
        let kept = lines.prefix(step + 2).map { $0 + "\n" }.joined() + "{\"step\":\(step + 3),\"lo"
        try Data(kept.utf8).write(to: URL(fileURLWithPath: metrics))
        try files.createDirectory(
            atPath: path(copy + "/checkpoints/partial"), withIntermediateDirectories: true)
        try Data("half of".utf8).write(
            to: URL(fileURLWithPath: path(copy + "/checkpoints/partial/model.safetensors")))
    }
}
