import ApusCorpus
import ApusNN
import ApusSignal
import ApusTensor
import Foundation

/// A training run's state between two steps, as a folder `checkpoints/step-NNNNNNNN`.
///
/// The folder appears under its name only once all of it is on disk: a run killed while it writes
/// leaves the checkpoint before intact, and a folder without this one's name to be cleared away.
package struct TrainingCheckpoint {
    /// What isn't a weight: every draw is a function of the seed and the step, so there are no
    /// generators to save.
    package struct State: Codable, Equatable {
        package var step: Int
        package var threads: Int
        package var sampler: SamplerState
        package var optimizerStep: Int
        package var skippedSteps: Int
        package var audioSeconds: Double
        package var trainingSeconds: Double
        package var secondsWaited: Double
        package var loss: Double?
        // What follows was added later: a checkpoint of an earlier version lacks it.
        /// The steps in a row, up to this one, that were skipped.
        package var skippedInARow: Int?
        /// The steps that the average of the weights has followed.
        package var averagedSteps: Int?
        /// The lowest loss on the held-out recordings, and what followed it.
        package var validation: EarlyStopping.State?
        /// The kinds of collapse that were warned of.
        package var warned: Set<String>?
        /// Where the run computed, the processor where nothing is said.
        package var device: Device?
        /// Why the run has ended, where it has.
        package var end: Pretrainer.End?

        /// The state before the first step.
        static var start: State {
            State(
                step: 0, threads: Engine.threadCount, sampler: SamplerState(), optimizerStep: 0,
                skippedSteps: 0, audioSeconds: 0, trainingSeconds: 0, secondsWaited: 0)
        }

        package init(
            step: Int, threads: Int, sampler: SamplerState, optimizerStep: Int, skippedSteps: Int,
            audioSeconds: Double, trainingSeconds: Double, secondsWaited: Double
        ) {
            (self.step, self.threads, self.sampler) = (step, threads, sampler)
            (self.optimizerStep, self.skippedSteps) = (optimizerStep, skippedSteps)
            (self.audioSeconds, self.trainingSeconds) = (audioSeconds, trainingSeconds)
            self.secondsWaited = secondsWaited
        }
    }

    /// What a checkpoint's files hold beside the state.
    package struct Content {
        /// The model with the weights as the steps moved them.
        package var model: Data
        package var moments: [String: TensorValues]
        /// The average of the weights, where there is one.
        package var average: [String: TensorValues]?

        package init(
            model: Data, moments: [String: TensorValues],
            average: [String: TensorValues]? = nil
        ) {
            (self.model, self.moments, self.average) = (model, moments, average)
        }
    }

    /// Which checkpoints stay.
    package struct Rule {
        /// A checkpoint is written every so many steps; one at the end, and where a run is stopped.
        package var every: Int
        /// So many of them stay, not counting those where a run was stopped.
        package var kept: Int

        package init(every: Int, kept: Int) { (self.every, self.kept) = (every, kept) }

        /// Those of the paths that an undisturbed run has too, in the same order.
        package func regular(_ paths: [String]) -> [String] {
            paths.filter { path in
                guard let step = TrainingCheckpoint.step(of: path) else { return false }
                return step % every == 0
                    || (try? TrainingCheckpoint.state(in: path))?.end != nil
            }
        }

        /// The paths, the latest first, without those that stay.
        package func superfluous(_ paths: [String]) -> [String] {
            let staying = Set(regular(paths).prefix(kept) + paths.prefix(1))
            return paths.filter { !staying.contains($0) }
        }
    }

    package var state: State
    package var weights: [String: TensorValues]
    package var moments: [String: TensorValues]
    package var average: [String: TensorValues]?

    private static func name(ofStep step: Int) -> String { String(format: "step-%08d", step) }

    /// The step in a checkpoint's path.
    static func step(of path: String) -> Int? {
        let name = (path as NSString).lastPathComponent
        return name.hasPrefix("step-") ? Int(name.dropFirst(5)) : nil
    }

    /// The checkpoints in a folder, the latest first.
    package static func all(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { step(of: $0) != nil }.sorted(by: >).map { folder + "/" + $0 }
    }

    /// Reads a checkpoint.
    package init(contentsOf path: String) throws {
        state = try Self.state(in: path)
        weights = try Safetensors(contentsOf: path + "/model.safetensors").tensors
        moments = try Safetensors(contentsOf: path + "/optimizer.safetensors").tensors
        average =
            state.averagedSteps == nil
            ? nil : try Safetensors(contentsOf: path + "/average.safetensors").tensors
    }

    /// Reads a checkpoint's state without its weights.
    package static func state(in path: String) throws -> State {
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

    /// Writes a checkpoint, and removes those that need not stay.
    package static func write(
        _ state: State, _ content: Content, to folder: String, rule: Rule
    ) throws {
        let files = FileManager.default
        let path = folder + "/" + name(ofStep: state.step)
        let partial = folder + "/partial"
        do {
            try? files.removeItem(atPath: partial)
            try files.createDirectory(atPath: partial, withIntermediateDirectories: true)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            try writeAtomically(content.model, to: partial + "/model.safetensors")
            try writeAtomically(
                Safetensors(tensors: content.moments).encoded(),
                to: partial + "/optimizer.safetensors")
            if let average = content.average {
                try writeAtomically(
                    Safetensors(tensors: average).encoded(), to: partial + "/average.safetensors")
            }
            try writeAtomically(encoder.encode(state), to: partial + "/state.json")
            try? files.removeItem(atPath: path)
            try files.moveItem(atPath: partial, toPath: path)
        } catch {
            try? files.removeItem(atPath: partial)
            throw PretrainingError.cannotWrite(path: path, reason: writingReason(error))
        }
        for old in rule.superfluous(all(in: folder)) { try? files.removeItem(atPath: old) }
    }
}
