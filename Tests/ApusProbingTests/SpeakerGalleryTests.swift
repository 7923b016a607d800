import ApusCorpus
import ApusNN
import ApusPretraining
import ApusProbing
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct SpeakerGalleryTests {
    private let folder: TemporaryFolder
    private let model: String

    init() throws {
        folder = try TemporaryFolder()
        model = folder.path + "/model.safetensors"
        try makeModel(.cpc).contents().encoded()
            .write(to: URL(fileURLWithPath: model))
    }

    private func manifest(
        _ part: String, voices: Range<Int>, takes: Range<Int>
    ) throws -> Manifest {
        var cuts: [Cut] = []
        for number in voices {
            for take in takes {
                let id = "\(part)-\(number)-\(take)"
                let path = try folder.writeWAV(
                    id + ".wav", voice(number, take: take, sampleCount: 6000 + 300 * take))
                cuts.append(Cut(id: id, audioPath: path, speaker: "voice \(number)"))
            }
        }
        return Manifest(path: folder.path + "/\(part).jsonl", cuts: cuts)
    }

    private func vectors(_ manifest: Manifest) throws -> [[Float]] {
        let extractor = try EmbeddingExtractor(PretrainedModel(contentsOf: model))
        return try manifest.cuts.map { try extractor.embedding(of: $0).values }
    }

    /// The cosine of mean-subtracted vectors, with the mean of a speaker's.
    @Test func scoresAreCosinesWithMeans() throws {
        let enrolled = try manifest("enrol", voices: 0..<3, takes: 0..<2)
        let gallery = try SpeakerGallery(modelPath: model, enrolling: enrolled)
        let rows = try vectors(enrolled)
        let width = rows[0].count
        let mean = (0..<width).map { column in rows.reduce(0) { $0 + Double($1[column]) } / 6 }
        let test = try manifest("test", voices: 1..<2, takes: 4..<5)
        let own = zip(try vectors(test)[0], mean).map { Double($0) - $1 }
        func cosine(_ speaker: Int) -> Double {
            let other = (0..<width).map { column in
                (Double(rows[2 * speaker][column]) + Double(rows[2 * speaker + 1][column])) / 2
                    - mean[column]
            }
            let dot = zip(own, other).reduce(0) { $0 + $1.0 * $1.1 }
            let lengths = [own, other].map { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
            return dot / (lengths[0] * lengths[1])
        }
        let finding = try gallery.identify(test.cuts, threshold: nil)[0].get()
        #expect(finding.speaker == finding.candidates[0].speaker)
        #expect(finding.candidates[0].score > finding.candidates[1].score)
        for candidate in finding.candidates {
            let number = try #require(Int(candidate.speaker.suffix(1)))
            #expect(abs(candidate.score - cosine(number)) < 1e-4)
        }
        #expect(gallery.card.speakers == ["voice 0", "voice 1", "voice 2"])
        #expect(gallery.card.counts == [2, 2, 2])
    }

    @Test func strangersAreNobody() throws {
        let gallery = try SpeakerGallery(
            modelPath: model, enrolling: manifest("enrol", voices: 0..<3, takes: 0..<3),
            background: manifest("background", voices: 0..<6, takes: 3..<5))
        let development = try manifest("development", voices: 0..<5, takes: 5..<9)
        let rates = [0, 0.2, 0.5]
        try gallery.calibrate(on: development, falseAlarmRates: rates)
        let thresholds = gallery.card.thresholds
        #expect(thresholds.map(\.falseAlarmRate) == rates)
        #expect(thresholds[0].value > thresholds[1].value)
        #expect(thresholds[1].value > thresholds[2].value)
        #expect(thresholds[0].identificationRate <= thresholds[2].identificationRate)
        #expect(gallery.card.origin.contains("12 recordings of enrolled speakers, 8 of strangers"))
        // At the rate 0 no stranger of the development recordings is taken for a speaker.
        let strangers = development.cuts.filter {
            $0.speaker == "voice 3" || $0.speaker == "voice 4"
        }
        let threshold = try gallery.threshold(falseAlarmRate: 0).value
        for result in gallery.identify(strangers, threshold: threshold) {
            #expect(try result.get().speaker == nil)
        }
        // The rates of the card are those that identifying the recordings gives.
        for each in thresholds {
            let own = development.cuts.filter { $0.speaker != "voice 3" && $0.speaker != "voice 4" }
            let right = zip(own, gallery.identify(own, threshold: each.value)).count {
                (try? $1.get().speaker) == $0.speaker
            }
            #expect(Double(right) / 12 == each.identificationRate)
        }
        #expect(throws: ProbingError.self) { try gallery.threshold(falseAlarmRate: 0.3) }
    }

    @Test func addingInTwoStepsIsEnrollingAtOnce() throws {
        let background = try manifest("background", voices: 0..<4, takes: 0..<3)
        let parts = [
            try manifest("one", voices: 0..<2, takes: 3..<5),
            try manifest("two", voices: 1..<4, takes: 5..<7),
        ]
        let whole = Manifest(path: "all.jsonl", cuts: parts.flatMap(\.cuts))
        let atOnce = try SpeakerGallery(modelPath: model, enrolling: whole, background: background)
        let inSteps = try SpeakerGallery(
            modelPath: model, enrolling: parts[0], background: background)
        try inSteps.calibrate(on: parts[0], falseAlarmRates: [0.1])
        #expect(!inSteps.card.thresholds.isEmpty)
        try inSteps.add(parts[1])
        #expect(inSteps.card == atOnce.card)
        #expect(inSteps.card.counts == [2, 4, 2, 2])
        #expect(try inSteps.encoded() == atOnce.encoded())
    }

    /// Of vectors longer than there are recordings PLDA needs directions to begin with.
    @Test(arguments: [(0, VerificationScoring.cosine), (2, .cosine), (2, .plda)])
    func aFileGivesTheSameFindings(discriminants: Int, scoring: VerificationScoring) throws {
        var options = EnrolmentOptions()
        options.scoring = scoring
        options.discriminantCount = discriminants
        options.layer = "convolution"
        let gallery = try SpeakerGallery(
            modelPath: model, enrolling: manifest("enrol", voices: 0..<4, takes: 0..<4),
            options: options)
        let path = folder.path + "/speakers.safetensors"
        try gallery.encoded().write(to: URL(fileURLWithPath: path))
        let read = try SpeakerGallery(contentsOf: path)
        #expect(read.card == gallery.card)
        let test = try manifest("test", voices: 0..<4, takes: 7..<9).cuts
        let findings = try [gallery, read].map { gallery in
            try gallery.identify(test, threshold: nil).map { try $0.get() }
        }
        #expect(findings[0] == findings[1])
        #expect(zip(test, findings[0]).count { $0.speaker == $1.speaker } >= 6)
        #expect(try read.encoded() == gallery.encoded())
    }

    @Test func badFilesAndOptions() throws {
        let enrolled = try manifest("enrol", voices: 0..<3, takes: 0..<2)
        let gallery = try SpeakerGallery(modelPath: model, enrolling: enrolled)
        let path = folder.path + "/speakers.safetensors"
        func read(_ change: (inout Safetensors) -> Void) throws -> SpeakerGallery {
            try gallery.encoded().write(to: URL(fileURLWithPath: path))
            var file = try Safetensors(contentsOf: path)
            change(&file)
            try file.encoded().write(to: URL(fileURLWithPath: path))
            return try SpeakerGallery(contentsOf: path)
        }
        #expect(throws: Never.self) { try read { _ in } }
        #expect(throws: ProbingError.self) { try read { $0.metadata["apus-speakers"] = nil } }
        #expect(throws: ProbingError.self) { try read { $0.tensors["speakers.means"] = nil } }
        #expect(throws: ProbingError.self) {
            try read { $0.tensors["speakers.means"]?.values[0] = .infinity }
        }
        #expect(throws: ProbingError.self) {
            try read {
                $0.metadata["apus-speakers"] = $0.metadata["apus-speakers"]?
                    .replacingOccurrences(of: "\"voice 2\"", with: "\"voice 1\"")
            }
        }
        #expect(throws: ProbingError.self) { try SpeakerGallery(contentsOf: model) }
        var options = EnrolmentOptions()
        options.pooling = .frames
        #expect(throws: ProbingError.self) {
            try SpeakerGallery(modelPath: model, enrolling: enrolled, options: options)
        }
        let nobody = Manifest(
            path: "nobody.jsonl",
            cuts: enrolled.cuts.map { Cut(id: $0.id, audioPath: $0.audioPath) })
        #expect(throws: ProbingError.self) {
            try SpeakerGallery(modelPath: model, enrolling: nobody)
        }
        // A recording that can't be read is told of, and the others count.
        var broken = enrolled
        broken.cuts[0].audioPath = folder.path + "/nothing.wav"
        var problems: [String] = []
        let rest = try SpeakerGallery(modelPath: model, enrolling: broken) {
            problems.append($0.description)
        }
        #expect(rest.card.counts == [1, 2, 2])
        #expect(problems.count == 1 && problems[0].contains("nothing.wav"))
    }
}
