import ApusTensor

/// Which frames of a padded batch belong to a recording.
///
/// - Parameters:
///   - lengths: Each recording's frames.
///   - frameCount: T, the padded number of frames.
/// - Returns: (B, T, 1) with one at a recording's frames and zero beyond, or `nil` where no recording is padded.
public func frameMask(lengths: [Int], frameCount: Int) -> Tensor? {
    guard lengths.contains(where: { $0 < frameCount }) else { return nil }
    var values = [Float](repeating: 0, count: lengths.count * frameCount)
    for (row, length) in lengths.enumerated() {
        for t in 0..<min(length, frameCount) { values[row * frameCount + t] = 1 }
    }
    return Tensor(values, shape: [lengths.count, frameCount, 1])
}

/// Which frames of a padded batch attention must not see.
///
/// - Parameters:
///   - lengths: Each recording's frames.
///   - frameCount: T, the padded number of frames.
/// - Returns: (B, 1, 1, T), true beyond a recording's end, or `nil` where no recording is padded.
public func attentionPadding(lengths: [Int], frameCount: Int) -> Tensor? {
    frameMask(lengths: lengths, frameCount: frameCount)?
        .reshaped(lengths.count, 1, 1, frameCount).equals(Tensor(zeros: [1]))
}
