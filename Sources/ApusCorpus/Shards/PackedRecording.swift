import ApusSignal
import Foundation

/// A recording as it goes into a shard: the bytes of an audio file, and the manifest's line.
struct PackedRecording: Sendable {
    /// The manifest's line, whose path is the name of the audio file in the shard.
    var cut: Cut
    /// The name that both members share.
    var key: String
    var audio: [UInt8]
    var json: [UInt8]
    /// The SHA-256 of the audio.
    var hash: String

    /// The bytes that the recording takes in a shard.
    var byteCount: Int {
        Self.padded(audio.count) + Self.padded(json.count) + 2 * TarHeader.blockSize
    }

    static func padded(_ count: Int) -> Int {
        (count + TarHeader.blockSize - 1) / TarHeader.blockSize * TarHeader.blockSize
    }

    /// What a cut may leave out at the end of its file and still be the whole of it (s).
    private static let negligible = 0.01

    /// Reads a recording.
    ///
    /// The whole of a file stays as it is unless it is to be encoded; a part of one, or one of several
    /// channels, is decoded and encoded: in FLAC, where nothing else is asked for.
    ///
    /// - Throws: `SignalError` where it can't be read or encoded, `CorpusError` where it doesn't fit a shard.
    init(of cut: Cut, _ options: ShardOptions) throws {
        let file = try SoundFile(path: cut.audioPath)
        let (start, count) = try file.segment(offset: cut.offset, duration: cut.duration)
        let frames = try file.frames(from: start, count: count)
        let rest = file.frameCount - frames.upperBound
        let isWhole =
            frames.lowerBound == 0 && Double(rest) < Self.negligible * Double(file.sampleRate)
            && (cut.channel == nil || file.channelCount == 1 && cut.channel == 0)
        let isEncodedAlready =
            switch options.audio {
            case .untouched: true
            case .flac: file.isFLAC
            case .opus: file.isOpus
            }
        var packed = cut
        (packed.offset, packed.channel) = (0, nil)
        let pathExtension: String
        if isWhole, isEncodedAlready {
            let given = (FileRange.filePath(of: cut.audioPath) as NSString).pathExtension
                .lowercased()
            guard let found = audioFileExtensions.contains(given) ? given : file.usualExtension
            else {
                throw SignalError.notAudio(
                    path: cut.audioPath,
                    reason: "\(file.formatDescription) has no name that tells what it is")
            }
            pathExtension = found
            if options.decodes { try Self.decode(file) }
            audio = try fileBytes(of: cut.audioPath)
            packed.duration = file.duration
        } else {
            var channels = try Self.channels(of: file, frames, cut.channel)
            let format: AudioFormat =
                options.audio == .opus ? .oggOpus : file.losslessFormat
            if format == .oggOpus {
                let rate = Self.opusRate(for: file.sampleRate)
                if rate != file.sampleRate {
                    channels = try channels.map { try $0.resampled(to: rate) }
                }
            }
            pathExtension = format.fileExtension
            audio = try channels.encoded(as: format, name: cut.audioPath)
            packed.duration = Double(frames.count) / Double(file.sampleRate)
        }
        guard audio.count <= TarHeader.largestByteCount else {
            throw CorpusError.badRecording(
                id: cut.id, path: cut.audioPath,
                reason: "\(audio.count) bytes, expected at most \(TarHeader.largestByteCount)")
        }
        key = shardKey(of: cut.id)
        packed.audioPath = "\(key).\(pathExtension)"
        self.cut = packed
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        json = [UInt8](try encoder.encode(packed)) + [0x0A]
        var hash = SHA256()
        audio.withUnsafeBytes { hash.update($0) }
        self.hash = hash.finalize()
    }

    private static func channels(
        of file: SoundFile, _ frames: Range<Int>, _ channel: Int?
    ) throws -> [Waveform] {
        guard let channel else {
            return try file.readAllChannels(from: frames.lowerBound, count: frames.count)
        }
        return [
            try file.read(
                from: frames.lowerBound, count: frames.count, channels: .channel(channel))
        ]
    }

    private static func decode(_ file: SoundFile) throws {
        let reader = try SampleReader(file)
        while try reader.next() != nil {}
    }

    /// The lowest rate that Opus takes and that keeps the band; 48 kHz is its highest.
    private static func opusRate(for rate: Int) -> Int {
        [8000, 12000, 16000, 24000].first { $0 >= rate } ?? 48000
    }
}

/// The bytes of a file, or of a stretch of one.
private func fileBytes(of address: String) throws -> [UInt8] {
    let range = FileRange(address)
    let blocks = try FileBlocks(path: range?.path ?? address)
    let wanted = range.map { $0.offset..<($0.offset + $0.count) } ?? 0..<blocks.byteCount
    let bytes = try blocks.read(wanted)
    guard bytes.count == wanted.count else {
        throw SignalError.unreadable(path: address, reason: "it was changed while it was read")
    }
    return bytes
}

/// The name that a recording has in a shard: its id, in which whatever is neither a Latin letter nor a digit,
/// `-` or `_` becomes `_`.
///
/// A full stop would end the name for WebDataset, and a slash would make folders. Where anything becomes
/// another, or the id is longer than 80 bytes, `-` and 16 hexadecimal digits of a hash of the id follow, so
/// that names differ where ids do.
func shardKey(of id: String) -> String {
    let safe = id.utf8.map { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            byte
        default: UInt8(ascii: "_")
        }
    }
    if safe.elementsEqual(id.utf8), safe.count <= 80 { return id }
    let digits = String(fnv1a(id.utf8), radix: 16)
    return String(decoding: safe.prefix(63), as: UTF8.self) + "-"
        + String(repeating: "0", count: 16 - digits.count) + digits
}
