import CSndfile
import Foundation

extension SoundFile {
    /// Where the bytes come from.
    enum ByteSource {
        /// A file, in which one can go back and forth.
        case file
        /// A pipe with a name, which is read once.
        case pipe
        /// A stretch of a file.
        case range
    }

    /// Looks at the file as bytes, so that each way of having none is told apart.
    ///
    /// - Parameter address: The file's path, or the address of a ``FileRange``.
    /// - Returns: Where the bytes come from.
    /// - Throws: ``SignalError`` where it is missing, a folder or a device, not permitted, or empty.
    @discardableResult
    static func checkBytes(_ address: String) throws -> ByteSource {
        let path = FileRange.filePath(of: address)
        var status = stat()
        guard stat(path, &status) == 0 else {
            let code = errno
            throw code == ENOENT || code == ENOTDIR
                ? SignalError.missingFile(path: path)
                : SignalError.unreadable(path: path, reason: String(cString: strerror(code)))
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw SignalError.unreadable(path: path, reason: "it is a folder")
        }
        guard access(path, R_OK) == 0 else {
            throw SignalError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        switch status.st_mode & S_IFMT {
        case S_IFIFO where path == address:
            return .pipe
        case S_IFREG:
            guard status.st_size > 0 else { throw SignalError.emptyFile(path: path) }
            return path == address ? .file : .range
        default:
            throw SignalError.unreadable(path: path, reason: "it is neither a file nor a pipe")
        }
    }

    /// Looks for what a header says and the file does not keep.
    ///
    /// - Parameters:
    ///   - handle: The open file.
    ///   - format: libsndfile's format number.
    ///   - origin: Where the bytes are.
    ///   - raw: What the samples are where there is no header.
    /// - Throws: ``SignalError`` for a rate of zero, for a file that is seen to be cut off, and for
    ///   one without samples.
    func checkHeader(
        _ handle: OpaquePointer, format: Int32, origin: Origin, raw: RawFormat?
    ) throws {
        guard sampleRate > 0 else {
            throw SignalError.unsupportedSampleRate(path: path, sampleRate: sampleRate)
        }
        let log = SoundFile.log(handle)
        if let bytes = SoundFile.missingBytes(in: log) {
            throw SignalError.truncated(
                path: path, expected: frameCount > 0 ? frameCount(after: bytes) : nil,
                found: frameCount)
        }
        if let promised = SoundFile.framesInDS64(in: log), promised > frameCount {
            throw SignalError.truncated(path: path, expected: promised, found: frameCount)
        }
        if SoundFile.isChecked(format: format) || raw != nil {
            let bytes =
                switch origin {
                case .path: try SoundBytes(path: path)
                case .spool(let spool): try SoundBytes(spool: spool, name: path)
                case .bytes(let bytes): bytes
                }
            try checkBytes(bytes, format: format, raw: raw)
        }
        guard frameCount > 0 else { throw SignalError.noSamples(path: path) }
    }

    /// Container and encoding in libsndfile's words.
    ///
    /// - Parameter format: libsndfile's format number.
    /// - Returns: Both names, or the number where libsndfile has no name for it.
    static func describe(format: Int32) -> String {
        let parts = [Int32(SF_FORMAT_TYPEMASK), Int32(SF_FORMAT_SUBMASK)].compactMap { mask in
            var info = SF_FORMAT_INFO()
            info.format = format & mask
            let size = Int32(MemoryLayout<SF_FORMAT_INFO>.size)
            guard sf_command(nil, Int32(SFC_GET_FORMAT_INFO), &info, size) == 0,
                let name = info.name
            else { return String?.none }
            return String(cString: name)
        }
        return parts.isEmpty ? "format \(format)" : parts.joined(separator: ", ")
    }

    /// Whether the container is Ogg.
    ///
    /// - Parameter format: libsndfile's format number.
    /// - Returns: True for Vorbis, Opus and FLAC in Ogg.
    static func isOgg(format: Int32) -> Bool {
        format & Int32(SF_FORMAT_TYPEMASK) == Int32(SF_FORMAT_OGG)
    }

    /// Whether a jump gives the samples that decoding from the start gives.
    ///
    /// libsndfile's jumps may land some hundred frames off in Ogg (its issue 885, seen in 1.2.2), and
    /// after a jump in MP3 the first frames lack the bits that earlier ones hold for them.
    ///
    /// - Parameter format: libsndfile's format number.
    /// - Returns: False for Ogg and MP3.
    static func jumpsExactly(format: Int32) -> Bool {
        !isOgg(format: format)
            && format & Int32(SF_FORMAT_TYPEMASK) != Int32(SF_FORMAT_MPEG)
    }

    /// Counts frames by reading to the end.
    ///
    /// - Parameters:
    ///   - handle: The open file; it is left at its end.
    ///   - block: Room for the frames of a block.
    ///   - framesPerBlock: How many those are.
    /// - Returns: The number of frames read.
    static func countFrames(
        _ handle: OpaquePointer, block: inout [Float], framesPerBlock: Int
    ) -> Int {
        var total = 0
        while case let got = Int(sf_readf_float(handle, &block, sf_count_t(framesPerBlock))),
            got > 0
        { total += got }
        return total
    }
}

/// Finds the first sample that is NaN, or beyond a limit in either direction.
///
/// - Parameters:
///   - samples: The samples to look at.
///   - limit: The largest magnitude that passes.
/// - Returns: How many samples are before it, or nil where all are within.
func firstIndex(in samples: [Float], beyond limit: Float) -> Int? {
    let isAnyBeyond = samples.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return false }
        let limits = SIMD8(repeating: limit)
        var within = SIMDMask<SIMD8<Int32>>(repeating: true)
        let whole = buffer.count - buffer.count % 8
        for index in stride(from: 0, to: whole, by: 8) {
            let values = load8(base + index)
            within .&= (values .<= limits) .& (values .>= -limits)
        }
        return within != SIMDMask(repeating: true)
            || buffer[whole...].contains { !($0.magnitude <= limit) }
    }
    return isAnyBeyond ? samples.firstIndex { !($0.magnitude <= limit) } : nil
}

/// Finds the first sample that is NaN or infinite.
///
/// - Parameter samples: The samples to look at.
/// - Returns: How many samples are before it, or nil where all are finite.
func firstNonFiniteIndex<Samples: RandomAccessCollection<Float>>(in samples: Samples) -> Int? {
    let isAnyBad = samples.withContiguousStorageIfAvailable { buffer in
        guard let base = buffer.baseAddress else { return false }
        // Zero times a number is zero; times what is none, it is none.
        var lanes = SIMD8<Float>()
        let whole = buffer.count - buffer.count % 8
        for index in stride(from: 0, to: whole, by: 8) { lanes += load8(base + index) * 0 }
        return lanes != SIMD8<Float>() || buffer[whole...].contains { !$0.isFinite }
    }
    guard isAnyBad ?? true, let index = samples.firstIndex(where: { !$0.isFinite }) else {
        return nil
    }
    return samples.distance(from: samples.startIndex, to: index)
}
