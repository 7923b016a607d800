import Foundation

/// What features of many recordings are written to.
public enum FeatureTarget: Hashable, Sendable {
    /// A folder with a file for each recording, with an extension such as `npy`, and `index.jsonl`.
    case files(folder: String, pathExtension: String)
    /// A `.npz` archive.
    case numPyArchive(path: String)
    /// A Kaldi archive `.ark` with its script `.scp` beside it.
    case kaldiArchive(path: String)

    /// The archive's path, where there is one.
    var archivePath: String? {
        switch self {
        case .files: nil
        case .numPyArchive(let path), .kaldiArchive(let path): path
        }
    }

    /// Whether each recording has a file of its own.
    public var isFolder: Bool { archivePath == nil }

    /// The folder that everything lies in.
    public var folder: String {
        switch self {
        case .files(let folder, _): folder
        case .numPyArchive(let path), .kaldiArchive(let path):
            path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        }
    }

    /// The path of a file beside the features: `clips.ark` has `clips.ark.index.jsonl`, a folder has
    /// `index.jsonl`.
    private func companion(_ name: String) -> String {
        archivePath.map { "\($0).\(name)" } ?? "\(folder)/\(name)"
    }

    /// The index's path.
    public var indexPath: String { companion("index.jsonl") }

    /// The path of the front end's options, as JSON.
    public var frontEndPath: String { companion("front-end.json") }

    /// The path of a Kaldi archive's script: `clips.ark` has `clips.scp`.
    public var scriptPath: String {
        ((archivePath ?? folder) as NSString).deletingPathExtension + ".scp"
    }
}
