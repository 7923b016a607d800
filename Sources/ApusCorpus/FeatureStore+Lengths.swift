import ApusSignal

/// How long a recording is, in frames of features.
public struct RecordingLength: Hashable, Sendable {
    /// The number of frames T of the recording as it is.
    public var frameCount: Int
    /// The number of frames that it has at least, under every speed that training perturbs it to:
    /// crops that are planned for so many exist in every epoch.
    public var plannedFrameCount: Int

    /// Makes a length.
    ///
    /// - Parameters:
    ///   - frameCount: The number of frames of the recording as it is.
    ///   - plannedFrameCount: The number of frames that it has at least.
    public init(frameCount: Int, plannedFrameCount: Int) {
        self.frameCount = frameCount
        self.plannedFrameCount = plannedFrameCount
    }
}

extension FeatureStore {
    /// The length of each cut, from the files' headers alone.
    ///
    /// A file that ends before its header says is found only when its features are made.
    ///
    /// - Parameters:
    ///   - cuts: The cuts.
    ///   - workers: How many files are opened at a time.
    /// - Returns: The length or the problem of each cut, in the order of the cuts.
    public func lengths(
        of cuts: [Cut], workers: Int = 2
    ) -> [Result<RecordingLength, CorpusError>] {
        concurrentMap(cuts, workers: workers) { cut in
            do {
                let sampleCount = try self.sampleCount(of: cut)
                return .success(
                    RecordingLength(
                        frameCount: self.frontEnd.frameCount(sampleCount: sampleCount),
                        plannedFrameCount: self.plannedFrameCount(sampleCount: sampleCount)))
            } catch {
                return .failure(badRecording(cut, error))
            }
        }
    }

    /// The number of frames that the features of each cut have, from the files' headers alone.
    ///
    /// - Parameters:
    ///   - cuts: The cuts.
    ///   - workers: How many files are opened at a time.
    /// - Returns: The number of frames or the problem of each cut, in the order of the cuts.
    public func frameCounts(of cuts: [Cut], workers: Int = 2) -> [Result<Int, CorpusError>] {
        lengths(of: cuts, workers: workers).map { $0.map(\.frameCount) }
    }

    /// The length of a cut of so many seconds, without a look at its file.
    ///
    /// A frame less than that: a manifest's durations may be rounded.
    ///
    /// - Parameter seconds: The duration (s).
    /// - Returns: The length.
    package func length(ofSeconds seconds: Double) -> RecordingLength {
        let sampleCount = Waveform.sampleCount(
            seconds: seconds, sampleRate: frontEnd.sampleRate)
        return RecordingLength(
            frameCount: max(0, frontEnd.frameCount(sampleCount: sampleCount) - 1),
            plannedFrameCount: max(0, plannedFrameCount(sampleCount: sampleCount) - 1))
    }

    /// The number of samples of a cut at the front end's rate.
    private func sampleCount(of cut: Cut) throws -> Int {
        let file = try SoundFile(path: cut.audioPath)
        let start = Waveform.sampleCount(seconds: cut.offset, sampleRate: file.sampleRate)
        var count = max(0, file.frameCount - start)
        if let duration = cut.duration {
            let wanted = Waveform.sampleCount(seconds: duration, sampleRate: file.sampleRate)
            count = min(count, wanted)
        }
        return StreamingResampler.outputCount(
            of: count, from: file.sampleRate, to: frontEnd.sampleRate)
    }
}
