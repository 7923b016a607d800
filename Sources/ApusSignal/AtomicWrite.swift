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
    let url = URL(fileURLWithPath: path)
    let folder = url.deletingLastPathComponent().path
    let suffix = String(UInt64.random(in: .min ... .max), radix: 36)
    let temporary = "\(folder)/.\(url.lastPathComponent).\(suffix).tmp"
    func failure() -> SignalError {
        .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }

    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure() }
    do {
        defer { close(descriptor) }
        try data.withUnsafeBytes { bytes in
            var rest = bytes
            while let base = rest.baseAddress, !rest.isEmpty {
                let written = write(descriptor, base, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw failure() }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
        guard fsync(descriptor) == 0 else { throw failure() }
        guard rename(temporary, path) == 0 else { throw failure() }
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
