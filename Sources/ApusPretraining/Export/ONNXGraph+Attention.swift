import ApusNN
import ApusTensor
import Foundation

/// Attention and positions; see the layers of the same names for the formulas.
extension ONNXGraph {
    /// What turns queries and keys: (T, d) each.
    struct Rotary {
        let cosines: Value
        let sines: Value
    }

    /// `MultiHeadAttention`.
    ///
    /// - Parameters:
    ///   - input: (B, T, D).
    ///   - weights: The layer's.
    ///   - heads: The number of heads.
    ///   - bias: (heads, T, T), added to the scores; times a gate where the layer has one.
    ///   - rotary: What turns queries and keys.
    /// - Returns: (B, T, D).
    func attention(
        _ input: Value, _ weights: ONNXWeights, heads: Int, bias: Value?, rotary: Rotary?
    ) -> Value {
        let width = weights["in_proj_weight"].shape[1]
        let projected = linear(
            input, weight: weights["in_proj_weight"], bias: weights.optional("in_proj_bias"))
        var parts = split(projected, into: 3, axis: 2).map {
            byHead($0, heads: heads, headWidth: width / heads)  // (B, heads, T, d)
        }
        if let rotary {
            for index in 0..<2 {
                parts[index] = turned(parts[index], by: rotary, headWidth: width / heads)
            }
        }
        let root = 1 / Double(width / heads).squareRoot()
        var scores = apply(
            "MatMul", scale(parts[0], by: root), transposed(parts[1], [0, 1, 3, 2]))
        if let bias {
            let isGated = weights.optional("gru_rel_pos_const") != nil
            scores = add(
                scores,
                isGated ? multiply(gates(input, weights, heads: heads), bias) : bias)
        }
        return output(of: scores, values: parts[2], width: width, weights)
    }

    /// (B, T, D) of (B, heads, T, d).
    private func output(
        of scores: Value, values: Value, width: Int, _ weights: ONNXWeights
    ) -> Value {
        let shares = apply("Softmax", scores, attributes: [.int("axis", -1)])
        let gathered = transposed(apply("MatMul", shares, values), [0, 2, 1, 3])
        return linear(reshaped(gathered, [0, 0, width]), weights.under("out_proj"))
    }

    private func byHead(_ value: Value, heads: Int, headWidth: Int) -> Value {
        transposed(reshaped(value, [0, 0, heads, headWidth]), [0, 2, 1, 3])
    }

    private func turned(_ input: Value, by rotary: Rotary, headWidth: Int) -> Value {
        let halves = split(input, into: 2, axis: 3)
        let crossed = concatenated([apply("Neg", halves[1]), halves[0]], axis: 3)
        return add(multiply(input, rotary.cosines), multiply(crossed, rotary.sines))
    }

    /// `RelativePositionGate`: (B, heads, T, 1).
    private func gates(_ input: Value, _ weights: ONNXWeights, heads: Int) -> Value {
        let width = weights["gru_rel_pos_linear.weight"].shape[1]
        let mapped = linear(
            reshaped(input, [0, 0, heads, width]), weights.under("gru_rel_pos_linear"))
        let sums = sum(reshaped(mapped, [0, 0, heads, 2, 4]), axis: 4, keeping: false)
        let parts = split(sigmoid(sums), into: 2, axis: 3)  // (B, T, heads, 1) each
        let scale = constant(weights["gru_rel_pos_const"].reshaped(1, 1, heads, 1))
        let second = subtract(multiply(parts[1], scale), number(1))
        return transposed(add(multiply(parts[0], second), number(2)), [0, 2, 1, 3])
    }
}

// MARK: - Transformer layers

extension ONNXGraph {
    /// `TransformerEncoderLayer`: (B, T, D) of (B, T, D).
    func transformerLayer(
        _ input: Value, _ weights: ONNXWeights, heads: Int, normOrder: NormOrder,
        epsilon: Double, bias: Value?, rotary: Rotary?
    ) -> Value {
        func attended(_ value: Value) -> Value {
            attention(value, weights.under("self_attn"), heads: heads, bias: bias, rotary: rotary)
        }
        func mapped(_ value: Value) -> Value {
            linear(gelu(linear(value, weights.under("linear1"))), weights.under("linear2"))
        }
        func norm(_ name: String, _ value: Value) -> Value {
            layerNorm(value, weights.under(name), epsilon: epsilon)
        }
        switch normOrder {
        case .post:
            let middle = norm("norm1", add(input, attended(input)))
            return norm("norm2", add(middle, mapped(middle)))
        case .pre:
            let middle = add(input, attended(norm("norm1", input)))
            return add(middle, mapped(norm("norm2", middle)))
        }
    }

    /// `CausalTransformerLayer`: (B, T, D) of (B, T, D).
    func causalLayer(
        _ input: Value, _ weights: ONNXWeights,
        _ configuration: CausalTransformerLayer.Configuration
    ) -> Value {
        let attention = weights.under("self_attn")
        let heads = configuration.headCount
        let width = attention["in_proj_weight"].shape[1]
        let projected = linear(input, weight: attention["in_proj_weight"], bias: nil)
        let parts = split(projected, into: 3, axis: 2).map {
            byHead($0, heads: heads, headWidth: width / heads)
        }
        let query = scale(parts[0], by: 1 / Double(width / heads).squareRoot())
        let scores = apply("MatMul", query, transposed(parts[1], [0, 1, 3, 2]))
        // Column l of the products is lag l; row i takes column i - j at place j.
        let byLag = apply(
            "MatMul", query, constant(attention["relative_positions"].transposed(0, 1)))
        let places = range(dimension(1, of: input))
        let lags = subtract(withDimension(places, at: 1), withDimension(places, at: 0))  // (T, T)
        let clipped = apply(
            "Clip", lags, integer(0), integer(configuration.positionCount - 1))
        let positions = apply(
            "GatherElements", byLag, apply("Expand", clipped, apply("Shape", scores)),
            attributes: [.int("axis", 3)])
        let masked = apply(
            "Where", apply("Less", lags, integer(0)), number(-.infinity), add(scores, positions))
        let attended = layerNorm(
            add(input, output(of: masked, values: parts[2], width: width, attention)),
            weights.under("norm1"))
        let hidden = relu(linear(attended, weights.under("linear1")))
        return layerNorm(
            add(attended, linear(hidden, weights.under("linear2"))), weights.under("norm2"))
    }
}

// MARK: - Positions

extension ONNXGraph {
    /// Sines of every frame's angles, in 64 bits until the end.
    ///
    /// - Parameters:
    ///   - frames: (B, T, D).
    ///   - rates: The angle from one frame to the next in each column.
    ///   - phases: What is added to the angles of each column.
    /// - Returns: (T, width).
    private func sines(frames: Value, rates: [Double], phases: [Double]) -> Value {
        let places = asDoubles(withDimension(range(dimension(1, of: frames)), at: 1))
        let angles = multiply(places, doubles(rates, shape: [1, rates.count]))
        return asFloats(
            apply("Sin", add(angles, doubles(phases, shape: [1, phases.count]))))
    }

    /// `sinusoidalPositions` added to frames (B, T, D).
    private func withSinusoids(_ frames: Value, width: Int) -> Value {
        let rates = (0..<width).map {
            exp(-log(10_000.0) * Double($0 / 2 * 2) / Double(width))
        }
        let phases = (0..<width).map { $0 % 2 == 0 ? 0 : Double.pi / 2 }
        return add(frames, sines(frames: frames, rates: rates, phases: phases))
    }

    /// `RotaryPositions` of frames (B, T, D).
    private func rotary(frames: Value, headWidth: Int) -> Rotary {
        let rates = (0..<headWidth).map {
            pow(10_000, -2 * Double($0 % (headWidth / 2)) / Double(headWidth))
        }
        func table(phase: Double) -> Value {
            sines(
                frames: frames, rates: rates,
                phases: [Double](repeating: phase, count: headWidth))
        }
        return Rotary(cosines: table(phase: .pi / 2), sines: table(phase: 0))
    }

    /// `RelativePositionBias` of frames.
    ///
    /// - Parameters:
    ///   - frames: (B, T, D).
    ///   - weight: (buckets, heads).
    ///   - longestDistance: The longest distance that is told apart.
    /// - Returns: (heads, T, T).
    func relativeBias(frames: Value, weight: Tensor, longestDistance: Int) -> Value {
        let buckets = (-longestDistance...longestDistance).map {
            RelativePositionBias.bucket(
                $0, bucketCount: weight.shape[0], longestDistance: longestDistance)
        }
        let table = weight.selected(
            Tensor(integers: buckets, shape: [buckets.count]), dimension: 0)
        let places = range(dimension(1, of: frames))
        let offsets = subtract(withDimension(places, at: 0), withDimension(places, at: 1))
        let clipped = apply(
            "Clip", offsets, integer(-longestDistance), integer(longestDistance))
        let biases = gathered(constant(table), add(clipped, longestDistance), axis: 0)
        return transposed(biases, [2, 0, 1])
    }

    /// `FramePositions`.
    ///
    /// - Parameters:
    ///   - frames: (B, T, D).
    ///   - kind: Which positions.
    ///   - width: D.
    ///   - headCount: The number of heads.
    ///   - relativeDistance: The longest distance that relative positions tell apart.
    ///   - weights: The encoder's.
    /// - Returns: The frames with what is added to them, and what attention is told.
    func positioned(
        _ frames: Value, _ kind: TransformerEncoder.Positions, width: Int, headCount: Int,
        relativeDistance: Int, _ weights: ONNXWeights
    ) -> (frames: Value, bias: Value?, rotary: Rotary?) {
        switch kind {
        case .sinusoidal: (withSinusoids(frames, width: width), nil, nil)
        case .rotary: (frames, nil, rotary(frames: frames, headWidth: width / headCount))
        case .relative:
            (
                frames,
                relativeBias(
                    frames: frames, weight: weights["relative_positions.weight"],
                    longestDistance: relativeDistance), nil
            )
        }
    }
}
