// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusTensor
import Foundation

/// Positions as rotations of queries and keys, so that their products depend on distances alone.
///
/// Su et al. 2021, RoFormer: Enhanced Transformer with Rotary Position Embedding, section 3.2.2.
/// Column i of a head's first half and of its second half are one pair, which turns by the angle
/// t / 10000^(2i/d) at frame t.
public struct RotaryPositions {
    private let cosines: Tensor
    private let sines: Tensor

    /// The rotations of a batch's frames.
    ///
    /// - Parameters:
    ///   - frameCount: T.
    ///   - headWidth: d, even.
    public init(frameCount: Int, headWidth: Int) {
        precondition(headWidth % 2 == 0, "rotary positions of an odd width \(headWidth)")
        var cosineValues: [Float] = []
        var sineValues: [Float] = []
        for t in 0..<frameCount {
            for column in 0..<headWidth {
                let pair = column % (headWidth / 2)
                let angle = Double(t) * pow(10_000, -2 * Double(pair) / Double(headWidth))
                cosineValues.append(Float(cos(angle)))
                sineValues.append(Float(sin(angle)))
            }
        }
        cosines = Tensor(cosineValues, shape: [frameCount, headWidth])
        sines = Tensor(sineValues, shape: [frameCount, headWidth])
    }

    /// Queries or keys, turned.
    ///
    /// - Parameter input: (B, heads, T, d).
    /// - Returns: (B, heads, T, d).
    func rotated(_ input: Tensor) -> Tensor {
        let d = input.shape[input.shape.count - 1]
        let first = input.sliced(0..<d / 2, dimension: -1)
        let second = input.sliced(d / 2..<d, dimension: -1)
        let crossed = Tensor.concatenated([second * -1, first], dimension: -1)
        return input * cosines + crossed * sines
    }
}
