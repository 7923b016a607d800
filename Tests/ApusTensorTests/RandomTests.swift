import ApusTensor
import Testing

private func moments(_ values: [Float]) -> (mean: Double, variance: Double) {
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return (mean, variance / Double(values.count))
}

private func correlation(_ a: [Float], _ b: [Float]) -> Double {
    let (one, other) = (moments(a), moments(b))
    let covariance =
        zip(a, b).reduce(0) { $0 + (Double($1.0) - one.mean) * (Double($1.1) - other.mean) }
        / Double(a.count)
    return covariance / (one.variance * other.variance).squareRoot()
}

/// Draws, whose bounds below lie five standard errors out.
@Suite(.serialized) struct RandomTests {
    private let count = 200_000

    @Test func uniformNumbersFillTheirRange() {
        let values = Tensor(uniform: -2...4, shape: [count], seed: Seed(1)).floats
        #expect(values.allSatisfy { (-2...4).contains($0) })
        let (mean, variance) = moments(values)
        #expect(abs(mean - 1) < 5 * (3.0 / Double(count)).squareRoot())
        #expect(abs(variance - 3) < 0.03)
        let inFirstThird = values.count { $0 < 0 }
        #expect(abs(Double(inFirstThird) / Double(count) - 1.0 / 3) < 0.006)
    }

    @Test func normalNumbersHaveTheirMoments() {
        let values = Tensor(
            normal: 3, standardDeviation: 2, shape: [count], seed: Seed(2)
        ).floats
        let (mean, variance) = moments(values)
        #expect(abs(mean - 3) < 0.023)
        #expect(abs(variance - 4) < 0.064)
        let standard = values.map { ($0 - 3) / 2 }
        #expect(abs(Double(standard.count { abs($0) < 1 }) / Double(count) - 0.6827) < 0.0055)
        #expect(abs(Double(standard.count { abs($0) > 3 }) / Double(count) - 0.0027) < 0.0006)
        let kurtosis = standard.reduce(0.0) { sum, z in
            let square = Double(z) * Double(z)
            return sum + square * square
        }
        #expect(abs(kurtosis / Double(count) - 3) < 0.12)
    }

    @Test func drawsDependOnSeedAndPlaceAlone() {
        let long = Tensor(uniform: 0...1, shape: [count], seed: Seed(3)).floats
        let short = Tensor(uniform: 0...1, shape: [10, 10], seed: Seed(3)).floats
        #expect(Array(long.prefix(100)) == short)
        #expect(long != Tensor(uniform: 0...1, shape: [count], seed: Seed(4)).floats)
        for make in [
            { Tensor(uniform: 0...1, shape: [100_003], seed: Seed(5)).floats },
            { Tensor(normal: 0, standardDeviation: 1, shape: [100_003], seed: Seed(5)).floats },
        ] {
            #expect(withThreads(1, make) == withThreads(2, make))
        }
    }

    @Test func neighboursAndDerivedSeedsAreUncorrelated() {
        let values = Tensor(uniform: 0...1, shape: [count], seed: Seed(6)).floats
        let bound = 5 / Double(count).squareRoot()
        #expect(abs(correlation(Array(values.dropLast()), Array(values.dropFirst()))) < bound)
        let others = [Seed(7), Seed(6).derived(0), Seed(6).derived(1), Seed(6).derived("weight")]
        for seed in others {
            let other = Tensor(uniform: 0...1, shape: [count], seed: seed).floats
            #expect(abs(correlation(values, other)) < bound)
        }
    }

    @Test func derivedSeedsDiffer() {
        let seed = Seed(42)
        var seeds: Set<Seed> = [seed]
        for index in -1000..<1000 { seeds.insert(seed.derived(index)) }
        for name in ["weight", "bias", "weighu", "", "0", "1", "a.b", "ab."] {
            seeds.insert(seed.derived(name))
        }
        seeds.insert(seed.derived(1).derived(2))
        seeds.insert(seed.derived(2).derived(1))
        seeds.insert(Seed(43).derived(1))
        #expect(seeds.count == 1 + 2000 + 8 + 3)
        #expect(seed.derived("weight") == Seed(42).derived("weight"))
        // Checkpoints rely on these for ever.
        #expect(Seed(0).derived(0).value == 0x4821_8226_FF3C_D4BF)
        #expect(Seed(0).derived("weight").value == 0xEEA0_FBB6_1F42_98A1)
    }

    @Test(arguments: [0.1, 0.5, 0.9])
    func dropoutDropsItsShareAndScalesTheRest(probability: Double) {
        let values = Tensor(ones: [count]).dropout(probability: probability, seed: Seed(8)).floats
        let dropped = values.count { $0 == 0 }
        let deviation = (probability * (1 - probability) / Double(count)).squareRoot()
        #expect(abs(Double(dropped) / Double(count) - probability) < 5 * deviation)
        let scale = Float(1 / (1 - probability))
        #expect(values.allSatisfy { $0 == 0 || $0 == scale })
    }

    @Test func dropoutOfNothingIsTheInput() {
        let x = normal(4, 4, seed: 1)
        #expect(x.dropout(probability: 0, seed: Seed(1)).floats == x.floats)
    }

    @Test func dropoutIsTheSameForAnyThreadCountAndLayout() {
        let x = normal(96, 1024, seed: 2)
        let one = withThreads(1) { x.dropout(probability: 0.3, seed: Seed(9)).floats }
        let two = withThreads(2) { x.dropout(probability: 0.3, seed: Seed(9)).floats }
        #expect(one == two)
        #expect(one != x.dropout(probability: 0.3, seed: Seed(10)).floats)
        // A transposed view of the transpose has the same elements in another memory order.
        let view = Tensor(x.transposed(0, 1).floats, shape: [1024, 96]).transposed(0, 1)
        #expect(view.dropout(probability: 0.3, seed: Seed(9)).floats == one)
    }

    @Test(arguments: [1, 2])
    func backwardPassDrawsTheSameMask(threads: Int) {
        let x = Tensor(ones: [96, 1024])
        x.requiresGradient = true
        let output = withThreads(threads) {
            let output = x.dropout(probability: 0.3, seed: Seed(11))
            output.sum().backward()
            return output.floats
        }
        // The input is one everywhere: output and gradient are both the scaled mask.
        #expect(x.gradient?.floats == output)
    }

    @Test func dropoutInBFloat16KeepsTheMask() {
        let x = Tensor(ones: [1000])
        let half = x.cast(to: .bfloat16).dropout(probability: 0.5, seed: Seed(12))
        #expect(half.type == .bfloat16)
        #expect(half.floats == x.dropout(probability: 0.5, seed: Seed(12)).floats)
    }
}
