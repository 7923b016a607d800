import ApusCorpus
import ApusSignal
import Foundation
import Synchronization

/// Standard input: one recording, or a tar stream of many.
///
/// A pipe's first bytes tell which, and are not lost.
final class StandardInput: Sendable {
    /// The one of the process.
    static let shared = StandardInput()

    private let head: [UInt8]
    /// The recordings of a tar stream that are in memory, by their paths.
    private let contents = Mutex<[String: [UInt8]]>([:])

    private init() {
        var status = stat()
        let isFile = fstat(STDIN_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        var bytes = [UInt8](repeating: 0, count: 512)
        var done = 0
        while done < bytes.count {
            let wanted = bytes.count - done
            let got = bytes.withUnsafeMutableBytes { buffer in
                isFile
                    ? pread(
                        STDIN_FILENO, buffer.baseAddress.map { $0 + done }, wanted,
                        lseek(STDIN_FILENO, 0, SEEK_CUR) + off_t(done))
                    : read(STDIN_FILENO, buffer.baseAddress.map { $0 + done }, wanted)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            done += got
        }
        bytes.removeLast(bytes.count - done)
        isTar = ShardStream.begins(with: bytes)
        // What was read of a file is still to come.
        head = isFile ? [] : bytes
    }

    /// Whether it is a tar stream.
    let isTar: Bool

    /// The recordings of the tar stream.
    func shards() -> ShardStream {
        ShardStream(descriptor: STDIN_FILENO, name: "standard input", after: head)
    }

    /// Keeps the recordings of a block until the next.
    func hold(_ block: ShardStream.Block) { contents.withLock { $0 = block.contents } }

    /// Whether a path is of a recording in the tar stream.
    static func isInStream(_ path: String) -> Bool {
        FileRange(path)?.path == ShardStream.path
    }

    /// Opens the one recording, or one of the tar stream.
    func open(_ path: String, raw: RawFormat?) throws -> SoundFile {
        guard Self.isInStream(path) else {
            return try SoundFile.standardInput(raw: raw, after: head)
        }
        guard let bytes = contents.withLock({ $0[path] }) else {
            throw SignalError.unreadable(path: path, reason: "the stream has gone on")
        }
        return try SoundFile(bytes: bytes, name: path, raw: raw)
    }
}
