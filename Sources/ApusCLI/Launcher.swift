import Foundation
import Synchronization

/// Starts processes on this machine that train the same model, and watches over them.
///
/// Each finds its place in the variables that torchrun sets. What one writes appears line by line behind
/// its rank. Where one fails, the others are asked to stop, and killed where they don't.
final class Launcher: Sendable {
    private let arguments: [String]
    private let count: Int
    /// The seconds that processes have to end in once one has failed.
    private let grace: Double
    private let running = Mutex<[pid_t: Int]>([:])

    /// - Parameters:
    ///   - arguments: What follows `apus`.
    ///   - count: How many processes.
    ///   - grace: The seconds that processes have to end in once one has failed.
    init(_ arguments: [String], count: Int, grace: Double) {
        (self.arguments, self.count, self.grace) = (arguments, count, grace)
    }

    /// Runs the processes to their end.
    ///
    /// - Parameter port: Where they meet.
    /// - Returns: 0, or the exit code of the first that failed: 128 and the signal where one ended it.
    /// - Throws: `POSIXError` where a process can't be started.
    func run(port: Int) throws -> Int32 {
        let readers = DispatchGroup()
        for rank in 0..<count {
            do {
                let process = try start(rank: rank, port: port, readers: readers)
                running.withLock { $0[process] = rank }
            } catch {
                signal(SIGKILL)
                throw error
            }
        }
        let sources = [SIGINT, SIGTERM].map { number in
            Foundation.signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { self.signal(number) }
            source.resume()
            return source
        }
        defer { sources.forEach { $0.cancel() } }
        var firstFailure: Int32 = 0
        while !running.withLock(\.isEmpty) {
            var status: Int32 = 0
            let process = waitpid(-1, &status, 0)
            if process < 0 { continue }
            guard let rank = running.withLock({ $0.removeValue(forKey: process) }) else { continue }
            let code = Self.exitCode(status)
            guard code != 0, firstFailure == 0 else { continue }
            firstFailure = code
            Console.error("rank \(rank) has ended with exit code \(code); the others are stopped")
            signal(SIGTERM)
            DispatchQueue.global().asyncAfter(deadline: .now() + grace) { self.signal(SIGKILL) }
        }
        readers.wait()
        return firstFailure
    }

    /// Passes a signal on to whatever still runs.
    private func signal(_ number: Int32) {
        running.withLock { for process in $0.keys { kill(process, number) } }
    }

    private static func exitCode(_ status: Int32) -> Int32 {
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    private func start(rank: Int, port: Int, readers: DispatchGroup) throws -> pid_t {
        var environment = ProcessInfo.processInfo.environment
        // Whatever started this process knows nothing of those.
        for name in environment.keys
        where name.hasPrefix("OMPI_") || name.hasPrefix("SLURM_STEP_")
            || name.hasPrefix("TORCHELASTIC_")
        {
            environment[name] = nil
        }
        environment.merge([
            "RANK": "\(rank)", "WORLD_SIZE": "\(count)", "LOCAL_RANK": "\(rank)",
            "LOCAL_WORLD_SIZE": "\(count)", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)",
        ]) { $1 }

        let (output, errors) = (Pipe(), Pipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (pipe, target) in [(output, Int32(1)), (errors, 2)] {
            posix_spawn_file_actions_adddup2(
                &actions, pipe.fileHandleForWriting.fileDescriptor, target)
            for end in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
                posix_spawn_file_actions_addclose(&actions, end.fileDescriptor)
            }
        }
        // A group of its own: a terminal's Ctrl-C comes once, from here, and not twice.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))

        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var process = pid_t()
        let words = (["apus"] + arguments).map { strdup($0) }
        let variables = environment.map { strdup("\($0.key)=\($0.value)") }
        defer { (words + variables).forEach { free($0) } }
        let problem = posix_spawn(
            &process, program, &actions, &attributes, words + [nil], variables + [nil])
        guard problem == 0 else {
            throw POSIXError(POSIXErrorCode(rawValue: problem) ?? .EAGAIN)
        }
        for (pipe, target) in [(output, FileHandle.standardOutput), (errors, .standardError)] {
            try pipe.fileHandleForWriting.close()
            Self.copy(pipe.fileHandleForReading, to: target, prefix: "[\(rank)] ", readers)
        }
        return process
    }

    /// Copies lines on a thread of its own, each behind a prefix.
    private static func copy(
        _ source: FileHandle, to target: FileHandle, prefix: String, _ readers: DispatchGroup
    ) {
        readers.enter()
        Thread {
            var rest = Data()
            func write(_ line: Data) { target.write(Data(prefix.utf8) + line + Data("\n".utf8)) }
            while case let data = source.availableData, !data.isEmpty {
                rest += data
                let lines = rest.split(
                    separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                for line in lines.dropLast() { write(Data(line)) }
                rest = Data(lines.last ?? Data())
            }
            if !rest.isEmpty { write(rest) }
            readers.leave()
        }.start()
    }
}
