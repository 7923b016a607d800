import Foundation

/// For each file whose bytes are those of an earlier one in the list, that earlier file.
///
/// Only files of one size are read. Their 64-bit hashes are compared first and then their bytes, so
/// that the answer is exact. The same path given twice is not a duplicate of itself.
///
/// - Parameters:
///   - paths: The files; one that can't be read is no duplicate.
///   - workers: How many files are read at a time.
/// - Returns: The path of the first such file, by the path of each later one.
public func originalFiles(of paths: [String], workers: Int) -> [String: String] {
    var seen: Set<String> = []
    let distinct = paths.filter { seen.insert($0).inserted }
    let sizes = concurrentMap(distinct, workers: workers, fileSize)
    let ofOneSize = Dictionary(grouping: zip(distinct, sizes), by: \.1)
    let candidates = Set(ofOneSize.values.filter { $0.count > 1 }.flatMap { $0.map(\.0) })
    let toHash = distinct.filter(candidates.contains)
    let hashes = concurrentMap(toHash, workers: workers) { path in
        fileContents(path).map { Content(size: $0.count, hash: fnv1a($0)) }
    }

    var originals: [String: String] = [:]
    var firsts: [Content: [String]] = [:]
    for (path, content) in zip(toHash, hashes) {
        guard let content else { continue }
        let earlier = firsts[content, default: []]
        let contents = earlier.isEmpty ? nil : fileContents(path)
        if let original = earlier.first(where: { fileContents($0) == contents }) {
            originals[path] = original
        } else {
            firsts[content, default: []].append(path)
        }
    }
    return originals
}

private struct Content: Hashable {
    var size: Int
    var hash: UInt64
}

private func fileContents(_ path: String) -> Data? {
    try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
}

private func fileSize(_ path: String) -> Int? {
    try? URL(fileURLWithPath: path).resolvingSymlinksInPath()
        .resourceValues(forKeys: [.fileSizeKey]).fileSize
}
