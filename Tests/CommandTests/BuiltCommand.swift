import Foundation
import TestSupport
import Testing

/// The command `apus` as it was built beside these tests.
enum BuiltCommand {
    /// What a run left behind.
    struct Outcome {
        var status: Int32
        var output: String
        var error: String
    }

    /// The package's folder.
    static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The executable: in the folder of the test bundle, else where a build leaves it.
    static let path: String? = {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let candidates = [
            (own as NSString).deletingLastPathComponent + "/apus",
            package + "/.build/release/apus", package + "/.build/debug/apus",
        ]
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// Starts the command; the caller waits for it or kills it.
    static func start(
        _ arguments: [String], in folder: String? = nil, input: String? = nil
    ) throws -> Running {
        let process = Process()
        process.executableURL = URL(
            fileURLWithPath: try #require(path, "apus is not built beside the tests"))
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder ?? package)
        return try Running(process, input: input)
    }

    /// Runs the command to its end, with a file as its standard input where one is named.
    static func run(
        _ arguments: [String], in folder: String? = nil, input: String? = nil
    ) throws -> Outcome {
        try start(arguments, in: folder, input: input).wait()
    }
}

/// A process whose output goes to files, so that it can't block on a full pipe.
struct Running {
    let process: Process
    private let folder: TemporaryFolder

    init(_ process: Process, input: String? = nil) throws {
        self.process = process
        folder = try TemporaryFolder()
        for name in ["out", "err"] {
            _ = FileManager.default.createFile(atPath: folder.path + "/" + name, contents: nil)
        }
        process.standardInput =
            try input.map { try FileHandle(forReadingFrom: URL(fileURLWithPath: $0)) }
            ?? FileHandle.nullDevice
        process.standardOutput = try FileHandle(
            forWritingTo: URL(fileURLWithPath: folder.path + "/out"))
        process.standardError = try FileHandle(
            forWritingTo: URL(fileURLWithPath: folder.path + "/err"))
        try process.run()
    }

    /// Waits for the end; a process that hangs is killed and shows as such in its status.
    func wait(seconds: Double = 300) throws -> BuiltCommand.Outcome {
        let end = Date(timeIntervalSinceNow: seconds)
        while process.isRunning, Date() < end { usleep(5000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)
        }
        return BuiltCommand.Outcome(
            status: process.terminationStatus, output: try text("out"), error: try text("err"))
    }
}

/// Everything that starts the command: one at a time, since models compute with all cores.
@Suite(.serialized) struct Commands {}

/// A clip of the samples.
func sample(_ name: String) -> String { BuiltCommand.package + "/samples/audio/" + name }

/// The first clip of the first voice.
let voice = sample("voices/en-gb/01.ogg")
