import ApusNN
import ApusPretraining
import ApusTensor
import Foundation
import Testing

extension Computing {
    /// What a device without Apus's kernels computes, and a device that isn't there.
    @Suite struct DeviceTests {
        /// Draws included, at the precision of the references.
        @Test(arguments: ObjectiveKind.allCases)
        func objectivesWithoutKernels(kind: ObjectiveKind) throws {
            try check(smallObjective(kind).makeObjective(melBandCount: 8, seed: Seed(1)), 8)
        }

        @Test(arguments: CPC.NegativeSource.allCases)
        func negativesWithoutKernels(source: CPC.NegativeSource) throws {
            try check(makeCPC(source), 8)
        }

        @Test(arguments: variantNames) func variantsOfCPCWithoutKernels(name: String) throws {
            let (model, featureCount) = makeVariant(name)
            try check(model, featureCount)
        }

        @Test(arguments: EncoderConfiguration.Kind.allCases)
        func encodersWithoutKernels(kind: EncoderConfiguration.Kind) throws {
            try check(
                makeMaskedReconstruction { $0.encoder = smallEncoder(kind, dropout: 0.1) }, 8)
        }

        private func check(_ objective: any Objective, _ featureCount: Int) throws {
            redraw(objective)
            let lengths = [24, 17, 14]
            let features = batch(lengths: lengths, melBandCount: featureCount)
            func loss() -> Tensor {
                objective.loss(features: features, lengths: lengths, seed: Seed(3)).value
            }
            let (expected, expectedLoss) = (try gradients(of: objective, loss), loss().item)
            try Engine.withoutKernels {
                #expect(relativeError([loss().item], [expectedLoss]) < 1e-5)
                for (one, other) in zip(try gradients(of: objective, loss), expected) {
                    #expect(relativeError(one.values, other.values) < 1e-4, "\(one.name)")
                }
            }
        }

        @Test func aMissingDeviceEndsARunBeforeItBegins() throws {
            let run = try TrainingRun(recordings: 4)
            let device = Device.cuda(Engine.cudaDeviceCount)
            let error = #expect(throws: EngineError.self) {
                try run.train("run") { $0.device = device }
            }
            #expect(error == .missingDevice(device, found: Engine.cudaDeviceCount))
            #expect(!FileManager.default.fileExists(atPath: run.path("run")))
        }

        /// A run that began on another device goes on here, and says so.
        @Test func anotherDeviceIsToldOf() throws {
            let run = try TrainingRun()
            try run.train("whole")
            try run.copy("whole", killedAfterCheckpoint: 10, as: "stopped")
            for (name, here, there) in [
                ("config.yaml", "device: cpu", "device: cuda:1"),
                (
                    "checkpoints/step-00000010/state.json", "\"device\" : \"cpu\"",
                    "\"device\" : \"cuda:1\""
                ),
            ] {
                let path = run.path("stopped/" + name)
                let text = try String(contentsOfFile: path, encoding: .utf8)
                #expect(text.contains(here), "\(name)")
                try text.replacing(here, with: there)
                    .write(toFile: path, atomically: true, encoding: .utf8)
            }
            let outcome = try run.train("stopped")
            #expect(outcome.steps == Array(11...20))
            #expect(outcome.warnings.count == 1)
            #expect(
                outcome.warnings.first?.hasPrefix("the run so far was on cuda:1, here it is on cpu")
                    == true)
        }
    }
}
