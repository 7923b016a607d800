import Foundation
import Yams

/// Options from defaults, a YAML file and `key.path=value` settings, each overriding those before.
///
/// A key that the defaults don't have is an error that names it and the nearest one: a misspelt
/// option never passes in silence.
public enum ConfigurationFile {
    /// Resolves options.
    ///
    /// - Parameters:
    ///   - defaults: The value of each option that nothing sets.
    ///   - path: A YAML file, or `nil` for none.
    ///   - settings: Settings such as `optimizer.rate=2e-3`; values are YAML.
    /// - Returns: The resolved options.
    /// - Throws: `PretrainingError` with the key, what was found and the file.
    public static func resolve<Options: Codable>(
        _ defaults: Options, file path: String? = nil, settings: [String] = []
    ) throws -> Options {
        var node = try composed(from: defaults)
        if let path {
            let text: String
            do {
                text = try String(contentsOfFile: path, encoding: .utf8)
            } catch {
                guard FileManager.default.fileExists(atPath: path) else {
                    throw PretrainingError.missingFile(path: path)
                }
                throw PretrainingError.notYAML(path: path, reason: "not UTF-8 text")
            }
            let overlay: Node?
            do {
                overlay = try Yams.compose(yaml: text)
            } catch {
                throw PretrainingError.notYAML(path: path, reason: "\(error)")
            }
            if let overlay, overlay.null == nil {
                guard overlay.mapping != nil else {
                    throw PretrainingError.notYAML(path: path, reason: "not a mapping of keys")
                }
                try overlayMapping(overlay, on: &node, prefix: "", source: path)
            }
        }
        for setting in settings {
            let parts = setting.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw PretrainingError.badValue(
                    key: setting, reason: "expected KEY.PATH=VALUE", source: "--set")
            }
            let value: Node
            do {
                value = try Yams.compose(yaml: String(parts[1])) ?? Node("")
            } catch {
                throw PretrainingError.badValue(
                    key: String(parts[0]), reason: "'\(parts[1])' is not YAML", source: "--set")
            }
            let keys = parts[0].split(separator: ".", omittingEmptySubsequences: false)
            let nested = keys.reversed().reduce(value) { Node([(Node(String($1)), $0)]) }
            try overlayMapping(nested, on: &node, prefix: "", source: "--set")
        }
        do {
            return try YAMLDecoder().decode(Options.self, from: node)
        } catch let error as DecodingError {
            throw badValue(error, source: path ?? "--set")
        }
    }

    /// The options as YAML, numbers with 15 significant digits.
    ///
    /// - Parameter options: What is written.
    /// - Returns: The text, keys in the order of declaration.
    /// - Throws: Where a value can't be written as YAML.
    public static func text<Options: Encodable>(of options: Options) throws -> String {
        try Yams.serialize(node: composed(from: options))
    }

    /// Which options differ between two values, in words.
    ///
    /// - Parameters:
    ///   - found: The options on one side, such as a folder's.
    ///   - wanted: The options on the other.
    /// - Returns: Sentences such as `training.steps is 100 there, 200 here`.
    /// - Throws: Where a value can't be written as YAML.
    public static func differences<Options: Encodable>(
        between found: Options, and wanted: Options
    ) throws -> [String] {
        func leaves(_ node: Node, _ prefix: String) -> [String: String] {
            guard let mapping = node.mapping else {
                return [prefix: ((try? Yams.serialize(node: node)) ?? "").trimmingNewlines]
            }
            return mapping.reduce(into: [:]) { all, pair in
                let key = pair.key.string ?? ""
                all.merge(leaves(pair.value, prefix.isEmpty ? key : "\(prefix).\(key)")) { $1 }
            }
        }
        let (there, here) = (
            leaves(try composed(from: found), ""), leaves(try composed(from: wanted), "")
        )
        return Set(there.keys).union(here.keys).sorted().compactMap { key in
            let (one, other) = (there[key] ?? "absent", here[key] ?? "absent")
            return one == other ? nil : "\(key) is \(one) there, \(other) here"
        }
    }

    /// The options as a tree, in the order of declaration, with each number written exactly.
    ///
    /// Yams writes numbers with 15 digits and an exponent. JSON's encoder writes the shortest text
    /// that reads back as the same number, but in no order.
    private static func composed(from options: some Encodable) throws -> Node {
        let ordered =
            try Yams.compose(yaml: YAMLEncoder().encode(options)) ?? Node([(Node, Node)]())
        let json = String(decoding: try JSONEncoder().encode(options), as: UTF8.self)
        guard let exact = try Yams.compose(yaml: json) else { return ordered }
        return withNumbers(ordered, from: exact)
    }

    private static func withNumbers(_ node: Node, from exact: Node) -> Node {
        switch (node, exact) {
        case (.mapping(let mapping), .mapping(let other)):
            Node(
                mapping.map { key, value in
                    (key, other[key].map { withNumbers(value, from: $0) } ?? value)
                })
        case (.sequence(let sequence), .sequence(let other)) where sequence.count == other.count:
            Node(zip(sequence, other).map { withNumbers($0, from: $1) })
        case (.scalar(let scalar), .scalar(let other)) where node.float != nil:
            scalar.style == .plain ? Node(other.string) : node
        default: node
        }
    }

    private static func overlayMapping(
        _ overlay: Node, on node: inout Node, prefix: String, source: String
    ) throws {
        guard let additions = overlay.mapping else { return }
        for (keyNode, value) in additions {
            let key = keyNode.string ?? ""
            let name = prefix.isEmpty ? key : "\(prefix).\(key)"
            guard var mapping = node.mapping, let known = mapping[Node(key)] else {
                let all = node.mapping?.keys.compactMap(\.string) ?? []
                let nearest = nearestName(to: key, among: all)
                throw PretrainingError.unknownKey(
                    key: name, nearest: nearest.map { prefix.isEmpty ? $0 : "\(prefix).\($0)" },
                    source: source)
            }
            if let deeper = known.mapping {
                // An empty section keeps its defaults.
                if value.null != nil { continue }
                guard value.mapping != nil else {
                    throw PretrainingError.badValue(
                        key: name,
                        reason: "expected a section with the keys "
                            + deeper.keys.compactMap(\.string).joined(separator: ", "),
                        source: source)
                }
                var section = known
                try overlayMapping(value, on: &section, prefix: name, source: source)
                mapping[Node(key)] = section
            } else {
                mapping[Node(key)] = value
            }
            node = .mapping(mapping)
        }
    }

    private static func badValue(_ error: DecodingError, source: String) -> PretrainingError {
        let (context, reason): (DecodingError.Context, String) =
            switch error {
            case .typeMismatch(let type, let context): (context, "expected \(words(for: type))")
            case .valueNotFound(let type, let context): (context, "expected \(words(for: type))")
            case .keyNotFound(let key, let context): (context, "'\(key.stringValue)' is missing")
            case .dataCorrupted(let context): (context, context.debugDescription)
            @unknown default:
                (DecodingError.Context(codingPath: [], debugDescription: ""), "not readable")
            }
        return .badValue(
            key: context.codingPath.map(\.stringValue).joined(separator: "."), reason: reason,
            source: source)
    }

    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is Int.Type, is UInt64.Type: "a whole number"
        case is Double.Type, is Float.Type: "a number"
        case is Bool.Type: "true or false"
        case is String.Type: "text"
        case is Node.Scalar.Type: "a single value"
        case is Node.Sequence.Type: "a list"
        case is Node.Mapping.Type: "a section"
        default: "\(type)"
        }
    }
}

/// The name with the fewest edits to a misspelt one, where these are few (Levenshtein 1966).
///
/// - Parameters:
///   - name: The misspelt name.
///   - candidates: The names that exist.
/// - Returns: The nearest name, or `nil` where none is near.
public func nearestName(to name: String, among candidates: [String]) -> String? {
    func distance(_ a: [Character], _ b: [Character]) -> Int {
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
    let wanted = Array(name.lowercased())
    let ranked = candidates.map { (name: $0, edits: distance(wanted, Array($0.lowercased()))) }
    guard let best = ranked.min(by: { ($0.edits, $0.name) < ($1.edits, $1.name) }),
        best.edits <= max(2, name.count / 3)
    else { return nil }
    return best.name
}

extension String {
    fileprivate var trimmingNewlines: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
