import ApusCorpus
import ApusPretraining
import ApusProbing
import ApusSignal
import ArgumentParser
import Foundation

/// `apus merge`: what several processes made of parts of one input, together.
struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Put the outputs of apus embed --shard or apus features --shard together.",
        discussion: """
            Examples: apus merge parts/*.npz -o all.npz --manifest train.jsonl
                      apus merge parts/1 parts/2 -o all
                      apus merge parts/*.ark -o all.ark --manifest train.jsonl --missing rest.jsonl

            Embeddings (.npy, .npz, .safetensors, .ark, .jsonl, .csv, folders) and features (.npz, .ark, \
            folders of .npy) become what one process would have written: in the manifest's order where one \
            is named, else in that of the arguments. Parts of another model, front end or other options \
            are refused, and so is a recording that is in two parts. What is merged already stays.

            With --manifest, recordings that no part has are counted and named, --missing writes their \
            lines to a manifest, and the exit code is then 65.
            """)

    @Argument(help: "The parts.")
    var parts: [String]
    @Option(name: [.short, .customLong("output")], help: "A file or a folder like the parts.")
    var output: String
    @Option(help: "The input that the parts are of: a .jsonl manifest, or tar shards.")
    var manifest: String?
    @Option(help: "Write the lines of the recordings that no part has to this manifest.")
    var missing: String?
    @Flag(help: "Print a summary as JSON.")
    var json = false

    private struct Summary: Encodable {
        var output: String
        var parts: Int
        var recordings: Int
        var wasThere: Bool
        var expected: Int?
        var missing: [String]
    }

    func validate() throws {
        guard missing == nil || manifest != nil else {
            throw ValidationError("--missing needs --manifest.")
        }
    }

    func run() throws {
        let all = try manifest.map { try Manifest(contentsOf: $0) }
        let order = all.map { all in
            Dictionary(uniqueKeysWithValues: all.cuts.enumerated().map { ($1.id, $0) })
        }
        let merged: Merged
        if let target = Self.featureTarget(output), try parts.allSatisfy(Self.holdsFeatures) {
            merged = try merge(features: target, order)
        } else {
            merged = try mergeEmbeddings(order)
        }
        let there = Set(merged.ids)
        let lacking = all?.cuts.filter { !there.contains($0.id) } ?? []
        if let missing, let all {
            try Manifest(path: all.path, cuts: lacking).write(to: missing)
        }
        if let order, let stranger = merged.ids.first(where: { order[$0] == nil }) {
            Console.warning(
                "\(merged.ids.count { order[$0] == nil }) recordings are not in \(manifest ?? ""), "
                    + "and come last; the first: \(stranger)")
        }
        if json {
            try printJSON(
                Summary(
                    output: output, parts: parts.count, recordings: merged.ids.count,
                    wasThere: merged.wasThere, expected: all?.cuts.count,
                    missing: lacking.map(\.id)))
        } else {
            print(
                "\(output): \(merged.ids.count)"
                    + (all.map { " of \($0.cuts.count)" } ?? "")
                    + " recordings of \(parts.count) parts"
                    + merged.size + (merged.wasThere ? ", as before" : ""))
        }
        guard lacking.isEmpty else {
            Console.warnings(lacking.map { "no part has \($0.id)" }, rest: missing)
            Console.error("\(lacking.count) of \(all?.cuts.count ?? 0) recordings are missing")
            throw ExitStatus.badData
        }
    }

    private struct Merged {
        var ids: [String]
        var wasThere: Bool
        var size = ""
    }

    private func merge(features target: FeatureTarget, _ order: [String: Int]?) throws -> Merged {
        let targets = try parts.map { part in
            guard let own = Self.featureTarget(part) else {
                throw SignalError.missingFile(path: part)
            }
            return own
        }
        if target.isFolder { try Inputs.makeFolder(target.folder) }
        let merge = try FeatureMerge(targets, to: target)
        let outcome = try merge.write(order: order)
        return Merged(ids: merge.cuts.map(\.id), wasThere: outcome.wasThere)
    }

    private func mergeEmbeddings(_ order: [String: Int]?) throws -> Merged {
        guard let target = EmbeddingTarget(path: output) else {
            throw ValidationError("\(output) is no file that apus embed writes.")
        }
        let merge = try EmbeddingMerge(parts, to: target)
        let outcome = try merge.write(order: order)
        return Merged(
            ids: merge.cuts.map(\.id), wasThere: outcome.wasThere,
            size: ", \(outcome.rowCount) x \(outcome.width)")
    }

    /// What a path is as a target of features; nil for a kind that only embeddings have.
    private static func featureTarget(_ path: String) -> FeatureTarget? {
        switch (path as NSString).pathExtension {
        case "npz": .numPyArchive(path: path)
        case "ark": .kaldiArchive(path: path)
        case "":
            .files(
                folder: path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path,
                pathExtension: "npy")
        default: nil
        }
    }

    /// Whether a part is of features, as its index says.
    private static func holdsFeatures(_ path: String) throws -> Bool {
        guard let target = featureTarget(path) else { return false }
        guard FileManager.default.fileExists(atPath: target.indexPath) else {
            throw SignalError.missingFile(path: target.indexPath)
        }
        return FileManager.default.fileExists(atPath: target.frontEndPath)
    }
}
