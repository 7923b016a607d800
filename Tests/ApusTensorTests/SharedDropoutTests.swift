import ApusTensor
import Testing

/// Dropout of some rows of a batch, drawn as in the whole batch.
@Suite(.serialized) struct SharedDropoutTests {
    /// Rows of an odd and an even size, in order and not.
    @Test(arguments: [7, 8, 1029], [[0, 1, 2, 3, 4], [4, 1], [3], [1, 2, 4]])
    func rowsAreThoseOfTheWholeBatch(width: Int, rows: [Int]) {
        let whole = normal(5, 3, width, seed: 1)
        let dropped = whole.dropout(probability: 0.4, seed: Seed(2))
        let part = whole.selected(Tensor(integers: rows, shape: [rows.count]), dimension: 0)
        func check() {
            #expect(
                part.dropout(probability: 0.4, seed: Seed(2), rows: rows).floats
                    == dropped.selected(
                        Tensor(integers: rows, shape: [rows.count]), dimension: 0
                    ).floats)
        }
        check()
        Engine.withoutKernels { check() }
    }

    /// Every kernel that drops, with its gradients.
    @Test(arguments: [true, false]) func kernelsDropTheSame(hasKernels: Bool) {
        let rows = [3, 0, 2]
        let indices = Tensor(integers: rows, shape: [rows.count])
        let (weight, offset) = (normal(12, seed: 4), normal(12, seed: 5))
        let cases: [(name: String, width: Int, apply: (Tensor, [Int]?) -> Tensor)] = [
            (
                "geluDropout", 12,
                { $0.geluDropout(bias: weight, probability: 0.3, seed: Seed(6), rows: $1) }
            ),
            (
                "residualNorm", 12,
                {
                    $0.residualNorm(
                        bias: nil, residual: $0, weight: weight, offset: offset, epsilon: 1e-5,
                        probability: 0.3, seed: Seed(6), rows: $1)
                }
            ),
            (
                "attention", 24,
                {
                    $0.attention(
                        headCount: 2, padding: nil, bias: nil, probability: 0.3, seed: Seed(6),
                        rows: $1)
                }
            ),
        ]
        for (name, width, apply) in cases {
            func gradients() {
                let whole = normal(4, 5, width, seed: 3)
                let part = Tensor(
                    whole.selected(indices, dimension: 0).floats, shape: [3, 5, width])
                for each in [whole, part] { each.requiresGradient = true }
                let all = apply(whole, nil)
                let some = apply(part, rows)
                #expect(
                    relativeError(some.floats, all.selected(indices, dimension: 0).floats) < 1e-6,
                    "\(name)")
                (all * all).sum().backward()
                (some * some).sum().backward()
                let wanted = whole.gradient?.selected(indices, dimension: 0).floats ?? []
                #expect(relativeError(part.gradient?.floats ?? [], wanted) < 1e-5, "\(name)")
            }
            if hasKernels { gradients() } else { Engine.withoutKernels { gradients() } }
        }
    }
}
