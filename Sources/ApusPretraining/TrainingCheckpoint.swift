import ApusCorpus
import ApusNN
import ApusSignal
import Foundation

/// A training run's state between two steps, as a folder `checkpoints/step-NNNNNNNN`.
///
/// The folder appears under its name only once all of it is on disk: a run killed while it writes
/// leaves the checkpoint before intact, and a folder without this one's name to be cleared away.
struct TrainingCheckpoint {
    /// What isn't a weight: every draw is a function of the seed and the step, so there are no
    /// generators to save.
    struct State: Codable, Equatable {
        var step: Int
        var threads: Int
        var sampler: SamplerState
        var optimizerStep: Int
        var skippedSteps: Int
        var audioSeconds: Double
        var trainingSeconds: Double
        var secondsWaited: Double
        var loss: Double?
    }

    var state: State
    var weights: [String: TensorValues]
    var moments: [String: TensorValues]

    private static func name(ofStep step: Int) -> String { String(format: "step-%08d", step) }

    /// The checkpoints in a folder, the latest first.
    static func all(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("step-") && Int($0.dropFirst(5)) != nil }
            .sorted(by: >).map { folder + "/" + $0 }
    }

    /// Reads a checkpoint.
    init(contentsOf path: String) throws {
        state = try Self.state(in: path)
        weights = try Safetensors(contentsOf: path + "/model.safetensors").tensors
        moments = try Safetensors(contentsOf: path + "/optimizer.safetensors").tensors
    }

    /// Reads a checkpoint's state without its weights.
    static func state(in path: String) throws -> State {
        let state: State
        do {
            let data = try Data(contentsOf: URL(fileURLWithPath: path + "/state.json"))
            state = try JSONDecoder().decode(State.self, from: data)
        } catch {
            throw PretrainingError.notAModel(path: path, reason: "its state.json can't be read")
        }
        guard state.step > 0, (0...state.step).contains(state.optimizerStep),
            state.sampler >= SamplerState(), state.sampler.batchIndex >= 0,
            path.hasSuffix("/" + name(ofStep: state.step))
        else {
            throw PretrainingError.notAModel(path: path, reason: "its state.json is another's")
        }
        return state
    }

    /// Writes a checkpoint, and removes all but the latest ones.
    static func write(
        _ state: State, model: Data, moments: [String: TensorValues], to folder: String,
        keeping: Int
    ) throws {
        let files = FileManager.default
        let path = folder + "/" + name(ofStep: state.step)
        let partial = folder + "/partial"
        do {
            try? files.removeItem(atPath: partial)
            try files.createDirectory(atPath: partial, withIntermediateDirectories: true)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            try writeAtomically(model, to: partial + "/model.safetensors")
            try writeAtomically(
                Safetensors(tensors: moments).encoded(), to: partial + "/optimizer.safetensors")
            try writeAtomically(encoder.encode(state), to: partial + "/state.json")
            try? files.removeItem(atPath: path)
            try files.moveItem(atPath: partial, toPath: path)
        } catch {
            try? files.removeItem(atPath: partial)
            throw PretrainingError.cannotWrite(path: path, reason: writingReason(error))
        }
        for old in all(in: folder).dropFirst(keeping) { try? files.removeItem(atPath: old) }
    }
}
