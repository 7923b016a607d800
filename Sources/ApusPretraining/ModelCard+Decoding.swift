import ApusCorpus
import ApusSignal
import Foundation

extension ModelCard {
    // Internal: the compiler (6.3.1) crashes on a private one in a debug build with -O.
    enum CodingKeys: String, CodingKey {
        case version, objective, frontEnd, seed, step, trainingData, origin
    }

    /// Reads a card of this version or an earlier one.
    ///
    /// What an objective could not be told yet when the card was written is as by default: options
    /// are added in such a way that their defaults change nothing.
    ///
    /// - Parameter decoder: Where the card is read from.
    /// - Throws: `DecodingError` for a card that isn't one, or that names options which this version
    ///   doesn't have.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(String.self, forKey: .version)
        frontEnd = try container.decode(FrontEnd.self, forKey: .frontEnd)
        seed = try container.decode(UInt64.self, forKey: .seed)
        step = try container.decode(Int.self, forKey: .step)
        trainingData = try container.decode(TrainingData.self, forKey: .trainingData)
        origin = try container.decodeIfPresent(Origin.self, forKey: .origin)

        let stored = try container.decode(JSONValue.self, forKey: .objective)
        let encoder = JSONEncoder()
        let defaults = try JSONDecoder().decode(
            JSONValue.self, from: encoder.encode(ObjectiveConfiguration()))
        var unknown: [String] = []
        let whole = Self.overlaid(stored, on: defaults, at: "objective", unknown: &unknown)
        guard unknown.isEmpty else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "it was written by version \(version) and has options that "
                        + "version \(apusVersion) lacks: \(unknown.joined(separator: ", "))"))
        }
        objective = try JSONDecoder().decode(
            ObjectiveConfiguration.self, from: encoder.encode(whole))
    }

    /// The stored value, completed by the defaults of the keys that it lacks.
    private static func overlaid(
        _ stored: JSONValue, on defaults: JSONValue, at path: String, unknown: inout [String]
    ) -> JSONValue {
        guard case .object(let own) = stored, case .object(var all) = defaults else {
            return stored
        }
        for (key, value) in own.sorted(by: { $0.key < $1.key }) {
            if let known = all[key] {
                all[key] = overlaid(value, on: known, at: "\(path).\(key)", unknown: &unknown)
            } else {
                unknown.append("\(path).\(key)")
            }
        }
        return .object(all)
    }
}
