import ApusCorpus
import ApusMetrics
import ApusProbing
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct DetectionTests {
    @Test func runsOfFramesBecomeEvents() {
        let decoder = EventDecoder(thresholds: [0.5, 0.9], medianFrames: 3)
        let first: [Float] = [0, 0.6, 0, 0.8, 0.2, 0.7, 0.9, 0, 0, 0.6, 0.6, 0.6]
        let probabilities = first.flatMap { (value: Float) -> [Float] in [value, 0.8] }
        let found = decoder(
            probabilities, labels: ["a", "b"], frameSeconds: 0.5, duration: 5.75)
        // Each frame's decision is that of two of three; the last event ends with the recording.
        #expect(
            found.map(\.event) == [
                SoundEvent(label: "a", onset: 1, offset: 1.5),
                SoundEvent(label: "a", onset: 2, offset: 3.5),
                SoundEvent(label: "a", onset: 4.5, offset: 5.75),
            ])
        #expect(abs(found[2].score - 0.6) < 1e-6)
        let plain = EventDecoder(thresholds: [0.5, 0.5], medianFrames: 1)
        #expect(
            plain([0.6, 0.4, 0.4, 0.4], labels: ["a", "b"], frameSeconds: 1, duration: 2)
                .map(\.event) == [SoundEvent(label: "a", onset: 0, offset: 1)])
    }

    /// Noise with tones of two pitches at known times.
    private func manifest(
        _ folder: TemporaryFolder, _ part: String, count: Int
    ) throws -> Manifest {
        var cuts: [Cut] = []
        for take in 0..<count {
            var generator = SeededGenerator(seed: 3, stream: part, take)
            var samples = (0..<48_000).map { _ in
                Float(generator.integer(below: 2001) - 1000) * 1e-5
            }
            var events: [JSONValue] = []
            for (label, hertz) in [("low", 300.0), ("high", 2500.0)] {
                let onset = 0.2 + 0.1 * Double(generator.integer(below: 10))
                let offset = onset + 0.5 + 0.1 * Double(generator.integer(below: 8))
                for index in Int(onset * 16_000)..<Int(offset * 16_000) {
                    samples[index] += Float(0.2 * sin(2 * .pi * hertz * Double(index) / 16_000))
                }
                events.append(
                    .object([
                        "onset": .number(onset), "offset": .number(offset),
                        "label": .string(label),
                    ]))
            }
            let id = "\(part)-\(take)"
            cuts.append(
                Cut(
                    id: id, audioPath: try folder.writeWAV(id + ".wav", samples), duration: 3,
                    extra: ["events": .array(events)]))
        }
        return Manifest(path: folder.path + "/\(part).jsonl", cuts: cuts)
    }

    private func options() -> ProbeOptions {
        var options = ProbeOptions()
        options.label = .events
        options.events.inverseRegularizations = [0.1, 10]
        options.events.trainingFrames = 2000
        options.events.developmentFrames = 1500
        return options
    }

    @Test func tonesAreFoundWhereTheyAre() throws {
        let folder = try TemporaryFolder()
        let (train, dev, test) = (
            try manifest(folder, "train", count: 10), try manifest(folder, "dev", count: 4),
            try manifest(folder, "test", count: 5)
        )
        let models = [(name: "cpc", model: makeModel(.cpc))]
        let report = try ProbeRun(options()).runDetection(
            models: models, train: train, development: dev, test: test)
        #expect(report.labels == ["high", "low"])
        #expect(report.systems.map(\.name) == ["log-mel statistics", "untrained cpc", "cpc"])
        let plain = report.systems[0]
        #expect(plain.events.overall.reference == 10)
        #expect(plain.events.overall.fScore == 1)
        #expect(plain.events.macroFScore == 1)
        #expect(plain.segments.overall.fScore > 0.95)
        #expect(plain.polyphonicScore > 0.95)
        #expect(report.results.rows.count == 3 * 5)
        for row in report.results.rows {
            #expect(row.seeds == 1 && row.trials == 10)
            let (low, high) = (try #require(row.low), try #require(row.high))
            #expect(low <= row.value && row.value <= high)
        }
        // Without an error in any recording there is none in any draw.
        #expect(report.results.rows[0].low == 1 && report.results.rows[0].high == 1)
        let comparison = try #require(report.comparison)
        #expect(comparison.first == "log-mel statistics")
        #expect(comparison.bootstrap.difference.estimate >= 0)
        #expect(comparison.description.contains("event F1: +"))
        #expect(report.results.classes?.count == 3 * 2)

        let conditions = try #require(report.results.conditions)
        #expect(
            conditions.measured == [
                .init("test recordings", 5), .init("events", 10), .init("labels", 2),
            ])
        #expect(conditions.intervals == "a bootstrap over test recordings (1000 resamples)")

        try DetectionFolder(path: folder.path).write(report, options: options())
        let curves = try #require(DetectionFolder(path: folder.path).details().curves)
        #expect(curves.map(\.name) == report.systems.map(\.name))
        for (curve, system) in zip(curves, report.systems) {
            #expect(
                PolyphonicDetectionScore().area(under: curve.steps) == system.polyphonicScore)
        }
        let detector = try SoundEventDetector(
            contentsOf: folder.path + "/detector.safetensors")
        #expect(detector.card == report.detector.card)
        let found = try detector.detections(of: test.cuts + [Cut(id: "x", audioPath: "absent")])
        #expect(found.count == 6)
        let estimates = try found.prefix(5).map { try $0.get().map(\.event) }
        let again = try eventMeasures(
            references: test.cuts.map { try $0.soundEvents() ?? [] }, estimates: estimates)
        #expect(again == report.systems[2].events)
        #expect(throws: CorpusError.self) { try found[5].get() }
    }

    @Test func badEventsAreNamed() throws {
        func reason(_ events: JSONValue) -> String? {
            let cut = Cut(id: "a", audioPath: "a", duration: 2, extra: ["events": events])
            return #expect(throws: ProbingError.self) { try cut.soundEvents() }?.description
        }
        func event(_ onset: Double, _ offset: Double) -> JSONValue {
            .object([
                "onset": .number(onset), "offset": .number(offset), "label": .string("door"),
            ])
        }
        #expect(reason(.string("door")) == "a: 'events' is no list")
        #expect(reason(.array([.null])) == "a: event 1 is no object")
        #expect(reason(.array([event(0, 1), event(1, 0.5)])) == "a: event 2 is from 1.0 to 0.5 s")
        #expect(reason(.array([event(3, 4)])) == "a: event 1 begins at 3.0 s of 2.0")
        #expect(
            reason(.array([.object(["onset": .integer(0), "offset": .integer(1)])]))
                == "a: event 1 has no 'label'")
        #expect(
            reason(.array([.object(["onset": .integer(0), "label": .string("x")])]))
                == "a: event 1 has no number 'offset'")
        #expect(try Cut(id: "a", audioPath: "a").soundEvents() == nil)
    }

    @Test func recordingsWithoutEventsAreNamed() throws {
        let folder = try TemporaryFolder()
        var train = try manifest(folder, "train", count: 2)
        let models = [(name: "cpc", model: makeModel(.cpc))]
        func run(_ train: Manifest) throws {
            _ = try ProbeRun(options()).runDetection(
                models: models, train: train, development: train, test: train)
        }
        train.cuts[1].extra = [:]
        #expect(
            throws: ProbingError.badEvents(
                id: "train-1",
                reason: "its manifest has no key 'events' (an empty list for silence)")
        ) { try run(train) }
        for index in train.cuts.indices { train.cuts[index].extra["events"] = .array([]) }
        #expect(
            throws: ProbingError.nothingLeft(
                path: train.path, reason: "no recording has an event")
        ) { try run(train) }
        var bad = options()
        bad.events.thresholds = [1.5]
        #expect(throws: ProbingError.self) { try ProbeRun(bad) }
    }
}
