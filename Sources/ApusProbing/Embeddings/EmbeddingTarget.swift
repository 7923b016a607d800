import Foundation

/// What embeddings are written to, by the end of the path.
public struct EmbeddingTarget: Hashable, Sendable {
    /// A kind of file, or a folder.
    public enum Format: String, Sendable, CaseIterable {
        /// Rows in one array; the rows' names in `PATH.ids.txt`.
        case npy
        /// An array for each recording.
        case npz
        /// Rows in one tensor `embeddings`, the rows' names in the metadata `ids`; of frames a tensor
        /// for each recording.
        case safetensors
        /// A Kaldi archive with a vector or a matrix for each recording, and its script.
        case ark
        /// JSON Lines.
        case jsonl
        /// Comma-separated values with a header.
        case csv
        /// A folder with `NAME.embedding.npy` for each recording, as HEAR's evaluation reads it.
        case folder
    }

    /// The file's or the folder's path; of a Kaldi script that of its archive.
    public let path: String
    /// The kind.
    public let format: Format

    /// A target; nil for another ending.
    ///
    /// - Parameter path: A path with the ending of a format, `.scp`, or none for a folder.
    public init?(path: String) {
        let ending = (path as NSString).pathExtension
        if ending.isEmpty || path.hasSuffix("/") {
            format = .folder
            self.path = path.hasSuffix("/") && path.count > 1 ? String(path.dropLast()) : path
        } else if ending == "scp" {
            format = .ark
            self.path = (path as NSString).deletingPathExtension + ".ark"
        } else if let format = Format(rawValue: ending), format != .folder {
            (self.format, self.path) = (format, path)
        } else {
            return nil
        }
    }

    /// The folder that everything lies in.
    public var folder: String {
        if format == .folder { return path }
        return path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    }

    /// The path of what the embeddings are of: a line for each recording.
    public var indexPath: String {
        format == .folder ? path + "/index.jsonl" : path + ".index.jsonl"
    }
    /// The path of a Kaldi archive's script.
    var scriptPath: String { (path as NSString).deletingPathExtension + ".scp" }
    /// The path of the names of an array's rows.
    var namesPath: String { path + ".ids.txt" }
    /// The path of the rows of an unfinished run.
    var unfinishedPath: String { path + ".unfinished" }
    /// The path of what they are of.
    var unfinishedIndexPath: String { path + ".unfinished.jsonl" }
}
