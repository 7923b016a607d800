import ApusTensor

// A linear map and what follows it in a transformer layer, whose bias is added in the same pass.
extension Linear {
    /// dropout(gelu(W x + b)).
    ///
    /// - Parameters:
    ///   - input: (..., D in).
    ///   - dropout: The share of elements set to zero.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (..., D out).
    func geluDropout(_ input: Tensor, dropout: Double, _ draws: TrainingDraws?) -> Tensor {
        let draw = DropoutDraw(dropout, draws)
        return input.linear(weight: weight, bias: nil)
            .geluDropout(
                bias: bias, probability: draw.probability, seed: draw.seed, rows: draw.rows)
    }

    /// LN(residual + dropout(W x + b)).
    ///
    /// - Parameters:
    ///   - input: (..., D in).
    ///   - residual: (..., D out).
    ///   - norm: LN.
    ///   - dropout: The share of elements set to zero.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (..., D out).
    func normalizedSum(
        _ input: Tensor, residual: Tensor, norm: LayerNorm, dropout: Double,
        _ draws: TrainingDraws?
    ) -> Tensor {
        let draw = DropoutDraw(dropout, draws)
        return input.linear(weight: weight, bias: nil).residualNorm(
            bias: bias, residual: residual, weight: norm.weight, offset: norm.bias,
            epsilon: norm.epsilon, probability: draw.probability, seed: draw.seed,
            rows: draw.rows)
    }
}
