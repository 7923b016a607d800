import ApusCorpus
import Foundation
import Testing

struct SplitTests {
    @Test func publishedListsAreFollowed() throws {
        let cuts = (0..<12).map { Cut(id: "u\($0)", audioPath: "\($0).wav", speaker: "s\($0 % 2)") }
        let split = try listedSplit(
            of: cuts,
            SplitLists(
                train: (0..<8).map { "u\($0).flac" } + ["stranger"], test: ["u8", "./u9", "u7"]),
            developmentShare: 0.25, seed: 1)
        // What both lists name is measured on, and what neither names is in no part.
        #expect(split.test.map(\.id) == ["u7", "u8", "u9"])
        #expect(split.train.count == 5 && split.development.count == 2)
        #expect(
            Set((split.train + split.development).map(\.id)) == Set((0..<7).map { "u\($0)" }))
        #expect(Set(split.development.map(\.speaker)) == ["s0", "s1"])
        #expect(throws: CorpusError.self) {
            try listedSplit(
                of: cuts, SplitLists(train: [], test: []), developmentShare: 1.5, seed: 1)
        }
    }

    @Test func oneListMayHaveAllParts() throws {
        let path = NSTemporaryDirectory() + "apus-split-\(UUID().uuidString).txt"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let cuts = (0..<5).map {
            Cut(id: "id1/v/\($0)", audioPath: "\($0).wav", speaker: "id1")
        }
        for text in [
            "1 id1/v/0.wav\n2 id1/v/1.wav\r\n\n3 id1/v/2.wav\n1\tid1/v/3.wav\n",
            "train id1/v/0\ndev id1/v/1\ntest  id1/v/2\ntrain id1/v/3",
        ] {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let split = try listedSplit(of: cuts, SplitLists(contentsOf: path), seed: 1)
            #expect(split.train.map(\.id) == ["id1/v/0", "id1/v/3"])
            #expect(split.development.map(\.id) == ["id1/v/1"])
            #expect(split.test.map(\.id) == ["id1/v/2"])
        }
        for text in ["1 a\n4 b\n", "1 a\n2\n"] {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            #expect {
                try SplitLists(contentsOf: path)
            } throws: { error in
                guard case CorpusError.malformedLine(_, let line, _) = error else { return false }
                return line == 2
            }
        }
        #expect(throws: CorpusError.self) { try SplitLists(contentsOf: path + ".none") }
    }

    private func corpus(_ counts: [String: Int]) -> [Cut] {
        counts.flatMap { speaker, count in
            (0..<count).map {
                Cut(id: "\(speaker)-\($0)", audioPath: "\(speaker)/\($0).wav", speaker: speaker)
            }
        }
    }

    private func count(_ cuts: [Cut], _ speaker: String) -> Int {
        cuts.count { $0.speaker == speaker }
    }

    @Test func everySpeakerIsInEveryPart() throws {
        let counts = ["a": 3, "b": 10, "c": 4, "d": 100, "e": 5]
        let split = try speakerStratifiedSplit(
            of: corpus(counts), fractions: SplitFractions(), seed: 1)
        for (speaker, total) in counts {
            let sizes = [split.train, split.development, split.test].map { count($0, speaker) }
            #expect(sizes.reduce(0, +) == total)
            #expect(sizes.allSatisfy { $0 >= 1 })
        }
        #expect(count(split.train, "b") == 6 && count(split.test, "b") == 2)
        #expect(count(split.train, "d") == 60 && count(split.development, "d") == 20)
    }

    @Test func partsShareNothingAndLoseNothing() throws {
        let cuts = corpus(["a": 17, "b": 3, "c": 2, "d": 1])
        let split = try speakerStratifiedSplit(of: cuts, fractions: SplitFractions(), seed: 2)
        let all = split.train + split.development + split.test
        #expect(all.count == cuts.count)
        #expect(Set(all) == Set(cuts))
        #expect(Set(all.map(\.audioPath)).count == cuts.count)
    }

    @Test func aSpeakerOfFewCutsIsOnlyLearned() throws {
        let split = try speakerStratifiedSplit(
            of: corpus(["a": 2, "b": 1]), fractions: SplitFractions(), seed: 3)
        #expect(split.train.count == 3)
        #expect(split.development.isEmpty && split.test.isEmpty)
    }

    @Test func aPartWithoutAShareStaysEmpty() throws {
        let fractions = try SplitFractions(train: 0.5, development: 0, test: 0.5)
        let split = speakerStratifiedSplit(
            of: corpus(["a": 2, "b": 9]), fractions: fractions, seed: 4)
        #expect(split.development.isEmpty)
        #expect(count(split.train, "a") == 1 && count(split.test, "a") == 1)
        #expect(Set([count(split.train, "b"), count(split.test, "b")]) == [4, 5])
    }

    @Test func theOrderOfTheCutsDoesNotMatter() throws {
        let cuts = corpus(["a": 20, "b": 7, "c": 5]).sorted { $0.id < $1.id }
        let fractions = try SplitFractions()
        let split = speakerStratifiedSplit(of: cuts, fractions: fractions, seed: 5)
        #expect(speakerStratifiedSplit(of: cuts.reversed(), fractions: fractions, seed: 5) == split)
        #expect(speakerStratifiedSplit(of: cuts, fractions: fractions, seed: 6) != split)
        let withoutB = speakerStratifiedSplit(
            of: cuts.filter { $0.speaker != "b" }, fractions: fractions, seed: 5)
        #expect(withoutB.test == split.test.filter { $0.speaker != "b" })
    }

    @Test func cutsWithoutASpeakerAreOneGroup() throws {
        let cuts = (0..<10).map { Cut(id: "\($0)", audioPath: "\($0)") }
        let split = try speakerStratifiedSplit(of: cuts, fractions: SplitFractions(), seed: 7)
        #expect([split.train, split.development, split.test].map(\.count) == [6, 2, 2])
    }

    @Test func fractionsAddUpToOne() {
        #expect(throws: CorpusError.invalidFractions(train: 0.5, development: 0.2, test: 0.2)) {
            try SplitFractions(train: 0.5, development: 0.2, test: 0.2)
        }
        #expect(throws: CorpusError.invalidFractions(train: 1.2, development: -0.2, test: 0)) {
            try SplitFractions(train: 1.2, development: -0.2, test: 0)
        }
    }

    @Test func fewLabelsAreNestedAndBalanced() {
        let labels = (0..<60).map { ["x", "y", "z"][$0 % 3] } + ["rare"]
        var smaller: Set<Int> = []
        for perClass in [1, 2, 5, 20] {
            let chosen = fewLabelSubset(labels: labels, perClass: perClass, seed: 1)
            #expect(chosen == chosen.sorted())
            #expect(Set(chosen).isSuperset(of: smaller))
            for label in ["x", "y", "z"] {
                #expect(chosen.count { labels[$0] == label } == perClass)
            }
            #expect(chosen.count { labels[$0] == "rare" } == 1)
            #expect(fewLabelSubset(labels: labels, perClass: perClass, seed: 1) == chosen)
            smaller = Set(chosen)
        }
        #expect(
            fewLabelSubset(labels: labels, perClass: 5, seed: 2)
                != fewLabelSubset(labels: labels, perClass: 5, seed: 1))
        #expect(fewLabelSubset(labels: [], perClass: 1, seed: 0) == [])
    }
}
