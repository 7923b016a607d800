import Foundation

/// A file in memory that takes the content of one input after another.
struct ScratchFile: Sendable {
    /// The one file of the process.
    static let shared = ScratchFile()

    /// The open file.
    let descriptor: Int32
    /// A path by which it is opened anew.
    var path: String { "/proc/self/fd/\(descriptor)" }

    private init() {
        let name = "/dev/shm/apus-fuzzing-\(getpid())"
        descriptor = open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
        check(descriptor >= 0, "no file in memory")
        unlink(name)
    }

    /// Replaces the content.
    func write(_ content: UnsafeBufferPointer<UInt8>) {
        check(ftruncate(descriptor, 0) == 0, "the file is not emptied")
        lseek(descriptor, 0, SEEK_SET)
        if let base = content.baseAddress, !content.isEmpty {
            let written = Foundation.write(descriptor, base, content.count)
            check(written == content.count, "the file is not written")
        }
        lseek(descriptor, 0, SEEK_SET)
    }
}

/// Ends the process where something does not hold, which the fuzzer takes for a crash.
func check(_ holds: Bool, _ message: @autoclosure () -> String) {
    if !holds { fatalError(message()) }
}
