import ApusTensor

/// One layer of gated recurrent units, from a zero state.
///
/// Cho et al. 2014, Learning Phrase Representations using RNN Encoder-Decoder; PyTorch's variant,
/// in which the reset gate multiplies the hidden part after its bias.
public final class GRU: Module {
    /// (3H, D), gates in the order reset, update, new.
    public let inputWeight: Tensor
    /// (3H, H).
    public let hiddenWeight: Tensor
    /// (3H).
    public let inputBias: Tensor
    /// (3H).
    public let hiddenBias: Tensor

    /// A GRU layer with PyTorch's initial values: uniform within ±1/√H.
    ///
    /// - Parameters:
    ///   - inputWidth: D.
    ///   - hiddenWidth: H.
    ///   - seed: What the initial values depend on.
    public init(inputWidth: Int, hiddenWidth: Int, seed: Seed) {
        let bound = 1 / Double(hiddenWidth).squareRoot()
        func initial(_ shape: [Int], _ name: String) -> Tensor {
            parameter(Tensor(uniform: -bound...bound, shape: shape, seed: seed.derived(name)))
        }
        inputWeight = initial([3 * hiddenWidth, inputWidth], "weight_ih_l0")
        hiddenWeight = initial([3 * hiddenWidth, hiddenWidth], "weight_hh_l0")
        inputBias = initial([3 * hiddenWidth], "bias_ih_l0")
        hiddenBias = initial([3 * hiddenWidth], "bias_hh_l0")
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        [
            ("weight_ih_l0", inputWeight), ("weight_hh_l0", hiddenWeight),
            ("bias_ih_l0", inputBias), ("bias_hh_l0", hiddenBias),
        ]
    }

    /// The states after each frame.
    ///
    /// - Parameters:
    ///   - input: (B, T, D).
    ///   - states: What is carried between the parts of a recording; `nil` to begin at zero.
    /// - Returns: (B, T, H).
    public func callAsFunction(_ input: Tensor, states: RecurrentStates? = nil) -> Tensor {
        input.gru(
            inputWeight: inputWeight, hiddenWeight: hiddenWeight, inputBias: inputBias,
            hiddenBias: hiddenBias,
            state: states?.next([1, input.shape[0], hiddenWeight.shape[1]]))
    }
}
