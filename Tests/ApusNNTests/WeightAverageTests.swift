import ApusNN
import ApusTensor
import Testing

@Suite struct WeightAverageTests {
    private final class Weight: Module {
        let tensor = parameter(Tensor([4, 0], shape: [2]))
        var namedParameters: [(name: String, tensor: Tensor)] { [("weight", tensor)] }
    }

    /// The decay is (1 + n) / (10 + n) while that is smaller than what was asked for.
    @Test func averagesInClosedForm() {
        let module = Weight()
        let average = WeightAverage(of: module, decay: 0.25)
        #expect(average.weights()["weight"]?.values == [4, 0])
        var expected: [Double] = [4, 0]
        for (count, values) in [[1, 2], [-3, 5], [0, 8], [7, 7]].enumerated() {
            module.tensor.assign(values.map { Float($0) })
            average.update()
            let decay = min(0.25, Double(2 + count) / Double(11 + count))
            expected = zip(expected, values).map { decay * $0 + (1 - decay) * Double($1) }
        }
        #expect(average.updateCount == 4)
        #expect(
            relativeError(average.weights()["weight"]?.values ?? [], expected.map(Float.init))
                < 1e-6
        )
        #expect(module.tensor.floats == [7, 7], "the weights stay")
        average.whileInPlace {
            #expect(module.tensor.floats == average.weights()["weight"]?.values)
        }
        #expect(module.tensor.floats == [7, 7] && module.tensor.requiresGradient)
    }

    @Test func continuingIsBitIdentical() throws {
        let module = Weight()
        let whole = WeightAverage(of: module, decay: 0.9)
        let first = WeightAverage(of: module, decay: 0.9)
        func move(_ averages: [WeightAverage], steps: Range<Int>) {
            for step in steps {
                module.tensor.assign(normal(2, seed: step).floats)
                for average in averages { average.update() }
            }
        }
        move([whole, first], steps: 0..<5)
        let second = WeightAverage(of: module, decay: 0.9)
        try second.load(first.weights(), updateCount: first.updateCount, from: "first")
        move([whole, second], steps: 5..<10)
        #expect(second.weights() == whole.weights() && second.updateCount == 10)
        #expect(
            throws: NNError.weightsDoNotFit(
                path: "here", reason: "no average of weight of the right shape")
        ) { try second.load([:], updateCount: 3, from: "here") }
        #expect(second.updateCount == 10)
    }
}
