import CSndfile
import Foundation

/// Bytes that libsndfile reads through functions of ours.
final class SoundInput {
    private let bytes: SoundBytes
    private var position = 0

    /// Takes bytes, at their start.
    ///
    /// - Parameter bytes: The bytes.
    init(_ bytes: SoundBytes) {
        self.bytes = bytes
    }

    /// Opens the bytes in libsndfile, which keeps an unowned reference to this object.
    ///
    /// - Parameters:
    ///   - mode: `SFM_READ`.
    ///   - info: In raw mode what to read; the header's content afterwards.
    /// - Returns: The open file, or nil where libsndfile refuses.
    func open(mode: Int, info: inout SF_INFO) -> OpaquePointer? {
        var functions = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(SoundInput.of($0)?.bytes.count ?? -1) },
            seek: { offset, origin, context in
                SoundInput.of(context)?.seek(offset, origin) ?? -1
            },
            read: { target, count, context in
                SoundInput.of(context)?.read(target, Int(count)) ?? 0
            },
            write: { _, _, _ in 0 },
            tell: { sf_count_t(SoundInput.of($0)?.position ?? -1) })
        return sf_open_virtual(
            &functions, Int32(mode), &info, Unmanaged.passUnretained(self).toOpaque())
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> SoundInput? {
        context.map { Unmanaged<SoundInput>.fromOpaque($0).takeUnretainedValue() }
    }

    private func seek(_ offset: sf_count_t, _ origin: Int32) -> sf_count_t {
        let base =
            switch origin {
            case SEEK_SET: 0
            case SEEK_CUR: position
            default: bytes.count
            }
        let (target, overflows) = base.addingReportingOverflow(Int(offset))
        guard !overflows, target >= 0 else { return -1 }
        position = target
        return sf_count_t(target)
    }

    private func read(_ target: UnsafeMutableRawPointer?, _ count: Int) -> sf_count_t {
        let got = bytes.read(
            into: UnsafeMutableRawBufferPointer(start: target, count: max(0, count)),
            from: position)
        position += got
        return sf_count_t(got)
    }
}
