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
    let file = try OutputFile(replacing: path)
    try data.withUnsafeBytes { try file.append($0) }
    try file.commit()
}

/// Writes a file through a descriptor so that a reader sees the old content or the new.
///
/// - Parameters:
///   - path: The file's path; its folder must exist.
///   - body: Writes the content to the descriptor, which it leaves open. It may read it back.
/// - Throws: What the body throws, and ``SignalError/cannotWrite(path:reason:)``.
func writeAtomically(to path: String, body: (_ descriptor: Int32) throws -> Void) throws {
    let file = try OutputFile(replacing: path)
    try body(file.descriptor)
    try file.commit()
}
