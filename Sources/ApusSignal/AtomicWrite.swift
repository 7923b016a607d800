import Foundation

/// Writes a file so that a reader sees the old content or the new, and never a part.
///
/// The bytes go to a temporary name in the same folder, are synced to disk, and the file is then
/// renamed. Where that fails the temporary file is removed.
///
/// - Parameters:
///   - data: The whole content.
///   - path: The file's path; its folder must exist.
/// - Throws: ``SignalError/cannotWrite(path:reason:)`` with the system's reason.
public func writeAtomically(_ data: Data, to path: String) throws {
    try writeAtomically(to: path) { descriptor in
        try data.withUnsafeBytes { bytes in
            var rest = bytes
            while let base = rest.baseAddress, !rest.isEmpty {
                let written = write(descriptor, base, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw writingFailure(path) }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }
}

/// Writes a file through a descriptor so that a reader sees the old content or the new.
///
/// - Parameters:
///   - path: The file's path; its folder must exist.
///   - body: Writes the content to the descriptor, which it leaves open. It may read it back.
/// - Throws: What the body throws, and ``SignalError/cannotWrite(path:reason:)``.
func writeAtomically(to path: String, body: (_ descriptor: Int32) throws -> Void) throws {
    let url = URL(fileURLWithPath: path)
    let folder = url.deletingLastPathComponent().path
    let suffix = String(UInt64.random(in: .min ... .max), radix: 36)
    let temporary = "\(folder)/.\(url.lastPathComponent).\(suffix).tmp"

    let descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw writingFailure(path) }
    do {
        defer { close(descriptor) }
        try body(descriptor)
        guard fsync(descriptor) == 0 else { throw writingFailure(path) }
        guard rename(temporary, path) == 0 else { throw writingFailure(path) }
    } catch {
        unlink(temporary)
        throw error
    }
    // The new name itself reaches the disk with its folder; not every file system offers that.
    let folderDescriptor = open(folder, O_RDONLY | O_CLOEXEC)
    if folderDescriptor >= 0 {
        fsync(folderDescriptor)
        close(folderDescriptor)
    }
}

private func writingFailure(_ path: String) -> SignalError {
    .cannotWrite(path: path, reason: String(cString: strerror(errno)))
}
