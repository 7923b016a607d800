import ApusCorpus
import Foundation

/// A JSON file of options, as `transformers` writes beside its weights.
struct JSONConfiguration {
    let path: String
    private let values: [String: JSONValue]

    /// Real ones have a few thousand bytes.
    private static let largestFile = 1 << 18

    /// Reads a file.
    ///
    /// - Throws: `PretrainingError.missingFile` or `.notImportable`.
    init(contentsOf path: String) throws {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else {
            throw PretrainingError.missingFile(path: path)
        }
        func wrong(_ reason: String) -> PretrainingError {
            .notImportable(path: path, reason: reason)
        }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        let size = attributes?[.size] as? Int ?? .max
        guard size <= Self.largestFile else {
            throw wrong("it has \(size) bytes, expected at most \(Self.largestFile)")
        }
        guard let data = FileManager.default.contents(atPath: path),
            let decoded = try? JSONDecoder().decode([String: JSONValue].self, from: data)
        else { throw wrong("it is no JSON object") }
        values = decoded
    }

    /// The value of a key that is there and not null.
    private func value(_ key: String) -> JSONValue? {
        values[key].flatMap { $0 == .null ? nil : $0 }
    }

    private func wrong(_ key: String, _ expected: String) -> PretrainingError {
        .notImportable(path: path, reason: "\(key) is no \(expected)")
    }

    /// Whole numbers are read where they are sizes that a model can have, which keeps sums and products of
    /// them within 64 bits.
    private func size(_ value: JSONValue, _ key: String) throws -> Int {
        guard case .integer(let number) = value else { throw wrong(key, "whole number") }
        guard (0...1 << 24).contains(number) else {
            throw PretrainingError.notImportable(
                path: path, reason: "\(key) is \(number), expected 0 to \(1 << 24)")
        }
        return number
    }

    func integer(_ key: String, default fallback: Int) throws -> Int {
        try value(key).map { try size($0, key) } ?? fallback
    }

    func integers(_ key: String, default fallback: [Int]) throws -> [Int] {
        guard let value = value(key) else { return fallback }
        guard case .array(let items) = value else { throw wrong(key, "list of whole numbers") }
        return try items.map { try size($0, key) }
    }

    func number(_ key: String, default fallback: Double) throws -> Double {
        switch value(key) {
        case nil: return fallback
        case .number(let number): return number
        case .integer(let number): return Double(number)
        default: throw wrong(key, "number")
        }
    }

    func bool(_ key: String, default fallback: Bool) throws -> Bool {
        switch value(key) {
        case nil: return fallback
        case .bool(let value): return value
        default: throw wrong(key, "true or false")
        }
    }

    func text(_ key: String) throws -> String? {
        switch value(key) {
        case nil: return nil
        case .string(let text): return text
        default: throw wrong(key, "text")
        }
    }
}
