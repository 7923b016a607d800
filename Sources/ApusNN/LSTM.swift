import ApusTensor

/// A stack of layers of long short-term memory, each from a zero state.
///
/// Hochreiter and Schmidhuber 1997, Long Short-Term Memory, with the forget gate of Gers et al. 2000.
/// A frame's state depends on the frames before it alone, so that what lies beyond a recording's end
/// never reaches it.
public final class LSTM: Module {
    private struct Layer {
        let inputWeight: Tensor  // (4H, D), gates in the order input, forget, cell, output
        let hiddenWeight: Tensor  // (4H, H)
        let inputBias: Tensor  // (4H)
        let hiddenBias: Tensor  // (4H)
    }

    private let layers: [Layer]

    /// A stack with PyTorch's initial values: uniform within ±1/√H.
    ///
    /// - Parameters:
    ///   - inputWidth: D of the first layer.
    ///   - hiddenWidth: H of every layer.
    ///   - layerCount: The number of layers.
    ///   - seed: What the initial values depend on.
    public init(inputWidth: Int, hiddenWidth: Int, layerCount: Int = 1, seed: Seed) {
        precondition(layerCount > 0, "a stack has a layer")
        let bound = 1 / Double(hiddenWidth).squareRoot()
        layers = (0..<layerCount).map { index in
            func initial(_ shape: [Int], _ name: String) -> Tensor {
                parameter(
                    Tensor(
                        uniform: -bound...bound, shape: shape,
                        seed: seed.derived("\(name)_l\(index)")))
            }
            return Layer(
                inputWeight: initial(
                    [4 * hiddenWidth, index == 0 ? inputWidth : hiddenWidth], "weight_ih"),
                hiddenWeight: initial([4 * hiddenWidth, hiddenWidth], "weight_hh"),
                inputBias: initial([4 * hiddenWidth], "bias_ih"),
                hiddenBias: initial([4 * hiddenWidth], "bias_hh"))
        }
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        layers.enumerated().flatMap { index, layer in
            [
                ("weight_ih_l\(index)", layer.inputWeight),
                ("weight_hh_l\(index)", layer.hiddenWeight),
                ("bias_ih_l\(index)", layer.inputBias),
                ("bias_hh_l\(index)", layer.hiddenBias),
            ]
        }
    }

    /// The last layer's states after each frame.
    ///
    /// - Parameters:
    ///   - input: (B, T, D).
    ///   - states: What is carried between the parts of a recording; `nil` to begin at zero.
    /// - Returns: (B, T, H).
    public func callAsFunction(_ input: Tensor, states: RecurrentStates? = nil) -> Tensor {
        layers.reduce(input) { frames, layer in
            frames.lstm(
                inputWeight: layer.inputWeight, hiddenWeight: layer.hiddenWeight,
                inputBias: layer.inputBias, hiddenBias: layer.hiddenBias,
                state: states?.next([2, input.shape[0], layer.hiddenWeight.shape[1]]))
        }
    }
}
