import ApusCorpus
import Foundation
import TestSupport
import Testing

@Suite struct TrialDrawingTests {
    /// Speakers with so many recordings each, in this language.
    private func manifest(_ speakers: [(name: String?, language: String?, count: Int)]) -> Manifest
    {
        Manifest(
            path: "test.jsonl",
            cuts: speakers.flatMap { speaker in
                (0..<speaker.count).map {
                    Cut(
                        id: "\(speaker.name ?? "nobody")-\($0)", audioPath: "x.wav",
                        speaker: speaker.name, language: speaker.language)
                }
            })
    }

    private func pairs(_ list: TrialList) -> [[String]] {
        list.isTarget.indices.map {
            [list.names[Int(list.first[$0])], list.names[Int(list.second[$0])]]
        }
    }

    @Test func allPairsAreThereOnce() throws {
        let list = try TrialList(
            of: manifest([("a", nil, 3), (nil, nil, 2), ("b", nil, 2)]), impostors: .all)
        #expect(
            pairs(list) == [
                ["a-0", "a-1"], ["a-0", "a-2"], ["a-0", "b-0"], ["a-0", "b-1"], ["a-1", "a-2"],
                ["a-1", "b-0"], ["a-1", "b-1"], ["a-2", "b-0"], ["a-2", "b-1"], ["b-0", "b-1"],
            ])
        #expect(
            list.isTarget
                == [true, true, false, false, true, false, false, false, false, true])
        #expect(list.repetitions().repeated == 0 && list.repetitions().contradicting == 0)
    }

    @Test func impostorsOfOneLanguageShareItsFirstPart() throws {
        let list = try TrialList(
            of: manifest([
                ("a", "en_GB", 1), ("b", "en", 2), ("c", "de", 1), ("d", nil, 1), ("e", nil, 1),
                ("f", "EN@x", 1),
            ]), impostors: .sameLanguage)
        #expect(list.isTarget.count { $0 } == 1)
        let impostors = zip(pairs(list), list.isTarget).filter { !$1 }.map(\.0)
        #expect(
            impostors == [
                ["a-0", "b-0"], ["a-0", "b-1"], ["a-0", "f-0"], ["b-0", "f-0"], ["b-1", "f-0"],
            ])
    }

    @Test func aLimitDrawsEvenlyByTheSeed() throws {
        let manifest = manifest([("a", nil, 40), ("b", nil, 20)])
        var seen: [Int32: Int] = [:]
        for seed in 0..<40 as Range<UInt64> {
            let list = try TrialList(of: manifest, impostors: .all, limit: 25, seed: seed)
            #expect(list.count == 50 && list.isTarget.count { $0 } == 25)
            #expect(list.repetitions().repeated == 0 && list.repetitions().contradicting == 0)
            for trial in 0..<50 where list.isTarget[trial] {
                seen[list.first[trial], default: 0] += 1
            }
            let again = try TrialList(of: manifest, impostors: .all, limit: 25, seed: seed)
            #expect(again.first == list.first && again.second == list.second)
        }
        // Of 970 pairs of one speaker 780 are a's.
        let ofA = seen.filter { $0.key < 40 }.values.reduce(0, +)
        #expect(abs(Double(ofA) / 1000 - 780.0 / 970) < 0.05)
        // More than there are is all there are.
        let all = try TrialList(of: manifest, impostors: .all, limit: 900)
        #expect(all.isTarget.count { $0 } == 900 && all.isTarget.count { !$0 } == 800)
    }

    @Test func largePoolsAreDrawnFromWithoutBeingListed() throws {
        // 32 million pairs of two speakers, 32 million of one.
        let manifest = manifest([("a", nil, 5700), ("b", nil, 5700)])
        let list = try TrialList(of: manifest, impostors: .all, limit: 2000, seed: 3)
        #expect(list.isTarget.count { $0 } == 2000 && list.count == 4000)
        #expect(list.repetitions().repeated == 0 && list.repetitions().contradicting == 0)
        for trial in list.isTarget.indices {
            let sameSide = (list.first[trial] < 5700) == (list.second[trial] < 5700)
            #expect(sameSide == list.isTarget[trial])
        }
        let mean = list.first.reduce(0.0) { $0 + Double($1) } / 4000
        #expect(mean > 3000 && mean < 4600)
    }

    @Test func aListIsReadAsItWasWritten() throws {
        let folder = try TemporaryFolder()
        let list = try TrialList(of: manifest([("a", nil, 2), ("b", nil, 1)]), impostors: .all)
        for format in [TrialList.Format.kaldi, .voxCeleb] {
            let text = String(decoding: try list.encoded(as: format), as: UTF8.self)
            let read = try TrialList(contentsOf: folder.write(text, "trials.txt"))
            #expect(read.format == format)
            #expect(pairs(read) == pairs(list) && read.isTarget == list.isTarget)
        }
    }

    @Test func whatCannotBeListedIsAnError() throws {
        func message(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return ""
        }
        #expect(
            message { _ = try TrialList(of: manifest([("a", nil, 3)]), impostors: .all) }
                == "test.jsonl: found nothing of the kind impostors (all)")
        #expect(
            message {
                _ = try TrialList(
                    of: manifest([("a", "en", 1), ("b", "en", 1)]), impostors: .sameLanguage)
            } == "test.jsonl: found nothing of the kind targets")
        #expect(
            message {
                _ = try TrialList(
                    of: manifest([("a", "en", 2), ("b", "de", 2)]), impostors: .sameLanguage)
            }.contains("impostors (sameLanguage)"))
        #expect(
            message {
                _ = try TrialList(
                    of: manifest([("a", nil, 15_000), ("b", nil, 2)]), impostors: .all)
            }.contains("name a limit"))
        let list = try TrialList(
            of: manifest([("a b", nil, 2), ("c", nil, 1)]), impostors: .all)
        #expect(
            message { _ = try list.encoded(as: .kaldi) }.contains("the name 'a b-0' with a blank"))
    }
}
