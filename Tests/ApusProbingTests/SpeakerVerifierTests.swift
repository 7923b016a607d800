import ApusCorpus
import ApusNN
import ApusPretraining
import ApusProbing
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct SpeakerVerifierTests {
    private func manifest(
        _ folder: TemporaryFolder, _ part: String, takes: Range<Int>
    ) throws -> Manifest {
        var cuts: [Cut] = []
        for number in 0..<5 {
            for take in takes {
                let id = "\(part)-\(number)-\(take)"
                let path = try folder.writeWAV(
                    id + ".wav", voice(number, take: take, sampleCount: 5000 + 300 * take))
                cuts.append(Cut(id: id, audioPath: path, speaker: "voice \(number)"))
            }
        }
        return Manifest(path: folder.path + "/\(part).jsonl", cuts: cuts)
    }

    private func trials(_ manifest: Manifest) -> TrialList {
        let cuts = manifest.cuts
        let pairs = cuts.indices.flatMap { one in
            cuts.indices.filter { $0 > one }.map { (one, $0) }
        }
        return TrialList(
            path: "trials.txt", names: cuts.map(\.id), first: pairs.map { Int32($0.0) },
            second: pairs.map { Int32($0.1) },
            isTarget: pairs.map { cuts[$0.0].speaker == cuts[$0.1].speaker })
    }

    @Test(arguments: VerificationScoring.allCases, VerificationOptions.Normalization.allCases)
    func aPairHasTheScoreThatTheRunGaveIt(
        scoring: VerificationScoring, normalization: VerificationOptions.Normalization
    ) throws {
        let folder = try TemporaryFolder()
        let model = folder.path + "/model.safetensors"
        try makeModel(.cpc).contents().encoded().write(to: URL(fileURLWithPath: model))
        var options = VerificationOptions()
        options.scoring = scoring
        options.normalization = normalization
        options.cohortTop = 4
        options.discriminantCount = scoring == .plda ? 3 : 0
        options.resamples = 0
        options.baselines = false
        let test = try manifest(folder, "test", takes: 7..<9)
        let inputs = VerificationInputs(
            test: trials(test), development: trials(test), manifests: [test],
            cohort: try manifest(folder, "cohort", takes: 0..<2),
            training: try manifest(folder, "train", takes: 2..<7))
        let pretrained = try PretrainedModel(contentsOf: model)
        let report = try VerificationRun(options).run(
            [.model(name: "CPC", model: pretrained)], on: inputs)
        let run = VerificationFolder(path: folder.path + "/run")
        try run.write(report, inputs: inputs, options: options, models: ["CPC": model])
        let verifier = try SpeakerVerifier(
            modelPath: model, calibration: run.path + "/verifier.safetensors")
        let card = try #require(verifier.card)
        #expect(card.origin.contains("trials.txt (45 trials, 5 targets"))
        let system = report.systems[0]
        for trial in [0, 7, 30] {
            let verdict = try verifier.compare(
                test.cuts[Int(inputs.test.first[trial])],
                test.cuts[Int(inputs.test.second[trial])], prior: 0.2)
            let expected = Double(system.scores[trial])
            #expect(abs(verdict.score - expected) < 1e-3 * max(1, abs(expected)))
            let threshold = try #require(verdict.threshold)
            #expect(verdict.isSame == (verdict.score >= threshold))
            // Even odds at the threshold are odds of 4 to 1 in the ratio.
            let calibration = try #require(system.calibration)
            #expect(
                abs(calibration.weights[0] * threshold + calibration.offset - log(4.0)) < 1e-6)
        }
        // A file that was made with another model, and one that is no verifier.
        try makeModel(.cpc, seed: 9).contents().encoded().write(to: URL(fileURLWithPath: model))
        #expect(throws: ProbingError.self) {
            try SpeakerVerifier(modelPath: model, calibration: run.path + "/verifier.safetensors")
        }
        #expect(throws: ProbingError.self) {
            try SpeakerVerifier(modelPath: model, calibration: model)
        }
    }
}
