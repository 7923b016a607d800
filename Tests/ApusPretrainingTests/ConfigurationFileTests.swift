import ApusPretraining
import ApusSignal
import Foundation
import TestSupport
import Testing

/// Defaults, a YAML file and settings, each over those before.
@Suite struct ConfigurationFileTests {
    /// A table of options with every kind of value.
    struct Options: Codable, Hashable {
        struct Section: Codable, Hashable {
            var rate = 1e-3
            var betas = [0.9, 0.98]
            var deeper = Deeper()
        }
        struct Deeper: Codable, Hashable {
            var kind = "plain"
            var isOn = false
        }
        var steps = 100
        var limit: Int? = 7
        var optimizer = Section()
    }

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func resolve(_ yaml: String? = nil, _ settings: String...) throws -> Options {
        try ConfigurationFile.resolve(
            Options(), file: yaml.map { try folder.write($0, "options.yaml") }, settings: settings)
    }

    /// The error of options that have to be refused.
    private func refusal(_ yaml: String? = nil, _ settings: String...) throws -> PretrainingError {
        try #require(
            throws: PretrainingError.self, "\(yaml ?? "") \(settings)"
        ) {
            try ConfigurationFile.resolve(
                Options(), file: yaml.map { try folder.write($0, "options.yaml") },
                settings: settings)
        }
    }

    @Test(arguments: [nil, "", "# nothing\n", "---\n", "~\n", "null\n", "{}\n"])
    func whatNothingSetsIsTheDefault(yaml: String?) throws {
        #expect(try resolve(yaml) == Options())
    }

    @Test func aFileOverridesDefaultsAndSettingsOverrideTheFile() throws {
        let yaml = """
            steps: 200
            optimizer:
              rate: 0.5
              deeper: {kind: other}
            """
        var expected = Options()
        expected.steps = 200
        expected.optimizer.rate = 0.5
        expected.optimizer.deeper.kind = "other"
        #expect(try resolve(yaml) == expected)

        expected.optimizer.rate = 2e-3
        expected.optimizer.deeper.isOn = true
        #expect(
            try resolve(yaml, "optimizer.rate=2e-3", "optimizer.deeper.isOn=true") == expected)
        // The last setting of a key holds.
        expected.steps = 9
        expected.optimizer.deeper.isOn = false
        expected.optimizer.rate = 3
        #expect(
            try resolve(
                yaml, "steps=8", "optimizer.deeper.isOn=true", "optimizer.rate=3",
                "optimizer.deeper.isOn=false", "steps=9") == expected)
    }

    @Test func listsAreReplacedAsAWhole() throws {
        #expect(try resolve("optimizer: {betas: [0.5]}").optimizer.betas == [0.5])
        #expect(
            try resolve("optimizer:\n  betas:\n  - 1\n  - 2\n  - 3").optimizer.betas == [1, 2, 3])
        #expect(try resolve(nil, "optimizer.betas=[1, 2.5]").optimizer.betas == [1, 2.5])
        #expect(try resolve(nil, "optimizer.betas=[]").optimizer.betas.isEmpty)
    }

    @Test func sectionsMayBeEmptyAndOptionsAbsent() throws {
        #expect(try resolve("optimizer:\nsteps: 3").optimizer == Options.Section())
        #expect(try resolve("limit: null").limit == nil)
        #expect(try resolve(nil, "limit=null").limit == nil)
        #expect(try resolve(nil, "optimizer={rate: 4}").optimizer.rate == 4)
        // What follows the first sign of equality is the value.
        #expect(try resolve(nil, "optimizer.deeper.kind=a=b").optimizer.deeper.kind == "a=b")
        #expect(try resolve(nil, "optimizer.deeper.kind='1'").optimizer.deeper.kind == "1")
        #expect(try resolve(nil, "optimizer.deeper.kind=").optimizer.deeper.kind == "")
    }

    @Test(arguments: [
        ("stepz", "steps"), ("Steps", "steps"), ("optimzer.rate", "optimizer"),
        ("optimizer.rat", "optimizer.rate"), ("optimizer.lerningRate", nil),
        ("optimizer.deeper.kinds", "optimizer.deeper.kind"), ("rate", nil), ("optimizer.", nil),
    ])
    func anUnknownKeyIsNamedWithTheNearestOne(key: String, nearest: String?) throws {
        let error = try refusal(nil, "\(key)=1")
        guard case .unknownKey(let found, let suggestion, "--set") = error else {
            Issue.record("found \(error)")
            return
        }
        // A section that isn't there is named by itself.
        #expect(key == found || key.hasPrefix(found + "."))
        #expect(suggestion == nearest)
        #expect(error.description.contains("no option is named '\(found)'"))
        #expect(error.description.contains("did you mean") == (nearest != nil))
    }

    @Test func anUnknownKeyOfAFileIsNamedWithTheFile() throws {
        #expect(
            try refusal("steps: 3\noptimizer:\n  deeper:\n    kin: x")
                == .unknownKey(
                    key: "optimizer.deeper.kin", nearest: "optimizer.deeper.kind",
                    source: folder.path + "/options.yaml"))
        #expect(
            try refusal("step: 3")
                == .unknownKey(
                    key: "step", nearest: "steps", source: folder.path + "/options.yaml"))
    }

    @Test(arguments: [
        ("steps", "many", "expected a whole number"), ("steps", "1.5", "expected a whole number"),
        ("steps", "[1]", "expected a single value"), ("steps", "", "expected a whole number"),
        ("optimizer.rate", "fast", "expected a number"),
        ("optimizer.rate", "null", "expected a number"),
        ("optimizer.deeper.isOn", "3", "expected true or false"),
        ("optimizer.deeper.kind", "[a]", "expected a single value"),
        ("steps.more", "1", "expected a single value"), ("optimizer.betas", "1", "expected a list"),
        ("optimizer.betas.x", "1", "expected a list"),
    ])
    func aWrongTypeIsNamed(key: String, value: String, reason: String) throws {
        #expect(
            try refusal(nil, "\(key)=\(value)")
                == .badValue(
                    key: key.replacing(/\.(more|x)$/, with: ""), reason: reason, source: "--set"))
    }

    @Test func aWrongTypeInAFileIsNamedWithTheFile() throws {
        #expect(
            try refusal("optimizer:\n  rate: high")
                == .badValue(
                    key: "optimizer.rate", reason: "expected a number",
                    source: folder.path + "/options.yaml"))
        let error = try refusal("optimizer:\n  betas: [0.9, x]")
        guard case .badValue(let key, "expected a number", _) = error else {
            Issue.record("found \(error)")
            return
        }
        #expect(key.hasPrefix("optimizer.betas"))
    }

    @Test(arguments: ["3", "[1, 2]", "text"])
    func aSectionIsNoSingleValue(value: String) throws {
        let reason = "expected a section with the keys rate, betas, deeper"
        #expect(
            try refusal("optimizer: \(value)")
                == .badValue(
                    key: "optimizer", reason: reason, source: folder.path + "/options.yaml"))
        #expect(
            try refusal(nil, "optimizer=\(value)")
                == .badValue(key: "optimizer", reason: reason, source: "--set"))
    }

    @Test(arguments: [
        "steps: [1", "a: b: c", "- steps\n- 3", "just words", "\"", "steps: 1\nsteps: 2",
    ])
    func whatIsNoYAMLIsNamed(yaml: String) throws {
        let error = try refusal(yaml)
        guard case .notYAML(let path, let reason) = error else {
            Issue.record("found \(error)")
            return
        }
        #expect(path == folder.path + "/options.yaml")
        #expect(!reason.isEmpty)
    }

    @Test func bytesThatAreNoTextAreNamed() throws {
        let path = try folder.write(Data([0xFF, 0xFE, 0x00, 0xC3]), "bytes.yaml")
        #expect(throws: PretrainingError.notYAML(path: path, reason: "not UTF-8 text")) {
            try ConfigurationFile.resolve(Options(), file: path)
        }
    }

    @Test func aMissingFileIsNamed() {
        let path = folder.path + "/absent.yaml"
        #expect(throws: PretrainingError.missingFile(path: path)) {
            try ConfigurationFile.resolve(Options(), file: path)
        }
    }

    @Test(arguments: ["steps", "=3", ""])
    func aSettingHasAKeyAndAValue(setting: String) throws {
        #expect(
            try refusal(nil, setting)
                == .badValue(key: setting, reason: "expected KEY.PATH=VALUE", source: "--set"))
    }

    @Test func aSettingThatIsNoYAMLIsNamed() throws {
        #expect(
            try refusal(nil, "optimizer.betas=[1")
                == .badValue(
                    key: "optimizer.betas", reason: "'[1' is not YAML", source: "--set"))
    }

    @Test func differencesAreWords() throws {
        var other = Options()
        #expect(try ConfigurationFile.differences(between: Options(), and: other).isEmpty)
        other.steps = 200
        other.optimizer.deeper.kind = "other"
        other.limit = nil
        #expect(
            try ConfigurationFile.differences(between: Options(), and: other) == [
                "limit is 7 there, absent here",
                "optimizer.deeper.kind is plain there, other here",
                "steps is 100 there, 200 here",
            ])
    }

    @Test func namesNearAMisspeltOne() {
        let names = ["steps", "rate", "batchSize", "batchSizes"]
        #expect(nearestName(to: "stpes", among: names) == "steps")
        #expect(nearestName(to: "RATE", among: names) == "rate")
        #expect(nearestName(to: "batchsize", among: names) == "batchSize")
        #expect(nearestName(to: "momentum", among: names) == nil)
        #expect(nearestName(to: "x", among: []) == nil)
    }
}
