import ApusTensor
import Foundation

/// The sinusoidal positions of a transformer's frames.
///
/// Vaswani et al. 2017, Attention Is All You Need, section 3.5. Even columns are sin(t / 10000^(i/D)), odd columns the cosine of the same angle.
///
/// - Parameters:
///   - frameCount: T.
///   - width: D, even.
/// - Returns: (T, D).
public func sinusoidalPositions(frameCount: Int, width: Int) -> Tensor {
    precondition(width % 2 == 0, "sinusoidal positions of an odd width \(width)")
    var values = [Float](repeating: 0, count: frameCount * width)
    for i in stride(from: 0, to: width, by: 2) {
        let rate = exp(-log(10_000.0) * Double(i) / Double(width))
        for t in 0..<frameCount {
            values[t * width + i] = Float(sin(Double(t) * rate))
            values[t * width + i + 1] = Float(cos(Double(t) * rate))
        }
    }
    return Tensor(values, shape: [frameCount, width])
}
