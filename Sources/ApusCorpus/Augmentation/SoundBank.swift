import ApusSignal

/// The sounds of a manifest that others are augmented with, at one rate, kept in memory as far as it
/// goes.
///
/// A long sound is read in stretches, so that an hour of noise costs no more memory than half a
/// minute. It can be used from any thread.
final class SoundBank: Sendable {
    /// The longest stretch (s).
    static let longestStretch = 30.0

    /// The stretches of each sound.
    private let sounds: [[Cut]]
    /// Where the sounds come from, for errors.
    private let origin: String
    private let sampleRate: Int
    private let cache: BoundedCache<[Int], Waveform>

    /// Opens each file for its length.
    ///
    /// - Parameters:
    ///   - path: The manifest.
    ///   - kind: What the sounds are, for errors.
    ///   - sampleRate: The rate that they are wanted at (Hz).
    ///   - cacheByteLimit: The number of bytes of samples to keep.
    ///   - isResponse: Whether a sound is of no use in stretches, and the mean of its channels of no
    ///     use either: the first is taken where none is named.
    /// - Throws: `CorpusError` naming the first sound that can't be opened, is outside its file, or
    ///   is whole and too long; as `Manifest` does; `.nothingFound` for a manifest of no sounds.
    init(
        manifest path: String, kind: String, sampleRate: Int, cacheByteLimit: Int, isResponse: Bool
    ) throws {
        let cuts = try Manifest(contentsOf: path).cuts
        if cuts.isEmpty { throw CorpusError.nothingFound(path: path, expected: kind) }
        let origin = "a \(kind) of \(path)"
        sounds = try concurrentMap(cuts, workers: 4) { cut in
            var cut = cut
            if isResponse { cut.channel = cut.channel ?? 0 }
            let listed = cut
            return Result { try Self.stretches(of: listed, isWhole: isResponse) }
                .mapError { badRecording(listed, $0, origin: origin) }
        }.map { try $0.get() }
        self.origin = origin
        self.sampleRate = sampleRate
        cache = BoundedCache(byteLimit: cacheByteLimit) {
            $0.samples.count * MemoryLayout<Float>.stride
        }
    }

    /// The number of sounds.
    var count: Int { sounds.count }

    /// The number of stretches of a sound.
    func stretchCount(ofSound sound: Int) -> Int { sounds[sound].count }

    /// The samples of a stretch.
    ///
    /// - Throws: `CorpusError.badRecording` naming the sound where it can't be read.
    func waveform(ofSound sound: Int, stretch: Int) throws(CorpusError) -> Waveform {
        let cut = sounds[sound][stretch]
        return try cache.value(for: [sound, stretch]) { () throws(CorpusError) in
            do {
                let waveform = try cut.waveform(sampleRate: sampleRate)
                guard !waveform.samples.isEmpty else {
                    throw SignalError.noSamples(path: cut.audioPath)
                }
                return waveform
            } catch {
                throw badRecording(cut, error, origin: origin)
            }
        }
    }

    private static func stretches(of cut: Cut, isWhole: Bool) throws -> [Cut] {
        let file = try SoundFile(path: cut.audioPath)
        let rest = file.duration - cut.offset
        let seconds = min(rest, cut.duration ?? rest)
        guard cut.offset >= 0, seconds > 0 else {
            throw SignalError.segmentOutside(
                path: cut.audioPath,
                start: Waveform.sampleCount(seconds: cut.offset, sampleRate: file.sampleRate),
                count: Waveform.sampleCount(seconds: seconds, sampleRate: file.sampleRate),
                frameCount: file.frameCount)
        }
        if seconds <= longestStretch { return [cut] }
        if isWhole { throw TooLong(seconds: seconds) }
        let count = Int((seconds / longestStretch).rounded(.up))
        return (0..<count).map { index in
            var stretch = cut
            stretch.duration = seconds / Double(count)
            stretch.offset = cut.offset + Double(index) * seconds / Double(count)
            return stretch
        }
    }

    private struct TooLong: Error, CustomStringConvertible {
        var seconds: Double
        var description: String {
            "expected at most \(SoundBank.longestStretch) s, found \(seconds) s"
        }
    }
}
