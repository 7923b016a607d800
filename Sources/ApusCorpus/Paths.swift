import Foundation

/// `path`, where it is relative from `folder`, without `.` and `..` parts.
package func resolvedPath(_ path: String, in folder: String) -> String {
    let whole = path.hasPrefix("/") ? path : folder + "/" + path
    return URL(fileURLWithPath: whole).standardized.path
}

/// `path` relative to `folder` where it lies inside it, else as an absolute path.
package func relativePath(of path: String, in folder: String) -> String {
    let whole = absolutePath(path)
    let prefix = absolutePath(folder) + "/"
    return whole.hasPrefix(prefix) ? String(whole.dropFirst(prefix.count)) : whole
}

/// `path` from the root, without `.` and `..` parts.
func absolutePath(_ path: String) -> String {
    resolvedPath(path, in: FileManager.default.currentDirectoryPath)
}

/// A short reason from an error of Foundation's file functions, or the description of ours.
func foundationReason(_ error: any Error) -> String {
    switch (error as? CocoaError)?.code {
    case .fileReadNoSuchFile, .fileNoSuchFile: return "no such file or folder"
    case .fileReadNoPermission, .fileWriteNoPermission: return "permission denied"
    default:
        // Foundation's own text is a number; the system's error lies beneath it.
        if let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error,
            (cause as NSError).domain == NSPOSIXErrorDomain
        {
            return String(cString: strerror(Int32((cause as NSError).code)))
        }
        return "\(error)"
    }
}

/// What a list of recordings calls one: a name without an audio file's extension and without `/` and
/// `./` at its start.
func recordingName(_ name: String) -> String {
    var name = Substring(name)
    if let dot = name.lastIndex(of: "."),
        audioFileExtensions.contains(name[name.index(after: dot)...].lowercased())
    {
        name = name[..<dot]
    }
    if name.hasPrefix("./") { name = name.dropFirst(2) }
    return String(name.drop { $0 == "/" })
}
