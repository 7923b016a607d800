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
        let names = [
            "log-mel statistics", "MFCC statistics", "random projection", "untrained cpc", "cpc",
        ]
        #expect(report.systems.map(\.name) == names)
        // Frames of cepstra and of random directions tell tones too.
        #expect(report.systems[1...2].allSatisfy { $0.events.overall.fScore > 0.8 })
        let plain = report.systems[0]
        #expect(plain.events.overall.reference == 10)
        #expect(plain.events.overall.fScore == 1)
        #expect(plain.events.macroFScore == 1)
        #expect(plain.segments.overall.fScore > 0.95)
        #expect(plain.polyphonicScore > 0.95)
        #expect(report.results.rows.count == names.count * 5)
        #expect(report.results.protocol.contains("5 test recordings with 10 events of 2 labels"))
        for row in report.results.rows {
            #expect(row.seeds == 1 && row.trials == 10)
            let (low, high) = (try #require(row.low), try #require(row.high))
            #expect(low <= row.value && row.value <= high)
        }
        // Without an error in any recording there is none in any draw.
        #expect(report.results.rows[0].low == 1 && report.results.rows[0].high == 1)
        let comparisons = try #require(report.results.comparisons)
        #expect(comparisons.map(\.second) == ["log-mel statistics", "untrained cpc"])
        for comparison in comparisons {
            #expect(comparison.metric == "event F1" && comparison.mcNemar == nil)
            #expect(comparison.drawn == .init("recordings", count: 5))
        }
        #expect(
            abs(
                comparisons[0].difference
                    - (report.systems[4].events.overall.fScore - plain.events.overall.fScore))
                < 1e-12)
        #expect(report.results.classes?.count == names.count * 2)

        // Of both labels from beginning to end: each segment has two, those that are there are found.
        let chance = try #require(report.results.chance)
        let references = try test.cuts.map { try $0.soundEvents() ?? [] }
        let active = references.joined().reduce(0.0) {
            $0 + $1.offset.rounded(.up) - $1.onset.rounded(.down)
        }
        #expect(abs((chance["segment F1"] ?? 0) - 2 * active / (active + 5 * 3 * 2)) < 1e-12)
        #expect(chance["segment error rate"] == 1)
        #expect(chance["event F1"] == 0 && chance["event F1, macro"] == 0)

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
        #expect(again == report.systems[4].events)
        #expect(throws: CorpusError.self) { try found[5].get() }
    }

    @Test func severalTrainingsAreOneRow() throws {
        let folder = try TemporaryFolder()
        let (train, dev, test) = (
            try manifest(folder, "train", count: 4), try manifest(folder, "dev", count: 3),
            try manifest(folder, "test", count: 3)
        )
        let models = [UInt64(1), 2].map { (name: "cpc", model: makeModel(.cpc, seed: $0)) }
        let report = try ProbeRun(options()).runDetection(
            models: models, train: train, development: dev, test: test)
        #expect(report.systems.suffix(4).map(\.seed) == [1, 1, 2, 2])
        #expect(report.results.rows.count == 5 * 5 && report.results.classes?.count == 5 * 2)
        let rows = report.results.rows.filter { $0.system == "cpc" }
        #expect(rows.allSatisfy { $0.seeds == 2 })
        let scores = report.systems.filter { $0.name == "cpc" }.map(\.events.overall.fScore)
        #expect(abs(rows[0].value - scores.reduce(0, +) / 2) < 1e-12)
        #expect(
            report.results.comparisons?.map(\.second) == ["log-mel statistics", "untrained cpc"])
    }

    /// Of each fold all is chosen without what it measures on, as on three parts.
    @Test func everyGroupIsMeasuredOnOnce() throws {
        let folder = try TemporaryFolder()
        var all = try manifest(folder, "all", count: 9)
        for index in all.cuts.indices {
            all.cuts[index].extra["site"] = .string("site \(index % 3)")
        }
        var grouped = options()
        grouped.group = "site"
        let models = [(name: "cpc", model: makeModel(.cpc))]
        let report = try ProbeRun(grouped).runDetection(models: models, folds: all)
        #expect(report.systems[0].eventsByRecording.count == 9)
        #expect(report.systems[0].events.overall.reference == 18)
        #expect(report.results.protocol.contains("3 sites, each measured on once"))
        #expect(report.results.comparisons?.first?.drawn == .init("sites", count: 3))
        // The first site alone, with those that it was given to choose on and learn from.
        func part(_ sites: [Int]) -> Manifest {
            Manifest(
                path: all.path,
                cuts: all.cuts.indices.filter { sites.contains($0 % 3) }.map { all.cuts[$0] })
        }
        let first = try ProbeRun(options()).runDetection(
            models: models, train: part([2]), development: part([1]), test: part([0]))
        for (own, alone) in zip(report.systems, first.systems) {
            #expect(own.name == alone.name)
            #expect(Array(own.eventsByRecording.prefix(3)) == alone.eventsByRecording)
            #expect(own.decoder == alone.decoder && own.layer == alone.layer)
        }
        all.cuts[0].extra["site"] = nil
        #expect {
            try ProbeRun(grouped).runDetection(models: models, folds: all)
        } throws: { error in
            "\(error)".contains("1 of 9 recordings name no site")
        }
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
