import Foundation

/// How evenly a batch uses the codes of a codebook: whether the codes have collapsed.
public struct CodeUsage: Hashable, Sendable {
    /// The entropy of the codes' shares (nats): log K where all K are used alike, 0 where one is used.
    public let entropy: Double
    /// exp of the entropy: K where all K are used alike, 1 where one is used.
    public let perplexity: Double
    /// Codes that no frame of the batch has.
    public let deadCount: Int
    /// The share of the commonest code.
    public let largestShare: Double

    /// The usage in a batch.
    ///
    /// - Parameters:
    ///   - codes: The code of each frame.
    ///   - codeCount: K; codes are in 0..<K.
    public init(_ codes: [Int], codeCount: Int) {
        var counts = [Int](repeating: 0, count: codeCount)
        for code in codes { counts[code] += 1 }
        entropy = counts.reduce(0.0) { sum, count in
            guard count > 0 else { return sum }
            let share = Double(count) / Double(codes.count)
            return sum - share * log(share)
        }
        perplexity = exp(entropy)
        deadCount = counts.count { $0 == 0 }
        largestShare = Double(counts.max() ?? 0) / Double(max(1, codes.count))
    }
}
