import CTorch

// The operations under the layers of ApusNN, in PyTorch's layouts.
extension Tensor {
    /// x Wᵀ + b over the last dimension.
    ///
    /// - Parameters:
    ///   - weight: (D out, D in).
    ///   - bias: (D out).
    /// - Returns: (..., D out).
    public func linear(weight: Tensor, bias: Tensor?) -> Tensor {
        make("linear", [self, weight] + (bias.map { [$0] } ?? [])) {
            apus_linear(handle, weight.handle, bias?.handle, $0)
        }
    }

    /// The convolution over time, zero-padded at both ends.
    ///
    /// - Parameters:
    ///   - weight: (C out, C in / groups, kernel).
    ///   - bias: (C out).
    ///   - stride: From one output frame to the next, in input frames.
    ///   - padding: Zero frames put before and after.
    ///   - groups: Into how many groups the channels fall that see nothing of each other.
    /// - Returns: (B, C out, T out) for an input (B, C in, T).
    public func conv1d(
        weight: Tensor, bias: Tensor?, stride: Int, padding: Int, groups: Int = 1
    ) -> Tensor {
        make("conv1d", [self, weight] + (bias.map { [$0] } ?? [])) {
            apus_conv1d(
                handle, weight.handle, bias?.handle, Int64(stride), Int64(padding), Int64(groups),
                $0)
        }
    }

    /// Layer normalisation over the last dimensions, those that `weight` has.
    ///
    /// Ba, Kiros and Hinton 2016, Layer Normalization.
    ///
    /// - Parameters:
    ///   - weight: The scale.
    ///   - bias: The offset, of the same shape.
    ///   - epsilon: What is added to the variance.
    /// - Returns: A tensor of the input's shape.
    public func layerNorm(weight: Tensor, bias: Tensor, epsilon: Double) -> Tensor {
        make("layerNorm", [self, weight, bias]) {
            apus_layer_norm(handle, weight.handle, bias.handle, epsilon, $0)
        }
    }

    /// One GRU layer, in PyTorch's form and gate order (reset, update, new).
    ///
    /// - Parameters:
    ///   - inputWeight: (3H, D).
    ///   - hiddenWeight: (3H, H).
    ///   - inputBias: (3H).
    ///   - hiddenBias: (3H).
    ///   - state: Where it begins, (1, B, H), overwritten with where it ends; `nil` for zeros. For
    ///     recordings that come in pieces, without gradients.
    /// - Returns: (B, T, H) for an input (B, T, D).
    public func gru(
        inputWeight: Tensor, hiddenWeight: Tensor, inputBias: Tensor, hiddenBias: Tensor,
        state: Tensor? = nil
    ) -> Tensor {
        let inputs = [self, inputWeight, hiddenWeight, inputBias, hiddenBias]
        return make("gru", inputs + (state.map { [$0] } ?? [])) {
            apus_gru(
                handle, inputWeight.handle, hiddenWeight.handle, inputBias.handle,
                hiddenBias.handle, state?.handle, $0)
        }
    }

    /// One LSTM layer, in PyTorch's form and gate order (input, forget, cell, output).
    ///
    /// - Parameters:
    ///   - inputWeight: (4H, D).
    ///   - hiddenWeight: (4H, H).
    ///   - inputBias: (4H).
    ///   - hiddenBias: (4H).
    ///   - state: The state and the cell where it begins, (2, B, H), overwritten with those where it
    ///     ends; `nil` for zeros. For recordings that come in pieces, without gradients.
    /// - Returns: (B, T, H) for an input (B, T, D).
    public func lstm(
        inputWeight: Tensor, hiddenWeight: Tensor, inputBias: Tensor, hiddenBias: Tensor,
        state: Tensor? = nil
    ) -> Tensor {
        let inputs = [self, inputWeight, hiddenWeight, inputBias, hiddenBias]
        return make("lstm", inputs + (state.map { [$0] } ?? [])) {
            apus_lstm(
                handle, inputWeight.handle, hiddenWeight.handle, inputBias.handle,
                hiddenBias.handle, state?.handle, $0)
        }
    }

    /// The inner products of each row's queries with the frames that the row names.
    ///
    /// - Parameters:
    ///   - frames: (F, D).
    ///   - indices: (R, N) integers below F.
    /// - Returns: (R, K, N) in 32 bits for queries (R, K, D).
    public func innerProducts(with frames: Tensor, at indices: Tensor) -> Tensor {
        make("innerProducts", [self, frames, indices]) {
            apus_gathered_products(handle, frames.handle, indices.handle, $0)
        }
    }

    /// The scores of predictions with the frames that they predict, and with candidates that a
    /// recording's predictions share.
    ///
    /// - Parameters:
    ///   - frames: (B, W + K, D).
    ///   - candidates: (B, N, D).
    /// - Returns: (B, W, K, 1 + N) in 32 bits for predictions (B, W, K, D); first the product with the
    ///   frame k + 1 steps after t, then those with the candidates.
    public func contrastiveScores(with frames: Tensor, candidates: Tensor) -> Tensor {
        make("contrastiveScores", [self, frames, candidates]) {
            apus_shared_scores(handle, frames.handle, candidates.handle, $0)
        }
    }

    /// The cross-entropy of each row of the last dimension where its first class is the right one.
    ///
    /// - Returns: (...) for scores (..., C), in nats.
    public func firstClassLoss() -> Tensor {
        make("firstClassLoss", [self]) { apus_first_class_loss(handle, $0) }
    }

    /// Dropout; the draw of each element depends on the seed and its place alone.
    ///
    /// - Parameters:
    ///   - probability: The share of elements set to zero, in 0..<1; the others are scaled up.
    ///   - seed: What the draw depends on.
    ///   - rows: The place of each of this tensor's rows among those of a whole batch, whose draws they
    ///     have; `nil` where this is the whole batch.
    /// - Returns: A tensor of the input's shape.
    public func dropout(probability: Double, seed: Seed, rows: [Int]? = nil) -> Tensor {
        make("dropout", [self]) { out in
            withDraw(probability, seed, rows) { apus_dropout(handle, $0, out) }
        }
    }

    /// dropout(gelu(x + bias)) in one pass; what is drawn is as by `dropout(probability:seed:rows:)`.
    ///
    /// - Parameters:
    ///   - bias: (D), or `nil` for none.
    ///   - probability: The share of elements set to zero, in 0..<1; zero for no dropout.
    ///   - seed: What the draw depends on.
    ///   - rows: The rows' places in a whole batch, as for `dropout(probability:seed:rows:)`.
    /// - Returns: (..., D) for an input (..., D).
    public func geluDropout(
        bias: Tensor?, probability: Double, seed: Seed, rows: [Int]? = nil
    ) -> Tensor {
        make("geluDropout", [self] + (bias.map { [$0] } ?? [])) { out in
            withDraw(probability, seed, rows) {
                apus_gelu_dropout(handle, bias?.handle, $0, out)
            }
        }
    }

    /// LN(residual + dropout(x + bias)) in one pass; what is drawn is as by
    /// `dropout(probability:seed:rows:)`.
    ///
    /// - Parameters:
    ///   - bias: (D), added to this tensor, or `nil` for none.
    ///   - residual: What passed by, of this tensor's shape.
    ///   - weight: The norm's scale, (D).
    ///   - offset: The norm's offset, (D).
    ///   - epsilon: What the norm adds to the variance.
    ///   - probability: The share of elements set to zero, in 0..<1; zero for no dropout.
    ///   - seed: What the draw depends on.
    ///   - rows: The rows' places in a whole batch, as for `dropout(probability:seed:rows:)`.
    /// - Returns: (..., D) for an input (..., D), in the wider type of the two that are added.
    public func residualNorm(
        bias: Tensor?, residual: Tensor, weight: Tensor, offset: Tensor, epsilon: Double,
        probability: Double, seed: Seed, rows: [Int]? = nil
    ) -> Tensor {
        make("residualNorm", [self, residual, weight, offset] + (bias.map { [$0] } ?? [])) { out in
            withDraw(probability, seed, rows) {
                apus_residual_norm(
                    handle, bias?.handle, residual.handle, weight.handle, offset.handle, epsilon,
                    $0, out)
            }
        }
    }

    /// Multi-head self-attention from projected frames to what the heads gather, without the scores of
    /// a whole batch: dropout(softmax(Q Kᵀ / √d + gate · bias)) V.
    ///
    /// What is drawn is as by `dropout(probability:seed:rows:)` of weights (B, heads, T, T).
    ///
    /// - Parameters:
    ///   - headCount: The number of heads; it divides D.
    ///   - padding: (B, 1, 1, T), true at the frames beyond a recording's end; `nil` where there are none.
    ///   - bias: (heads, T, T), added to the scores, or `nil` for none.
    ///   - gates: (B, heads, T), what each row of the bias is multiplied by, or `nil` for one.
    ///   - probability: The share of weights set to zero, in 0..<1; zero for no dropout.
    ///   - seed: What the draw depends on.
    ///   - rows: The rows' places in a whole batch, as for `dropout(probability:seed:rows:)`.
    /// - Returns: (B, T, D) for queries, keys and values (B, T, 3D).
    public func attention(
        headCount: Int, padding: Tensor?, bias: Tensor?, gates: Tensor? = nil, probability: Double,
        seed: Seed, rows: [Int]? = nil
    ) -> Tensor {
        make("attention", [self, padding, bias, gates].compactMap { $0 }) { out in
            withDraw(probability, seed, rows) {
                apus_attention(
                    handle, padding?.handle, bias?.handle, gates?.handle, Int64(headCount), $0,
                    out)
            }
        }
    }

    /// The mean cross-entropy of logits (N, classes) against class indices (N).
    ///
    /// - Parameter targets: (N) integers below the number of classes.
    /// - Returns: A tensor of rank 0, in nats.
    public func crossEntropy(targets: Tensor) -> Tensor {
        make("crossEntropy", [self, targets]) { apus_cross_entropy(handle, targets.handle, $0) }
    }
}

/// Calls across the C ABI with what dropout draws.
private func withDraw<Result>(
    _ probability: Double, _ seed: Seed, _ rows: [Int]?, _ body: (apus_draw) -> Result
) -> Result {
    let places = (rows ?? []).sizes
    return places.withUnsafeBufferPointer {
        body(
            apus_draw(
                probability: probability, seed: seed.value,
                rows: rows == nil ? nil : $0.baseAddress, row_count: Int32($0.count)))
    }
}
