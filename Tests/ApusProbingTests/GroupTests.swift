import ApusCorpus
import ApusProbing
import ApusReport
import TestSupport
import Testing

@Suite(.serialized) struct GroupTests {
    /// Voices by kit: each kit has a recording of each of the named voices.
    private func manifest(
        _ folder: TemporaryFolder, _ kits: [String: [Int]], key: String = "kit"
    ) throws -> Manifest {
        var cuts: [Cut] = []
        for (kit, voices) in kits.sorted(by: { $0.key < $1.key }) {
            for (take, number) in voices.enumerated() {
                let id = "\(kit)-\(number)-\(take)"
                let path = try folder.writeWAV(
                    id + ".wav", voice(number, take: take + 10 * kit.count, sampleCount: 5000))
                cuts.append(
                    Cut(
                        id: id, audioPath: path, duration: 5.0 / 16, speaker: "voice \(number)",
                        extra: [key: .string(kit)]))
            }
        }
        return Manifest(path: folder.path + "/all.jsonl", cuts: cuts)
    }

    private func options(_ key: String = "kit") -> ProbeOptions {
        var options = ProbeOptions()
        options.group = key
        options.frames = nil
        options.utterances.labelledPerClass = []
        options.utterances.inverseRegularizations = [0.1]
        options.utterances.resamples = 200
        return options
    }

    private let models = [(name: "cpc", model: makeModel(.cpc))]

    @Test func eachGroupIsMeasuredOnOnce() throws {
        let folder = try TemporaryFolder()
        let all = try manifest(
            folder, ["a": [0, 1, 2], "bb": [0, 1], "ccc": [1, 2, 0, 1], "dddd": [0, 1, 2]])
        let report = try ProbeRun(options()).run(models: models, folds: all)
        #expect(report.testIDs == all.cuts.map(\.id))
        #expect(report.systems[0].utterances[0].trials == 12)
        #expect(report.results.protocol.contains("4 kits"))
        // With "ccc" measured on and "a" chosen on, one recording of it is left.
        #expect(report.warnings == [.singleExamples(["voice 2"], className: "speaker")])
        let comparisons = try #require(report.results.comparisons)
        #expect(comparisons.map(\.second) == ["log-mel statistics", "untrained cpc"])
        for comparison in comparisons {
            #expect(comparison.drawn == .init("kits", count: 4))
            #expect(comparison.trials == 12 && comparison.labelledPerClass == .all)
            #expect(comparison.low <= comparison.difference)
            #expect(comparison.difference <= comparison.high)
            #expect((comparison.probability...1).contains(comparison.adjusted))
        }
        let tests = try #require(ResultsTable.pairedTests(of: report.results))
        #expect(tests.markdown().unwrapped.contains("12 test recordings"))
        #expect(tests.markdown().unwrapped.contains("bootstrap over 4 kits, McNemar"))
        #expect(tests.plainText().unwrapped.contains("2 comparisons; Holm"))
    }

    /// Without the only other group that has voice 2, nothing could be learned about it.
    @Test func noGroupIsChosenOnThatTheOthersNeed() throws {
        let folder = try TemporaryFolder()
        let all = try manifest(
            folder, ["a": [0, 1, 2], "bb": [0, 1, 2], "ccc": [0, 1], "dddd": [0, 1]])
        let report = try ProbeRun(options()).run(models: models, folds: all)
        #expect(report.systems[0].utterances[0].trials == 10)
        #expect(report.systems[0].utterances[0].classes.count == 3)
    }

    @Test func classesOfOneGroupAreLeftOutAndNamed() throws {
        let folder = try TemporaryFolder()
        let all = try manifest(
            folder, ["a": [0, 1, 2], "bb": [0, 1], "ccc": [0, 1], "dddd": [1, 0]])
        let report = try ProbeRun(options()).run(models: models, folds: all)
        #expect(report.classes == ["voice 0", "voice 1"])
        #expect(
            report.warnings.contains(.classesInOneGroup(key: "kit", classes: ["voice 2"])))
    }

    @Test func groupsThatDontSufficeAreNamed() throws {
        let folder = try TemporaryFolder()
        let two = try manifest(folder, ["a": [0, 1], "bb": [0, 1]])
        #expect(
            throws: ProbingError.nothingLeft(
                path: two.path, reason: "it names 2 kits, expected at least 3")
        ) { try ProbeRun(options()).run(models: models, folds: two) }
        #expect(
            throws: ProbingError.nothingLeft(
                path: two.path, reason: "4 of 4 recordings name no device")
        ) { try ProbeRun(options("device")).run(models: models, folds: two) }
        // Each group is needed to learn a voice from.
        let bound = try manifest(folder, ["a": [0, 1], "bb": [1, 2], "ccc": [2, 0]])
        #expect(throws: ProbingError.self) {
            try ProbeRun(options()).run(models: models, folds: bound)
        }
    }

    @Test func doubtsAboutTheDataAreNamed() throws {
        let folder = try TemporaryFolder()
        var all = try manifest(
            folder, ["a": [0, 1, 2], "bb": [0, 1, 2], "ccc": [0, 1, 2], "dddd": [0, 1, 2]],
            key: "fold")
        for index in all.cuts.indices {
            all.cuts[index].fold = all.cuts[index].extra.removeValue(forKey: "fold")
                .flatMap { if case .string(let text) = $0 { text } else { nil } }
            all.cuts[index].extra["device"] = .string(
                index % 3 == 2 ? "phone" : "desk \(index % 2)")
        }
        // The bytes of one fold's recording in another, and takes of one source on both sides.
        let copy = try folder.copy(all.cuts[0].audioPath, as: "copy.wav")
        all.cuts[3].audioPath = copy
        all.cuts[1].extra["source"] = .string("tape 7")
        all.cuts[7].extra["source"] = .string("tape 7")
        all.cuts[4].speaker = "Voice 1"
        all.cuts[10].speaker = "Voice 1"
        let report = try ProbeRun(options("fold")).run(models: models, folds: all)
        #expect(report.warnings.contains(.sharedAudio(count: 2, first: all.cuts[0].id)))
        #expect(report.warnings.contains(.sharedSource(count: 2, first: all.cuts[1].id)))
        #expect(
            report.warnings.contains(
                .spellings(LabelSpellings(["voice 1", "Voice 1"]), className: "speaker")))
        #expect(
            report.warnings.contains(
                .oneCondition(key: "device", classes: ["Voice 1", "voice 1", "voice 2"])))
    }
}
