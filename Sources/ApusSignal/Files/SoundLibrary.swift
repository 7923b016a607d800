import CSndfile
import Foundation

/// libsndfile's open calls, with the reasons of their failures.
enum SoundLibrary {
    /// libsndfile keeps the reason why a file did not open in one place for the whole process.
    private static let openLock = NSLock()

    /// Where the bytes are.
    enum Location {
        /// A file's path.
        case path(String)
        /// An open descriptor; it stays the caller's.
        case descriptor(Int32)
        /// What functions of ours read; it outlives the open file.
        case input(SoundInput)
        /// What functions of ours write; it outlives the open file.
        case output(SoundOutput)
    }

    /// Why a file did not open.
    struct Failure: Error {
        /// libsndfile's words.
        let reason: String
        /// Whether libsndfile does not know the content as audio.
        let isUnrecognized: Bool
    }

    /// Opens a file.
    ///
    /// What cannot be helped from here, seen in libsndfile 1.2.0 and its codecs: an Ogg Vorbis file
    /// that breaks off within its headers leaves 5.8 kB behind when it is refused, and libmpg123
    /// writes what it finds wrong in MP3 data to standard error.
    ///
    /// - Parameters:
    ///   - location: The file.
    ///   - mode: `SFM_READ` or `SFM_WRITE`.
    ///   - info: What to write, or in raw mode to read; the header's content afterwards.
    /// - Returns: The open file.
    /// - Throws: ``Failure`` with libsndfile's reason.
    static func open(
        _ location: Location, mode: Int, info: inout SF_INFO
    ) throws -> OpaquePointer {
        try openLock.withLock {
            let handle =
                switch location {
                case .path(let path): sf_open(path, Int32(mode), &info)
                case .descriptor(let descriptor):
                    sf_open_fd(descriptor, Int32(mode), &info, Int32(SF_FALSE))
                case .input(let input): input.open(mode: mode, info: &info)
                case .output(let output): output.open(mode: mode, info: &info)
                }
            guard let handle else {
                throw Failure(
                    reason: trimmed(String(cString: sf_strerror(nil))),
                    isUnrecognized: sf_error(nil) == Int32(SF_ERR_UNRECOGNISED_FORMAT))
            }
            return handle
        }
    }

    /// libsndfile's words for what last went wrong with a file.
    ///
    /// - Parameter handle: The open file.
    /// - Returns: The reason.
    static func reason(_ handle: OpaquePointer) -> String {
        trimmed(String(cString: sf_strerror(handle)))
    }

    /// Text without white space and full stops at its ends.
    ///
    /// - Parameter text: The text.
    /// - Returns: What is between the ends.
    static func trimmed(_ text: String) -> String {
        text.trimmingCharacters(in: .whitespacesAndNewlines.union(CharacterSet(charactersIn: ".")))
    }
}
