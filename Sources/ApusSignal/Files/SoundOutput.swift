import CSndfile
import Foundation

/// A descriptor that libsndfile writes to through functions of ours.
///
/// Some of its encoders pass over a write that fails; here no failure is lost.
final class SoundOutput {
    private let descriptor: Int32
    /// The system's error number of the first write that failed, or 0.
    private(set) var failureCode: Int32 = 0

    /// Takes a descriptor.
    ///
    /// - Parameter descriptor: An open file; it stays open.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Opens the file in libsndfile, which keeps an unowned reference to this object.
    ///
    /// - Parameters:
    ///   - mode: `SFM_WRITE`.
    ///   - info: What to write.
    /// - Returns: The open file, or nil where libsndfile refuses.
    func open(mode: Int, info: inout SF_INFO) -> OpaquePointer? {
        var functions = SF_VIRTUAL_IO(
            get_filelen: { SoundOutput.of($0)?.length ?? -1 },
            seek: { offset, origin, context in
                sf_count_t(lseek(SoundOutput.of(context)?.descriptor ?? -1, off_t(offset), origin))
            },
            read: { bytes, count, context in
                sf_count_t(read(SoundOutput.of(context)?.descriptor ?? -1, bytes, Int(count)))
            },
            write: { bytes, count, context in
                SoundOutput.of(context)?.write(bytes, count: Int(count)) ?? 0
            },
            tell: { sf_count_t(lseek(SoundOutput.of($0)?.descriptor ?? -1, 0, SEEK_CUR)) })
        return sf_open_virtual(
            &functions, Int32(mode), &info, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> SoundOutput? {
        context.map { Unmanaged<SoundOutput>.fromOpaque($0).takeUnretainedValue() }
    }

    private var length: sf_count_t {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? sf_count_t(status.st_size) : -1
    }

    private func write(_ bytes: UnsafeRawPointer?, count: Int) -> sf_count_t {
        guard let bytes else { return 0 }
        var done = 0
        while done < count {
            let written = Foundation.write(descriptor, bytes + done, count - done)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                if failureCode == 0 { failureCode = written < 0 ? errno : ENOSPC }
                break
            }
            done += written
        }
        return sf_count_t(done)
    }
}
