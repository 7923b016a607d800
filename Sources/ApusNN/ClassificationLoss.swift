import ApusTensor
import Foundation

/// The last layer of a classifier with its loss: softmax, or cosines with a margin.
///
/// With θ_j the angle between a vector x and the class's weight w_j, the loss is the cross-entropy of
/// - `softmax`: w_j·x + b_j;
/// - `amSoftmax`: s cos θ_j, for the right class s (cos θ_y - m);
/// - `aamSoftmax`: s cos θ_j, for the right class s cos(θ_y + m), and where θ_y + m > π, where this
///   would rise again, s (cos θ_y - m sin m) as ArcFace's, WeSpeaker's and SpeechBrain's codes have it.
///
/// ## References
/// Wang et al. 2018, Additive Margin Softmax for Face Verification; Deng et al. 2019, ArcFace: Additive
/// Angular Margin Loss for Deep Face Recognition.
public final class ClassificationLoss: Module {
    /// Which loss.
    public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        /// Cross-entropy of affine logits.
        case softmax
        /// A margin on the cosine.
        case amSoftmax
        /// A margin on the angle.
        case aamSoftmax
    }

    /// (classes, D).
    public let weight: Tensor
    /// (classes); nil with a margin.
    public let bias: Tensor?
    private let kind: Kind
    private let margin: Double
    private let scale: Double

    /// A last layer.
    ///
    /// - Parameters:
    ///   - kind: Which loss.
    ///   - inputWidth: D.
    ///   - classCount: The number of classes.
    ///   - margin: m; unused by `softmax`.
    ///   - scale: s; unused by `softmax`.
    ///   - seed: What the initial values depend on.
    public init(
        _ kind: Kind, inputWidth: Int, classCount: Int, margin: Double = 0.2, scale: Double = 30,
        seed: Seed
    ) {
        self.kind = kind
        self.margin = margin
        self.scale = scale
        if kind == .softmax {
            let linear = Linear(inputWidth: inputWidth, outputWidth: classCount, seed: seed)
            (weight, bias) = (linear.weight, linear.bias)
        } else {
            // Xavier's uniform values, as both toolkits draw them.
            let bound = (6 / Double(inputWidth + classCount)).squareRoot()
            weight = parameter(
                Tensor(
                    uniform: -bound...bound, shape: [classCount, inputWidth],
                    seed: seed.derived("weight")))
            bias = nil
        }
    }

    /// The parameters.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [("weight", weight)] + (bias.map { [("bias", $0)] } ?? [])
    }

    /// What classes are told apart by: affine logits, or scaled cosines without a margin.
    ///
    /// - Parameter input: (B, D).
    /// - Returns: (B, classes).
    public func logits(_ input: Tensor) -> Tensor {
        kind == .softmax ? input.linear(weight: weight, bias: bias) : cosines(input) * scale
    }

    /// The mean loss of a batch.
    ///
    /// - Parameters:
    ///   - input: (B, D).
    ///   - targets: Each recording's class.
    /// - Returns: A tensor of rank 0, in nats.
    public func callAsFunction(_ input: Tensor, targets: [Int]) -> Tensor {
        let classes = Tensor(integers: targets, shape: [targets.count])
        guard kind != .softmax else { return logits(input).crossEntropy(targets: classes) }
        let cosines = cosines(input)
        let classCount = weight.shape[0]
        var indicator = [Float](repeating: 0, count: targets.count * classCount)
        for (row, target) in targets.enumerated() { indicator[row * classCount + target] = 1 }
        let isTarget = Tensor(indicator, shape: [targets.count, classCount])
        // (B, classes) -> (B, 1)
        let right = (cosines * isTarget).sum(dimension: 1, keepsDimension: true)
        let logits = cosines + isTarget * (withMargin(right) - right)
        return (logits * scale).crossEntropy(targets: classes)
    }

    private func cosines(_ input: Tensor) -> Tensor {
        unitRows(input).matmul(unitRows(weight).transposed(0, 1))
    }

    /// Rows of length 1.
    private func unitRows(_ rows: Tensor) -> Tensor {
        rows / ((rows * rows).sum(dimension: 1, keepsDimension: true) + 1e-12).squareRoot()
    }

    /// The right class's cosine with the margin, (B, 1).
    private func withMargin(_ cosine: Tensor) -> Tensor {
        guard kind == .aamSoftmax else { return cosine + -margin }
        // Rounding may bring a cosine beyond 1; the root has no gradient at 0.
        let sine = ((cosine * cosine).scaled(by: -1, plus: 1).relu() + 1e-12).squareRoot()
        let turned = cosine * cos(margin) - sine * sin(margin)
        let values = withoutGradients { cosine.floats }
        let isTurned = Tensor(
            values.map { Double($0) > cos(.pi - margin) ? 1 : 0 }, shape: [values.count, 1])
        let shifted = cosine + -margin * sin(margin)
        return turned * isTurned + shifted * isTurned.scaled(by: -1, plus: 1)
    }
}
