import ApusCorpus
import ApusSignal
import Foundation

/// The hashes of the files that decide what a run sees: manifests, and the model it begins with.
///
/// They are kept in the run's folder, as `manifest.hash`, `validation.hash`, `noise.hash`,
/// `reverberation.hash` and `initial-model.hash`: the same name may hold something else when the run is
/// continued.
struct ManifestHashes {
    private struct Entry {
        /// The manifest's key in the configuration.
        var key: String
        var path: String
        /// The name of the file that keeps the hash.
        var file: String
        var hash: String
    }
    private let entries: [Entry]

    /// Reads the files of a configuration; manifests of augmentations that are off don't count.
    init(of configuration: PretrainingConfiguration) throws {
        let augmentation = configuration.augmentation
        var manifests = [("data.manifest", configuration.data.manifest, "manifest.hash")]
        if !configuration.data.validationManifest.isEmpty {
            manifests.append(
                (
                    "data.validationManifest", configuration.data.validationManifest,
                    "validation.hash"
                ))
        }
        if augmentation.noise.probability > 0 {
            manifests.append(
                ("augmentation.noise.manifest", augmentation.noise.manifest, "noise.hash"))
        }
        if augmentation.reverberation.probability > 0 {
            let path = augmentation.reverberation.manifest
            manifests.append(("augmentation.reverberation.manifest", path, "reverberation.hash"))
        }
        if !configuration.initialModel.isEmpty {
            manifests.append(("initialModel", configuration.initialModel, "initial-model.hash"))
        }
        entries = try manifests.map { key, path, file in
            Entry(
                key: key, path: path, file: file,
                hash: key == "initialModel"
                    ? try ModelCard.TrainingData.hash(ofFile: path) : try manifestHash(of: path))
        }
    }

    /// Keeps the hashes in a run's folder.
    func write(to folder: String) throws {
        for entry in entries {
            try writeAtomically(Data(entry.hash.utf8), to: "\(folder)/\(entry.file)")
        }
    }

    /// Which manifests have changed since a run began, in words.
    ///
    /// - Parameters:
    ///   - folder: The run's folder.
    ///   - differences: What is known to differ: a manifest of another name isn't told of twice.
    /// - Returns: A sentence for each manifest that has changed.
    func differences(from folder: String, beside differences: [String]) -> [String] {
        entries.compactMap { entry in
            if differences.contains(where: { $0.hasPrefix(entry.key + " ") }) { return nil }
            guard
                let begunWith = try? String(
                    contentsOfFile: "\(folder)/\(entry.file)", encoding: .utf8),
                begunWith != entry.hash
            else { return nil }
            return "\(entry.path) has changed since the run began (hash \(begunWith) there, "
                + "\(entry.hash) here)"
        }
    }
}
