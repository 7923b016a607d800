import ApusSignal
import Foundation

/// Puts features that several processes made of parts of one input together, as one would have written
/// them.
public struct FeatureMerge {
    private struct Part {
        var target: FeatureTarget
        var index: FeatureIndex
    }
    private let parts: [Part]
    private let target: FeatureTarget
    private let frontEnd: FrontEnd
    /// The front end's fingerprint, with what the features depend on beside it.
    private let fingerprint: String

    /// Reads the indexes of parts.
    ///
    /// - Parameters:
    ///   - targets: The parts, of the same kind as the target.
    ///   - target: What they become.
    /// - Throws: `SignalError.missingFile` for a part that isn't there, `CorpusError.otherFeatures` where
    ///   one has features of another front end.
    public init(_ targets: [FeatureTarget], to target: FeatureTarget) throws {
        self.target = target
        var parts: [Part] = []
        var first: (frontEnd: FrontEnd, fingerprint: String, path: String)?
        for part in targets {
            for needed in [part.indexPath, part.archivePath].compactMap({ $0 })
            where !FileManager.default.fileExists(atPath: needed) {
                throw SignalError.missingFile(path: needed)
            }
            let index = try FeatureIndex(contentsOf: part.indexPath)
            let options: FrontEnd
            do {
                options = try JSONDecoder().decode(
                    FrontEnd.self, from: Data(contentsOf: URL(fileURLWithPath: part.frontEndPath)))
            } catch {
                throw CorpusError.unreadable(
                    path: part.frontEndPath, reason: "expected the options of a front end as JSON")
            }
            for entry in index.entries {
                if let first, first.fingerprint != entry.frontEnd {
                    throw CorpusError.otherFeatures(
                        path: part.indexPath,
                        reason: "has features of another front end than \(first.path)"
                            + Self.words(options.differences(from: first.frontEnd)))
                }
                first = first ?? (options, entry.frontEnd, part.indexPath)
            }
            parts.append(Part(target: part, index: index))
        }
        guard let first else {
            throw CorpusError.noUsableCuts(reason: "the parts have no features")
        }
        (self.parts, frontEnd, fingerprint) = (parts, first.frontEnd, first.fingerprint)
    }

    private static func words(_ differences: [String]) -> String {
        differences.isEmpty ? "" : " (" + differences.joined(separator: "; ") + ")"
    }

    /// The recordings of all parts.
    public var cuts: [Cut] { parts.flatMap { $0.index.entries.map(\.cut) } }

    /// Writes the merged features.
    ///
    /// - Parameter order: The place of a recording by its id; nil for the parts' own order.
    /// - Returns: The number of recordings, and whether the target had all of them already.
    /// - Throws: `CorpusError.otherFeatures` where two parts have a recording or a key; `SignalError`.
    public func write(order: [String: Int]?) throws -> (recordingCount: Int, wasThere: Bool) {
        struct Item {
            var part: Part
            var entry: FeatureIndexEntry
            var key: String
        }
        var items: [Item] = []
        var owners: [String: String] = [:]
        for part in parts {
            for entry in part.index.entries {
                let key = entry.key ?? (entry.featuresPath as NSString).deletingPathExtension
                for name in ["id '\(entry.cut.id)'", "key '\(key)'"] {
                    if let other = owners.updateValue(part.target.indexPath, forKey: name) {
                        throw CorpusError.otherFeatures(
                            path: part.target.indexPath, reason: "the \(name) is in \(other) too")
                    }
                }
                items.append(Item(part: part, entry: entry, key: key))
            }
        }
        if let order {
            items = items.enumerated().sorted {
                (order[$0.element.entry.cut.id] ?? .max, $0.offset)
                    < (order[$1.element.entry.cut.id] ?? .max, $1.offset)
            }.map(\.element)
        }
        let keys = items.map(\.key)
        if try isThere(items.map(\.entry), keys: keys) { return (items.count, true) }

        let export = try FeatureExport(
            to: target, frontEnd: frontEnd,
            variant: String(fingerprint.dropFirst(frontEnd.fingerprint.count)), beginsAnew: true)
        var open: (path: String, read: (FeatureIndexEntry, String) throws -> FeatureMatrix)?
        for item in items {
            let path = item.part.target.indexPath
            let read =
                try open.flatMap { $0.path == path ? $0.read : nil } ?? reader(of: item.part.target)
            open = (path, read)
            let features = try read(item.entry, item.key)
            guard features.frameCount == item.entry.frameCount,
                features.featureCount == item.entry.featureCount
            else {
                throw CorpusError.otherFeatures(
                    path: path, reason: "the features of '\(item.key)' are not as its index says")
            }
            try export.write(
                features, of: item.entry.cut, key: item.key, source: item.entry.source)
        }
        try export.finish()
        return (items.count, false)
    }

    /// How a part's features are read.
    private func reader(
        of part: FeatureTarget
    ) throws -> (FeatureIndexEntry, String) throws -> FeatureMatrix {
        func matrix(_ shape: [Int], _ values: [Float], _ key: String) throws -> FeatureMatrix {
            guard shape.count == 2 else {
                throw SignalError.malformedArchive(
                    path: part.indexPath, key: key, reason: "expected T x D, found \(shape)")
            }
            return FeatureMatrix(values: values, frameCount: shape[0], featureCount: shape[1])
        }
        switch part {
        case .files(let folder, _):
            return { entry, key in
                let array = try NumPyFile.read("\(folder)/\(entry.featuresPath)")
                return try matrix(array.shape, array.values, key)
            }
        case .numPyArchive(let path):
            let archive = try NumPyArchive(contentsOf: path)
            return { _, key in
                let array = try archive.read(key)
                return try matrix(array.shape, array.values, key)
            }
        case .kaldiArchive:
            let script = try KaldiScript(contentsOf: part.scriptPath)
            return { _, key in
                guard case .matrix(let features) = try script.read(key) else {
                    throw SignalError.malformedArchive(
                        path: part.scriptPath, key: key, reason: "expected a matrix")
                }
                return features
            }
        }
    }

    /// Whether the target has these features in this order already.
    private func isThere(_ wanted: [FeatureIndexEntry], keys: [String]) throws -> Bool {
        let manager = FileManager.default
        guard manager.fileExists(atPath: target.indexPath),
            target.archivePath.map(manager.fileExists) ?? true
        else { return false }
        let found = try FeatureIndex(contentsOf: target.indexPath).entries
        if let other = found.first(where: { $0.frontEnd != fingerprint }) {
            throw CorpusError.otherFeatures(
                path: target.indexPath,
                reason: "has features of another front end (\(other.frontEnd)); name another output"
            )
        }
        func bare(_ entry: FeatureIndexEntry) -> FeatureIndexEntry {
            var entry = entry
            (entry.archiveOffset, entry.featuresPath) = (nil, "")
            return entry
        }
        return found.map(bare) == wanted.map(bare)
    }
}
