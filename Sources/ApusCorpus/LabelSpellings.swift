import Foundation

/// Names among labels that people may not tell apart, or may take for two.
public struct LabelSpellings: Hashable, Sendable {
    /// Names that are written in several Unicode forms, which are taken as one name (canonical equivalence,
    /// UAX #15).
    public let takenAsOne: [String]
    /// Names that differ by case or compatibility form alone, which are taken as different ones; each group
    /// in alphabetical order.
    public let alike: [[String]]

    /// Looks at names.
    ///
    /// - Parameter names: The names, in any order and number.
    public init(_ names: some Sequence<String>) {
        // Swift compares canonically, so that forms are told apart by their bytes; ASCII has one form.
        var forms: [String: Set<[UInt8]>] = [:]
        var seen: Set<String> = []
        for name in names {
            seen.insert(name)
            if !name.utf8.allSatisfy({ $0 < 0x80 }) {
                forms[name, default: []].insert(Array(name.utf8))
            }
        }
        takenAsOne = forms.filter { $0.value.count > 1 }.keys.sorted()
        alike = Dictionary(grouping: seen) {
            $0.precomposedStringWithCompatibilityMapping.lowercased()
        }
        .values.filter { $0.count > 1 }.map { $0.sorted() }.sorted { $0[0] < $1[0] }
    }

    /// Sentences for the person who runs the command.
    ///
    /// - Parameter plural: What the names name, such as `speakers`.
    /// - Returns: A sentence for each kind that was found.
    public func warnings(plural: String) -> [String] {
        func some(_ names: [String]) -> String {
            names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", ..." : "")
        }
        var found: [String] = []
        if !takenAsOne.isEmpty {
            found.append(
                "\(plural) whose names are written in two Unicode forms, taken as one name each: "
                    + some(takenAsOne))
        }
        if !alike.isEmpty {
            found.append(
                "different \(plural) by case or Unicode form alone: "
                    + some(alike.map { $0.joined(separator: " / ") }))
        }
        return found
    }
}
