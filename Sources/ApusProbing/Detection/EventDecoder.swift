import ApusMetrics

/// How probabilities of frames become events.
public struct EventDecoder: Codable, Hashable, Sendable {
    /// Of each label, the least probability of a frame where it is heard.
    public var thresholds: [Double]
    /// The length of the median filter over frames' decisions, odd.
    public var medianFrames: Int

    /// A decoder.
    ///
    /// - Parameters:
    ///   - thresholds: Of each label the least probability.
    ///   - medianFrames: The length of the median filter, odd.
    public init(thresholds: [Double], medianFrames: Int) {
        precondition(medianFrames > 0 && medianFrames % 2 == 1, "a median of an odd number")
        self.thresholds = thresholds
        self.medianFrames = medianFrames
    }

    /// An event with what speaks for it.
    public struct Detection: Codable, Hashable, Sendable {
        /// What is heard and when.
        public var event: SoundEvent
        /// The mean probability of its frames.
        public var score: Double
    }

    /// Finds events.
    ///
    /// A frame's decision becomes that of most frames around it; frames beyond the ends are silent. An
    /// event is a run of frames, from the beginning of the first to that of the one after the last.
    ///
    /// - Parameters:
    ///   - probabilities: T x labels.
    ///   - labels: The labels.
    ///   - frameSeconds: The time from one frame to the next.
    ///   - duration: The length of the recording, in seconds, which no event exceeds.
    /// - Returns: The events, by onset.
    public func callAsFunction(
        _ probabilities: [Float], labels: [String], frameSeconds: Double, duration: Double
    ) -> [Detection] {
        precondition(labels.count == thresholds.count, "a threshold for each label")
        let frameCount = probabilities.count / labels.count
        var found: [Detection] = []
        for (label, name) in labels.enumerated() {
            let values = (0..<frameCount).map { Double(probabilities[$0 * labels.count + label]) }
            let active = filtered(values.map { $0 >= thresholds[label] })
            var start: Int?
            for frame in 0...frameCount {
                let isActive = frame < frameCount && active[frame]
                if isActive, start == nil { start = frame }
                guard !isActive, let first = start else { continue }
                start = nil
                let onset = Double(first) * frameSeconds
                let offset = min(duration, Double(frame) * frameSeconds)
                guard offset > onset else { continue }
                found.append(
                    Detection(
                        event: SoundEvent(label: name, onset: onset, offset: offset),
                        score: values[first..<frame].reduce(0, +) / Double(frame - first)))
            }
        }
        return found.sorted { ($0.event.onset, $0.event.label) < ($1.event.onset, $1.event.label) }
    }

    private func filtered(_ active: [Bool]) -> [Bool] {
        let half = medianFrames / 2
        var count = active.prefix(half).count(where: \.self)
        return active.indices.map { frame in
            if frame + half < active.count, active[frame + half] { count += 1 }
            if frame - half > 0, active[frame - half - 1] { count -= 1 }
            return count > half
        }
    }
}
