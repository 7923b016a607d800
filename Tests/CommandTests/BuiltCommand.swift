import Foundation
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

/// A folder that goes with its last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "apus-command-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and gives its path.
    func file(_ name: String, _ data: Data) throws -> String {
        try data.write(to: URL(fileURLWithPath: path + "/" + name))
        return path + "/" + name
    }

    func file(_ name: String, _ text: String) throws -> String { try file(name, Data(text.utf8)) }
}

/// Mono WAV files, made by hand.
enum WAV {
    /// 32-bit float samples.
    static func floats(_ samples: [Float], rate: Int = 16_000) -> Data {
        var body = Data()
        for sample in samples {
            withUnsafeBytes(of: sample.bitPattern.littleEndian) { body.append(contentsOf: $0) }
        }
        var data = Data("RIFF".utf8)
        func word(_ value: Int) {
            withUnsafeBytes(of: UInt32(value).littleEndian) { data.append(contentsOf: $0) }
        }
        func half(_ value: Int) {
            withUnsafeBytes(of: UInt16(value).littleEndian) { data.append(contentsOf: $0) }
        }
        word(36 + body.count)
        data.append(Data("WAVEfmt ".utf8))
        word(16)
        half(3)
        half(1)
        word(rate)
        word(rate * 4)
        half(4)
        half(32)
        data.append(Data("data".utf8))
        word(body.count)
        return data + body
    }

    /// A harmonic tone, as long as asked for.
    static func tone(_ hertz: Double, seconds: Double, rate: Int = 16_000) -> Data {
        floats(
            (0..<Int(seconds * Double(rate))).map { n in
                let phase = 2 * Double.pi * hertz * Double(n) / Double(rate)
                return Float(0.3 * sin(phase) + 0.1 * sin(2 * phase) + 0.05 * sin(5 * phase))
            }, rate: rate)
    }
}

/// Everything that starts the command: one at a time, since models compute with all cores.
@Suite(.serialized) struct Commands {}

/// A clip of the samples.
func sample(_ name: String) -> String { BuiltCommand.package + "/samples/audio/" + name }

/// The first clip of the first voice.
let voice = sample("voices/en-gb/01.ogg")
