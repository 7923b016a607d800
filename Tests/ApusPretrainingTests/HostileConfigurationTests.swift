import ApusCorpus
import ApusNN
import ApusPretraining
import ApusSignal
import ApusTensor
import Foundation
import TestSupport
import Testing

extension Computing {
    /// Damaged and hostile `config.json` and `preprocessor_config.json`: each is an error that names the
    /// file, or a model that runs, and none traps.
    @Suite struct HostileConfigurationTests {
        /// Those that the project comes with.
        static let small = ImportTests.models.filter { $0.contains("References/published/") }
        private static let options = ["config.json", "preprocessor_config.json"]

        /// What a mutation puts in place of a value.
        private static let values: [JSONValue] =
            [
                0, 1, 2, 3, 4, 5, 7, 16, 17, 1023, 1 << 16, 1 << 20, 1 << 24, (1 << 24) + 1,
                1 << 31,
                1 << 53, .max, -1, .min,
            ].map(JSONValue.integer)
            + [1e-300, 0.5, 1.5, -0.5, 1e300, Double.leastNonzeroMagnitude].map(JSONValue.number)
            + [
                .null, .bool(true), .bool(false), .string(""), .string("gelu"), .string("layer"),
                .string("group"), .string("wavlm"), .string("data2vec-audio"), .string("hubert"),
                .string("x\u{0}\u{202E}\n"), .string(String(repeating: "9", count: 5000)),
                .array([]), .array([.integer(8)]), .array([.array([])]), .object([:]),
                .array([JSONValue](repeating: .integer(1), count: 3)),
                .array([JSONValue](repeating: .integer(1024), count: 3)),
                .array([JSONValue](repeating: .integer(8), count: 16)),
                .array([JSONValue](repeating: .integer(2), count: 5000)),
                .array([.integer(8), .integer(0), .integer(8)]),
                .array([.integer(10), .integer(-3), .integer(2)]),
                .array([.integer(5), .integer(2), .number(1.5)]),
                .array([.integer(1 << 24), .integer(1 << 24), .integer(1 << 24)]),
            ]

        /// One or two options replaced, one left out, or some bytes changed.
        private func mutated(_ file: Data, by generator: inout SeededGenerator) throws -> Data {
            guard Int.random(in: 0..<5, using: &generator) > 0 else {
                var bytes = [UInt8](file)
                for _ in 0...Int.random(in: 0..<4, using: &generator) {
                    let place = bytes.indices.randomElement(using: &generator) ?? 0
                    bytes[place] = UInt8.random(in: 0...255, using: &generator)
                }
                return Data(bytes.prefix(Int.random(in: 0..<9, using: &generator) > 0 ? .max : 99))
            }
            var options = try JSONDecoder().decode([String: JSONValue].self, from: file)
            for _ in 0...Int.random(in: 0..<2, using: &generator) {
                let key = try #require(options.keys.sorted().randomElement(using: &generator))
                options[key] =
                    Int.random(in: 0..<8, using: &generator) == 0
                    ? nil : Self.values.randomElement(using: &generator)
            }
            return try JSONEncoder().encode(options)
        }

        /// Imports the folder; a model that comes of it encodes two recordings.
        ///
        /// - Returns: Whether a model came.
        private func isImported(_ folder: String) throws -> Bool {
            do {
                let model = try ModelImport(contentsOf: folder).model
                let states = withoutGradients {
                    model.encoder(
                        Tensor(uniform: -1...1, shape: [2, 700, 1], seed: Seed(1)),
                        lengths: [700, 3], draws: nil)
                }
                #expect(states.layers.count == model.encoder.layerNames.count)
                return true
            } catch let error as PretrainingError {
                #expect("\(error)".contains(folder))
            } catch let error as NNError {
                #expect("\(error)".contains(folder))
            }
            return false
        }

        @Test(arguments: small)
        func noneTraps(model: String) throws {
            let folder = try TemporaryFolder()
            let options = Self.options.filter {
                FileManager.default.fileExists(atPath: "\(model)/\($0)")
            }
            for name in try FileManager.default.contentsOfDirectory(atPath: model) {
                try FileManager.default.copyItem(
                    atPath: "\(model)/\(name)", toPath: "\(folder.path)/\(name)")
            }
            #expect(try isImported(folder.path))
            var generator = SeededGenerator(seed: 5, stream: "configurations")
            var importCount = 0
            for number in 0..<150 {
                let name = number % 10 == 0 ? options[options.count - 1] : options[0]
                let original = try Data(contentsOf: URL(fileURLWithPath: "\(model)/\(name)"))
                _ = try folder.write(mutated(original, by: &generator), name)
                if try isImported(folder.path) { importCount += 1 }
                _ = try folder.write(original, name)
            }
            // Most options are of no consequence here; most that are refuse to be changed.
            #expect((15..<135).contains(importCount))
        }

        @Test func whatIsNestedWithoutEndIsRefused() throws {
            let folder = try TemporaryFolder()
            for opening in [#"{"a":"#, "["] {
                let text = String(repeating: opening, count: 50_000)
                _ = try folder.write(Data(text.utf8), "config.json")
                #expect(try !isImported(folder.path))
            }
        }
    }
}
