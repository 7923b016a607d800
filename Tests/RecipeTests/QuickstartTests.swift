import ApusReport
import Foundation
import Testing

/// The recipes, run as a user runs them, on the clips of the samples.
@Suite(.serialized) struct RecipeTests {
    private static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// Runs a recipe's script with the command that was built beside the tests.
    private func run(_ recipe: String, _ arguments: [String]) throws -> (
        status: Int32, text: String
    ) {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = (own as NSString).deletingLastPathComponent + "/apus"
        let log = NSTemporaryDirectory() + "apus-recipe-\(UUID().uuidString).log"
        defer { try? FileManager.default.removeItem(atPath: log) }
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["\(Self.package)/recipes/\(recipe)/run.sh"] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            FileManager.default.isExecutableFile(atPath: beside) ? ["APUS": beside] : [:]
        ) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, try String(contentsOfFile: log, encoding: .utf8))
    }

    @Test func quickstartMiniMakesItsTableAndItsReport() throws {
        let folder = NSTemporaryDirectory() + "apus-quickstart-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try run("quickstart", ["--mini", "--stage", "3", "--run", folder])
        try #require(first.status == 0, "\(first.text)")
        let results = try Results(contentsOf: URL(fileURLWithPath: folder + "/results.json"))
        #expect(results.task == "speaker-identification")
        for system in [
            "log-mel statistics", "channel only", "untrained CPC", "CPC",
            "untrained masked reconstruction", "masked reconstruction",
        ] {
            let own = results.rows.filter { $0.system == system && $0.metric == nil }
            #expect(own.map(\.labelledPerClass) == [.count(1), .count(5), .all], "\(system)")
            #expect(first.text.contains(system))
        }
        #expect(first.text.contains("Chance"))
        let html = try String(contentsOfFile: folder + "/report.html", encoding: .utf8)
        for part in ["<svg", "data:image/png;base64,", "en-us-f3", "Loss, cpc"] {
            #expect(html.contains(part), "\(part)")
        }

        func bytes() throws -> [Data] {
            try [
                "cpc/model.safetensors", "masked/model.safetensors", "results.json",
                "manifests/train.jsonl",
            ].map { try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0)) }
        }
        let before = try bytes()
        let second = try run("quickstart", ["--mini", "--stage", "3", "--run", folder])
        #expect(second.status == 0, "\(second.text)")
        #expect(second.text.contains("already there"))
        #expect(second.text.contains("steps already"))
        #expect(second.text.contains("CPC"))
        #expect(try bytes() == before)
    }

    @Test func wrongUseOfTheQuickstartIsExplained() throws {
        #expect(try run("quickstart", ["--stage", "9"]).status == 64)
        let unknown = try run("quickstart", ["--nonsense"])
        #expect(unknown.status == 64)
        #expect(unknown.text.contains("--nonsense"))
        let help = try run("quickstart", ["--help"])
        #expect(help.status == 0)
        #expect(help.text.contains("--mini"))
    }

    @Test func everyRecipeIsDocumented() throws {
        let root = Self.package + "/recipes"
        let files = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        let recipes = files.filter { $0.hasSuffix("/run.sh") && !$0.contains("/data/") }
        #expect(recipes.contains("quickstart/run.sh"))
        for recipe in recipes {
            let folder = root + "/" + (recipe as NSString).deletingLastPathComponent
            for name in ["README.md", "RESULTS.md"] {
                #expect(
                    FileManager.default.fileExists(atPath: folder + "/" + name),
                    "\(recipe): \(name)")
            }
            #expect(
                try String(contentsOfFile: root + "/" + recipe, encoding: .utf8).contains("--mini"))
        }
    }
}
