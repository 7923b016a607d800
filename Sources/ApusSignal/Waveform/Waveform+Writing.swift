import Foundation

extension Waveform {
    /// Writes the waveform as an audio file of one channel.
    ///
    /// Whole-number formats take the nearest value, and the loudest one for samples beyond full
    /// scale. The file appears under its name only when it is complete.
    ///
    /// - Parameters:
    ///   - path: The file's path; its folder must exist.
    ///   - format: The kind of file.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)`` where there are no samples, where the
    ///   encoder is not in this libsndfile or does not take the rate, and where the disk is full;
    ///   ``SignalError/nonFinite(path:index:)`` for a sample that is no number.
    public func write(to path: String, format: AudioFormat = .wav16) throws {
        try [self].write(to: path, format: format)
    }
}

extension [Waveform] {
    /// Writes waveforms as the channels of one audio file.
    ///
    /// Whole-number formats take the nearest value, and the loudest one for samples beyond full
    /// scale. The file appears under its name only when it is complete.
    ///
    /// - Parameters:
    ///   - path: The file's path; its folder must exist.
    ///   - format: The kind of file.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)`` where there are no samples, where the
    ///   encoder is not in this libsndfile or does not take the rate or the number of channels, and
    ///   where the disk is full; ``SignalError/nonFinite(path:index:)`` for a sample that is no
    ///   number.
    /// - Precondition: All waveforms have the same rate and length.
    public func write(to path: String, format: AudioFormat = .wav16) throws {
        try writeAtomically(to: path) { descriptor in
            try write(to: descriptor, format: format, path: path)
        }
    }

    /// The bytes of an audio file with the waveforms as its channels: the same ones each time.
    ///
    /// - Parameters:
    ///   - format: The kind of file.
    ///   - name: What errors call it.
    /// - Returns: The bytes. Ogg has the serial number 1 in place of a random one.
    /// - Throws: ``SignalError`` as ``write(to:format:)`` does; the temporary folder takes the file first.
    /// - Precondition: All waveforms have the same rate and length.
    package func encoded(as format: AudioFormat, name: String) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.path
        let path = "\(folder)/apus-\(UUID().uuidString)"
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SignalError.cannotWrite(path: folder, reason: String(cString: strerror(errno)))
        }
        unlink(path)
        defer { close(descriptor) }
        try write(to: descriptor, format: format, path: name)
        lseek(descriptor, 0, SEEK_SET)
        let bytes = [UInt8](
            try FileHandle(fileDescriptor: descriptor, closeOnDealloc: false).readToEnd() ?? Data())
        return SoundFile.isOgg(format: format.libraryFormat)
            ? OggStream.withSerialNumber(1, bytes) : bytes
    }

    private func write(to descriptor: Int32, format: AudioFormat, path: String) throws {
        let frameCount = first?.samples.count ?? 0
        guard let sampleRate = first?.sampleRate, frameCount > 0 else {
            throw SignalError.cannotWrite(path: path, reason: "there are no samples")
        }
        for waveform in self {
            precondition(
                waveform.sampleRate == sampleRate && waveform.samples.count == frameCount,
                "the channels of a file have one rate and one length")
            if let index = firstNonFiniteIndex(in: waveform.samples) {
                throw SignalError.nonFinite(path: path, index: index)
            }
        }
        let encoder = try AudioEncoder(
            descriptor: descriptor, path: path, format: format, sampleRate: sampleRate,
            channelCount: count)
        try encoder.write(self)
        try encoder.finish()
    }
}
