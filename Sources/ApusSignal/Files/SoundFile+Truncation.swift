import CSndfile

/// Signs that a file was cut off, which libsndfile passes over.
extension SoundFile {
    /// What libsndfile wrote down while it read the header.
    ///
    /// - Parameter handle: The open file.
    /// - Returns: The log's lines.
    static func log(_ handle: OpaquePointer) -> [Substring] {
        var buffer = [CChar](repeating: 0, count: 16384)
        let length = Int(sf_command(handle, Int32(SFC_GET_LOG_INFO), &buffer, Int32(buffer.count)))
        let bytes = buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    /// The names, in libsndfile's log, of what holds the samples in WAV, AIFF, AU and W64 files.
    private static let sampleChunks = ["data", "SSND", "Data Size", "riff"]

    /// Sizes that encoders write into a pipe, where they cannot know better: the largest of 31 bits
    /// or 32, or a little less.
    private static let unknownSizes = [0x7FFF_0000...0x8000_0000, 0xFFFF_0000...0xFFFF_FFFF]

    /// The bytes of samples that a header promises and the file lacks.
    ///
    /// libsndfile trims the length of a cut WAV, AIFF or AU file in silence, and says so only in its
    /// log: "data : 32000 (should be 16000)".
    ///
    /// - Parameter log: The log's lines.
    /// - Returns: Bytes declared and found, or nil where none are missing.
    static func missingBytes(in log: [Substring]) -> (declared: Int, found: Int)? {
        for line in log {
            let words = line.split(separator: ":", maxSplits: 1)
            let name = words.first.map { SoundLibrary.trimmed(String($0)) }
            guard words.count == 2, let name, sampleChunks.contains(name) else { continue }
            let numbers = words[1].split { !$0.isNumber }.compactMap { Int($0) }
            guard words[1].contains("should be"), numbers.count == 2 else { continue }
            let (declared, found) = (numbers[0], numbers[1])
            if declared > found, !unknownSizes.contains(where: { $0.contains(declared) }) {
                return (declared, found)
            }
        }
        return nil
    }

    /// The number of frames that an RF64 file's size chunk promises, where there are others.
    ///
    /// - Parameter log: The log's lines; "Calculated frame count 9 does not match value from 'ds64'
    ///   chunk of 10" is the one.
    /// - Returns: The number, or nil.
    static func framesInDS64(in log: [Substring]) -> Int? {
        guard let line = log.first(where: { $0.contains("does not match value from 'ds64'") }),
            let number = line.split(whereSeparator: { !$0.isNumber }).last
        else { return nil }
        return Int(number)
    }

    /// The number of frames there would be with all bytes.
    ///
    /// - Parameter bytes: Bytes declared and found.
    /// - Returns: The number, near enough for codecs of less than a byte a frame.
    func frameCount(after bytes: (declared: Int, found: Int)) -> Int {
        if bytes.found >= frameCount {
            let bytesPerFrame = bytes.found / frameCount
            return frameCount + (bytes.declared - bytes.found - 1) / bytesPerFrame + 1
        }
        let frames = Double(frameCount) * Double(bytes.declared) / Double(max(1, bytes.found))
        return Int(exactly: frames.rounded()) ?? Int.max
    }

    /// Whether the bytes themselves say more of their end than libsndfile does.
    ///
    /// - Parameter format: libsndfile's format number.
    /// - Returns: True for Ogg and SPHERE.
    static func isChecked(format: Int32) -> Bool {
        isOgg(format: format) || isSPHERE(format: format)
    }

    private static func isSPHERE(format: Int32) -> Bool {
        format & Int32(SF_FORMAT_TYPEMASK) == Int32(SF_FORMAT_NIST)
    }

    /// Looks for the end of headerless, Ogg and SPHERE files.
    ///
    /// - Parameters:
    ///   - bytes: The file's bytes.
    ///   - format: libsndfile's format number.
    ///   - raw: What the samples are where there is no header.
    /// - Throws: ``SignalError/truncated(path:expected:found:)``.
    func checkBytes(_ bytes: SoundBytes, format: Int32, raw: RawFormat?) throws {
        if let raw {
            if bytes.count % raw.bytesPerFrame == 0 { return }
            throw SignalError.truncated(path: path, expected: frameCount + 1, found: frameCount)
        }
        if SoundFile.isOgg(format: format), !OggStream.isComplete(bytes) {
            throw SignalError.truncated(path: path, expected: nil, found: frameCount)
        }
        if SoundFile.isSPHERE(format: format),
            let count = SoundFile.sampleCount(inSPHERE: bytes), count > frameCount,
            // Some writers count the samples of all channels together.
            count != frameCount * channelCount
        {
            throw SignalError.truncated(path: path, expected: count, found: frameCount)
        }
    }

    /// The number of frames that a SPHERE header promises: its line "sample_count -i 64000".
    private static func sampleCount(inSPHERE bytes: SoundBytes) -> Int? {
        for line in String(decoding: bytes.head(1024), as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.first == "end_head" { return nil }
            if words.count == 3, words[0] == "sample_count" { return Int(words[2]) }
        }
        return nil
    }
}
