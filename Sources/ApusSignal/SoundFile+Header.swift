import CSndfile
import Foundation

extension SoundFile {
    /// Where the bytes come from.
    enum ByteSource {
        /// A file, in which one can go back and forth.
        case file
        /// A pipe with a name, which is read once.
        case pipe
    }

    /// Looks at the file as bytes, so that each way of having none is told apart.
    ///
    /// - Parameter path: The file's path.
    /// - Returns: Where the bytes come from.
    /// - Throws: ``SignalError`` where it is missing, a folder or a device, not permitted, or empty.
    @discardableResult
    static func checkBytes(_ path: String) throws -> ByteSource {
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
        case S_IFIFO:
            return .pipe
        case S_IFREG:
            guard status.st_size > 0 else { throw SignalError.emptyFile(path: path) }
            return .file
        default:
            throw SignalError.unreadable(path: path, reason: "it is neither a file nor a pipe")
        }
    }

    /// Looks for what a header says and the file does not keep.
    ///
    /// - Parameters:
    ///   - handle: The open file.
    ///   - format: libsndfile's format number.
    ///   - spool: Where the bytes are, if not at the path.
    ///   - raw: What the samples are where there is no header.
    /// - Throws: ``SignalError`` for a rate of zero, for a file that is seen to be cut off, and for
    ///   one without samples.
    func checkHeader(
        _ handle: OpaquePointer, format: Int32, spool: SoundSpool?, raw: RawFormat?
    ) throws {
        guard sampleRate > 0 else {
            throw SignalError.unsupportedSampleRate(path: path, sampleRate: sampleRate)
        }
        if let bytes = SoundFile.missingBytes(handle) {
            let bytesPerFrame = max(1, bytes.found / max(1, frameCount))
            let missing = (bytes.declared - bytes.found) / bytesPerFrame
            throw SignalError.truncated(
                path: path, expected: frameCount > 0 ? frameCount + missing : nil,
                found: frameCount)
        }
        if SoundFile.isOgg(format: format) || raw != nil {
            let bytes = try SoundBytes(path: path, spool: spool)
            if let raw, bytes.count % raw.bytesPerFrame != 0 {
                throw SignalError.truncated(
                    path: path, expected: frameCount + 1, found: frameCount)
            }
            if raw == nil, !OggStream.isComplete(bytes) {
                throw SignalError.truncated(path: path, expected: nil, found: frameCount)
            }
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

    /// The names, in libsndfile's log, of what holds the samples in WAV, AIFF, AU and W64 files.
    private static let sampleChunks = ["data", "SSND", "Data Size", "riff"]

    /// The bytes of samples that a header promises and the file lacks.
    ///
    /// libsndfile trims the length of a cut WAV, AIFF or AU file in silence, and says so only in its
    /// log: "data : 32000 (should be 16000)".
    ///
    /// - Parameter handle: The open file.
    /// - Returns: Bytes declared and found, or nil where none are missing. Sizes that encoders
    ///   write into a pipe, where they cannot know better, count as not declared.
    static func missingBytes(_ handle: OpaquePointer) -> (declared: Int, found: Int)? {
        var buffer = [CChar](repeating: 0, count: 16384)
        let length = Int(sf_command(handle, Int32(SFC_GET_LOG_INFO), &buffer, Int32(buffer.count)))
        let log = String(
            decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for line in log.split(separator: "\n") {
            let words = line.split(separator: ":", maxSplits: 1)
            let name = words.first.map { SoundLibrary.trimmed(String($0)) }
            guard words.count == 2, let name, sampleChunks.contains(name) else { continue }
            let numbers = words[1].split { !$0.isNumber }.compactMap { Int($0) }
            guard words[1].contains("should be"), numbers.count == 2 else { continue }
            let (declared, found) = (numbers[0], numbers[1])
            if declared > found, declared < 0x7FFF_0000 { return (declared, found) }
        }
        return nil
    }
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
