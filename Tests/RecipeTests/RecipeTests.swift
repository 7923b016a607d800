import ApusCorpus
import ApusPretraining
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
        // LibriSpeech and ESC-50 are for whoever has them.
        process.environment = ProcessInfo.processInfo.environment
            .filter {
                !["LIBRISPEECH", "ESC", "LISTS", "EVALUATE", "FSDD", "VOXCELEB1"].contains($0.key)
            }
            .merging(FileManager.default.isExecutableFile(atPath: beside) ? ["APUS": beside] : [:])
        {
            $1
        }
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
            "log-mel statistics", "MFCC statistics", "random projection", "channel only",
            "untrained CPC", "CPC", "untrained masked prediction", "masked prediction",
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

    /// Every objective trains, is probed and verified, and stands in the report.
    @Test func pretrainingOnDebianVoicesMini() throws {
        let folder = NSTemporaryDirectory() + "apus-voices-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let arguments = ["--mini", "--stage", "3", "--run", folder]
        let first = try run("debian-voices/pretrain", arguments)
        try #require(first.status == 0, "\(first.text)")
        let results = try Results(
            contentsOf: URL(fileURLWithPath: folder + "/probe/results.json"))
        for name in ["CPC", "APC", "TERA", "BEST-RQ", "units", "contrast and BEST-RQ"] {
            for system in [name, "untrained " + name] {
                let own = results.rows.filter { $0.system == system }
                #expect(
                    own.map(\.metric) == [
                        nil, nil, "frame accuracy", "balanced frame accuracy", "equal error rate",
                    ], "\(system)")
                #expect(own.allSatisfy { (0...1).contains($0.value) })
            }
        }
        let html = try String(contentsOfFile: folder + "/report.html", encoding: .utf8)
        for part in ["Health of units-1", "contrast and BEST-RQ", "<svg"] {
            #expect(html.contains(part), "\(part)")
        }
        let again = try run("debian-voices/pretrain", arguments)
        #expect(again.status == 0, "\(again.text)")
        #expect(again.text.contains("steps already"))
        // Nothing new to probe.
        #expect(!again.text.contains(": representations"))

        // Two trainings of one system are one row.
        let seeds = try run(
            "debian-voices/pretrain",
            ["--mini", "--stage", "4", "--stop-stage", "5", "--run", folder, "--seeds", "1 2"]
                + ["--systems", "cpc"])
        try #require(seeds.status == 0, "\(seeds.text)")
        let means = try Results(contentsOf: URL(fileURLWithPath: folder + "/probe/results.json"))
        #expect(means.rows.filter { $0.system == "CPC" }.allSatisfy { $0.seeds == 2 })
    }

    @Test func contrastivePredictionOnLibriSpeechMini() throws {
        let folder = NSTemporaryDirectory() + "apus-librispeech-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let mini = try run(
            "librispeech/cpc", ["--mini", "--stage", "2", "--run", folder])
        try #require(mini.status == 0, "\(mini.text)")
        let results = try Results(
            contentsOf: URL(fileURLWithPath: folder + "/probe/results.json"))
        #expect(
            results.systemNames == [
                "log-mel statistics", "MFCC statistics", "random projection", "channel only",
                "untrained cpc", "cpc", "untrained log-mel",
                "log-mel",
            ])
        #expect(FileManager.default.fileExists(atPath: folder + "/report.html"))

        // Without --mini the corpus has to be named.
        let nothing = try run(
            "librispeech/cpc", ["--stage", "2", "--stop-stage", "2", "--run", folder + "/other"])
        #expect(nothing.status == 66)
        #expect(nothing.text.contains("LIBRISPEECH"))
    }

    @Test func verificationOfDebianVoicesMini() throws {
        let folder = NSTemporaryDirectory() + "apus-verification-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let mini = try run(
            "debian-voices/verification", ["--mini", "--stage", "3", "--run", folder])
        try #require(mini.status == 0, "\(mini.text)")
        for output in ["all", "normalized", "plda"] {
            let results = try Results(
                contentsOf: URL(fileURLWithPath: folder + "/\(output)/results.json"))
            #expect(results.task == "speaker-verification")
            #expect(results.systemNames.contains("CPC"))
            #expect(results.systemNames.contains("untrained CPC") == (output != "normalized"))
        }
        let html = try String(contentsOfFile: folder + "/report.html", encoding: .utf8)
        #expect(html.contains("Detection error tradeoff"))

        // Models that are there already are taken as they are.
        let model = folder + "/cpc/model.safetensors"
        let own = try run(
            "debian-voices/verification",
            ["--mini", "--stage", "4", "--stop-stage", "5", "--run", folder]
                + ["--models", "a=\(model)"])
        #expect(own.status == 0 && !own.text.contains("4 CPC"), "\(own.text)")
        let results = try Results(contentsOf: URL(fileURLWithPath: folder + "/all/results.json"))
        #expect(results.systemNames.contains("untrained a"))
    }

    @Test func percussionIsToldLeaveOneKitOutMini() throws {
        let folder = NSTemporaryDirectory() + "apus-percussion-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let arguments = ["--mini", "--stage", "3", "--run", folder]
        let first = try run("debian-percussion", arguments)
        try #require(first.status == 0, "\(first.text)")
        let results = try Results(
            contentsOf: URL(fileURLWithPath: folder + "/probe/results.json"))
        #expect(results.task == "event-classification")
        #expect(results.protocol.contains("4 kits"))
        #expect(
            results.systemNames == [
                "log-mel statistics", "MFCC statistics", "random projection", "channel only",
                "untrained cpc", "cpc", "untrained combined", "combined", "untrained units",
                "units",
            ])
        #expect(results.rows.allSatisfy { $0.trials == 12 })
        #expect(FileManager.default.fileExists(atPath: folder + "/report.html"))
        let again = try run("debian-percussion", arguments)
        #expect(again.status == 0, "\(again.text)")
        #expect(again.text.contains("already there"))
        #expect(!again.text.contains(": representations"))

        // A model more is probed, though it's older than the figures of the others.
        let more = try run(
            "debian-percussion",
            ["--mini", "--stage", "5", "--stop-stage", "5", "--run", folder]
                + ["--models", "another=\(folder)/cpc/model.safetensors"])
        try #require(more.status == 0, "\(more.text)")
        let names = try Results(contentsOf: URL(fileURLWithPath: folder + "/probe/results.json"))
            .systemNames
        #expect(names.last == "another")
    }

    /// A recipe's `--mini` from its manifests on, on one thread.
    private func mini(
        _ recipe: String, _ options: [String] = [], then check: (_ folder: String) throws -> Void
    ) throws {
        let folder = NSTemporaryDirectory() + "apus-recipe-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let outcome = try run(recipe, ["--mini", "--stage", "2", "--run", folder] + options)
        try #require(outcome.status == 0, "\(outcome.text)")
        try check(folder)
        #expect(FileManager.default.fileExists(atPath: folder + "/report.html"))
    }

    private func results(_ path: String) throws -> Results {
        try Results(contentsOf: URL(fileURLWithPath: path + "/results.json"))
    }

    @Test func environmentalSoundsMini() throws {
        try mini("esc50", ["--threads", "1"]) { folder in
            let results = try results(folder + "/probe")
            #expect(results.task == "event-classification")
            #expect(results.protocol.contains("3 folds") && results.protocol.contains("again"))
            #expect(
                results.systemNames.suffix(6) == [
                    "untrained cpc", "cpc", "untrained combined", "combined", "untrained units",
                    "units",
                ])
            #expect(results.rows.allSatisfy { $0.trials == 12 })
        }
    }

    @Test func spokenDigitsMini() throws {
        try mini("fsdd", ["--threads", "1"]) { folder in
            let (speakers, digits) = (
                try results(folder + "/speakers"), try results(folder + "/digits-probe")
            )
            #expect(speakers.task == "speaker-identification")
            #expect(digits.task == "event-classification")
            for results in [speakers, digits] {
                #expect(
                    Set(results.systemNames).isSuperset(of: [
                        "voices", "digits", "combined", "units",
                    ]))
                // Two takes of two digits of eight voices are the dataset's test part.
                #expect(results.rows.first?.trials == 32)
            }
        }
    }

    @Test func anEncoderIsTrainedOnMini() throws {
        try mini("adapt", ["--threads", "1"]) { folder in
            let results = try results(folder + "/probe")
            #expect(
                results.systemNames.suffix(6) == [
                    "untrained before", "before", "untrained after", "after", "untrained alone",
                    "alone",
                ])
            let model = try PretrainedModel(contentsOf: folder + "/adapted/model.safetensors")
            let curve = try String(contentsOfFile: folder + "/labels.tsv", encoding: .utf8)
                .split(separator: "\n").map { $0.split(separator: "\t") }
            #expect(curve.map { $0[0] } == ["network", "before", "after", "fine-tuned", "scratch"])
            #expect(curve[0].dropFirst() == ["1", "0"])
            #expect(
                curve.dropFirst().allSatisfy { $0.dropFirst().compactMap { Double($0) }.count == 2 }
            )
            #expect(model.card.origin?.path == folder + "/first/model.safetensors")
            #expect(model.card.origin?.step == 8)
        }
    }

    @Test func interviewsMini() throws {
        try mini("voxceleb1") { folder in
            let identification = try results(folder + "/sid-probe")
            #expect(identification.rows.contains { $0.metric == "weighted-sum accuracy" })
            let verification = try results(folder + "/asv-verify")
            #expect(verification.systemNames.suffix(2) == ["untrained CPC", "CPC"])
            // None of the speakers of the trials is trained on.
            let (train, test) = (
                try Manifest(contentsOf: folder + "/asv/train.jsonl"),
                try Manifest(contentsOf: folder + "/asv/test.jsonl")
            )
            #expect(train.speakers.count == 6 && test.speakers.count == 2)
            #expect(Set(train.speakers).isDisjoint(with: test.speakers))
        }
    }

    @Test func speakersOfLibriSpeechMini() throws {
        try mini("librispeech/speaker-id", ["--threads", "1"]) { folder in
            #expect(try results(folder + "/probe").systemNames.contains("CPC"))
            #expect(try results(folder + "/verify").task == "speaker-verification")
            let identified = try String(
                contentsOfFile: folder + "/identified-CPC.txt", encoding: .utf8)
            #expect(identified.split(separator: "\n").count == 16)
        }
    }

    @Test func labelsOfDebianVoicesMini() throws {
        try mini("debian-voices/speaker-id", ["--threads", "1", "--compare-heads"]) { folder in
            func table(_ name: String) throws -> [[String]] {
                try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
                    .split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
            }
            let lines = try table("labels.tsv")
            #expect(
                lines.map(\.first) == ["network", "frozen", "fine-tuned", "multitask", "scratch"])
            #expect(lines[0] == ["network", "1", "0"])
            let heads = try table("heads.tsv")
            #expect(
                heads.map(\.first) == [
                    "head", "mean", "mean-and-deviation", "attentive", "perceptron", "x-vector",
                    "ecapa",
                ])
            #expect(heads.allSatisfy { $0.count == 4 })
            for line in lines.dropFirst() + heads.dropFirst() {
                #expect(line.dropFirst().allSatisfy { (0...100).contains(Double($0) ?? -1) })
            }
            let results = try results(folder + "/probe")
            #expect(results.rows.contains { $0.metric == "weighted-sum accuracy" })
            #expect(FileManager.default.fileExists(atPath: folder + "/speakers.safetensors"))
        }
    }

    @Test func clusterMini() throws {
        let folder = NSTemporaryDirectory() + "apus-cluster-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let arguments = ["--mini", "--stage", "2", "--run", folder]
        let first = try run("cluster", arguments)
        try #require(first.status == 0, "\(first.text)")
        #expect(first.text.contains("64 of 64 recordings of 3 parts"))
        #expect(first.text.contains("tasks: 3 of 3 finished"))
        #expect(FileManager.default.fileExists(atPath: folder + "/pretrain/model.safetensors"))
        func bytes(_ name: String) throws -> Data {
            try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
        }
        let all = try bytes("all.npz")
        let again = try run("cluster", arguments)
        #expect(again.status == 0, "\(again.text)")
        #expect(again.text.contains("already there") && again.text.contains(", as before"))
        // A task that is lost is named, and done again alone.
        try FileManager.default.removeItem(atPath: folder + "/parts/part-00002.npz")
        try FileManager.default.removeItem(atPath: folder + "/all.npz")
        let lost = try run(
            "cluster", ["--mini", "--stage", "4", "--stop-stage", "4", "--run", folder])
        #expect(lost.status == 65)
        #expect(lost.text.contains("--stop-stage 4 does tasks 2, and nothing twice"))
        #expect(try Manifest(contentsOf: folder + "/missing.jsonl").cuts.count == 21)
        let mended = try run(
            "cluster", ["--mini", "--stage", "3", "--stop-stage", "4", "--run", folder])
        #expect(mended.status == 0, "\(mended.text)")
        #expect(try bytes("all.npz") == all)
        let features = try run(
            "cluster",
            [
                "--mini", "--stage", "2", "--stop-stage", "4", "--what", "features", "--ending",
                "ark",
                "--run", folder + "/features",
            ])
        #expect(features.status == 0, "\(features.text)")
        #expect(features.text.contains("all.ark: 64 of 64 recordings"))
        #expect(try run("cluster", ["--tasks", "none"]).status == 64)
        #expect(try run("cluster", ["--what", "magic"]).status == 64)
        #expect(
            try run("cluster", ["--stage", "2", "--stop-stage", "2", "--run", folder + "/x"]).status
                == 66)
    }

    @Test(arguments: [
        "quickstart", "debian-voices/pretrain", "debian-voices/verification", "debian-percussion",
        "librispeech/cpc", "esc50", "fsdd", "adapt", "voxceleb1", "librispeech/speaker-id",
        "debian-voices/speaker-id", "cluster",
    ])
    func wrongUseIsExplained(recipe: String) throws {
        #expect(try run(recipe, ["--stage", "9"]).status == 64)
        let unknown = try run(recipe, ["--nonsense"])
        #expect(unknown.status == 64)
        #expect(unknown.text.contains("--nonsense"))
        let help = try run(recipe, ["--help"])
        #expect(help.status == 0)
        #expect(help.text.contains("--mini"))
        #expect(help.text.contains("continues"))
    }

    @Test func whatARecipeDoesNotHaveIsNamed() throws {
        let system = try run("debian-voices/pretrain", ["--systems", "cpc magic"])
        #expect(system.status == 64)
        #expect(system.text.contains("'magic'") && system.text.contains("bestrq"))
        #expect(try run("debian-voices/pretrain", ["--seeds", "one"]).status == 64)
        #expect(try run("debian-voices/pretrain", ["--minutes", "soon"]).status == 64)
        #expect(try run("librispeech/cpc", ["--systems", "magic"]).status == 64)
        #expect(try run("librispeech/cpc", ["--steps", "many"]).status == 64)
        // Without --mini the corpus has to be named.
        for recipe in ["esc50", "fsdd", "voxceleb1", "librispeech/speaker-id"] {
            let nothing = try run(
                recipe,
                ["--stage", "2", "--stop-stage", "2", "--run"]
                    + [NSTemporaryDirectory() + "apus-recipe-\(UUID().uuidString)"])
            #expect(nothing.status == 66 && nothing.text.contains("names no folder"), "\(recipe)")
        }
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
