import Foundation

/// The file name extensions, in lower case, of what is taken for an audio file.
public let audioFileExtensions: Set<String> = [
    "aif", "aifc", "aiff", "au", "caf", "flac", "mp3", "oga", "ogg", "opus", "rf64", "snd", "sph",
    "w64", "wav",
]

/// Every audio file below a folder, known by its extension, sorted by path.
///
/// Names that begin with a dot are skipped. Links are followed, each folder once.
///
/// - Parameter folder: The folder to search.
/// - Returns: The paths relative to the folder, with `/` between their parts.
/// - Throws: `CorpusError.unreadable` where the folder or one below it cannot be listed.
public func audioFiles(under folder: String) throws -> [String] {
    var visited: Set<String> = []
    var found: [String] = []
    func visit(_ relative: String) throws {
        let path = relative.isEmpty ? folder : folder + "/" + relative
        guard visited.insert(URL(fileURLWithPath: path).resolvingSymlinksInPath().path).inserted
        else { return }
        for name in try folderEntries(path) {
            let entry = relative.isEmpty ? name : relative + "/" + name
            if isFolder(path + "/" + name) {
                try visit(entry)
            } else if audioFileExtensions.contains(
                URL(fileURLWithPath: name).pathExtension.lowercased())
            {
                found.append(entry)
            }
        }
    }
    try visit("")
    return found.sorted()
}

/// The names in a folder without the hidden ones, sorted.
func folderEntries(_ path: String) throws -> [String] {
    guard isFolder(path) || !FileManager.default.fileExists(atPath: path) else {
        throw CorpusError.unreadable(path: path, reason: "not a folder")
    }
    do {
        return try FileManager.default.contentsOfDirectory(atPath: path)
            .filter { !$0.hasPrefix(".") }.sorted()
    } catch {
        throw CorpusError.unreadable(path: path, reason: foundationReason(error))
    }
}

/// Whether `path` is a folder, or a link to one.
func isFolder(_ path: String) -> Bool {
    var isDirectory = ObjCBool(false)
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        && isDirectory.boolValue
}
