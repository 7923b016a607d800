import ApusTensor
import Foundation
import Testing

@Suite struct TensorArithmeticTests {
    let a = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])

    @Test func operatorsBroadcast() {
        let row = Tensor([1, 2, 4], shape: [3])
        let column = Tensor([10, 20], shape: [2, 1])
        #expect((a + row).floats == [2, 4, 7, 5, 7, 10])
        #expect((a - column).floats == [-9, -8, -7, -16, -15, -14])
        #expect((a * column).floats == [10, 20, 30, 80, 100, 120])
        #expect((a / row).floats == [1, 1, 0.75, 4, 2.5, 1.5])
        #expect((row + column).shape == [2, 3])
    }

    @Test func numbersScaleAndShift() {
        #expect((a * 2).floats == [2, 4, 6, 8, 10, 12])
        #expect((a + 0.5).floats == [1.5, 2.5, 3.5, 4.5, 5.5, 6.5])
        #expect(a.scaled(by: -1, plus: 1).floats == [0, -1, -2, -3, -4, -5])
    }

    @Test func eigenvaluesOfSymmetricMatrices() {
        let found = Tensor([2, 1, 0, 1, 2, 0, 0, 0, -5], shape: [3, 3]).symmetricEigenvalues()
        #expect(found.shape == [3])
        #expect(zip(found.floats, [-5, 1, 3]).allSatisfy { abs($0 - $1) < 1e-6 })
        // Computed in 64 bits: 32 alone would lose the small one.
        let (large, small) = (Float(4096), Float(1.0 / 4096))
        let mixed = Tensor([large, 1, 1, 2 * small], shape: [2, 2]).symmetricEigenvalues().floats
        #expect(abs(mixed[0] / small - 1) < 1e-4 && abs(mixed[1] / large - 1) < 1e-6)
    }

    @Test func matrixProducts() {
        #expect(a.matmul(a.transposed(0, 1)).floats == [14, 32, 32, 77])
        let batch = Tensor.concatenated([a, a * 2], dimension: 0).reshaped(2, 2, 3)
        #expect(batch.matmul(a.transposed(0, 1)).floats == [14, 32, 32, 77, 28, 64, 64, 154])
    }

    @Test func elementwiseFunctions() {
        let x = Tensor([-2, 0, 2.25], shape: [3])
        #expect(x.relu().floats == [0, 0, 2.25])
        #expect(x.absolute().floats == [2, 0, 2.25])
        #expect(x.absolute().squareRoot().floats == [Float(2).squareRoot(), 0, 1.5])
        #expect(x.equals(Tensor([0], shape: [1])).integers == [0, 1, 0])
        // x Φ(x), with Φ from the C library's error function.
        let expected = x.floats.map {
            Float(Double($0) * 0.5 * erfc(-Double($0) / 2.0.squareRoot()))
        }
        #expect(relativeError(x.gelu().floats, expected) < 1e-6)
    }

    @Test func softmaxRowsSumToOne() {
        let x = normal(50, 7, seed: 1) * 5
        let softmax = x.softmax(dimension: -1)
        #expect(softmax.floats.allSatisfy { $0 >= 0 && $0 <= 1 })
        #expect(softmax.sum(dimension: 1).floats.allSatisfy { abs($0 - 1) < 1e-6 })
        #expect(x.softmax(dimension: 0).sum(dimension: 0).floats.allSatisfy { abs($0 - 1) < 1e-6 })
        let logarithms = softmax.floats.map { Float(log(Double($0))) }
        #expect(relativeError(x.logSoftmax(dimension: -1).floats, logarithms) < 1e-5)
        // Large logits do not overflow.
        let large = Tensor([1000, 1000, -1000], shape: [1, 3])
        #expect(large.softmax(dimension: 1).floats == [0.5, 0.5, 0])
    }

    @Test func reductions() {
        #expect(a.sum().item == 21)
        #expect(a.sum().shape == [])
        #expect(a.sum(dimension: 0).floats == [5, 7, 9])
        #expect(a.sum(dimension: 1, keepsDimension: true).shape == [2, 1])
        #expect(a.mean().item == 3.5)
        #expect(a.mean(dimension: 1).floats == [2, 5])
        #expect(a.mean(dimension: 0, keepsDimension: true).shape == [1, 3])
    }

    @Test func argmaxFindsTheFirstLargest() {
        let x = Tensor([1, 9, 3, 7, 7, 2], shape: [2, 3])
        #expect(x.argmax(dimension: 1).integers == [1, 0])
        #expect(x.argmax(dimension: 0).integers == [1, 0, 0])
        #expect(x.argmax(dimension: 1).type == .int64)
    }

    @Test func crossEntropyInClosedForm() {
        // Equal logits over K classes cost log K nats; a certain right answer costs nothing.
        let targets = Tensor(integers: [0, 3], shape: [2])
        #expect(abs(Tensor(zeros: [2, 4]).crossEntropy(targets: targets).item - log(4)) < 1e-6)
        let sure = Tensor([100, 0, 0, 0, 0, 0, 0, 100], shape: [2, 4])
        #expect(sure.crossEntropy(targets: targets).item < 1e-6)
    }

    @Test func convolutionInClosedForm() {
        let input = Tensor([1, 2, 3, 4], shape: [1, 1, 4])
        let kernel = Tensor([1, 0, -1], shape: [1, 1, 3])
        let bias = Tensor([0.5], shape: [1])
        #expect(
            input.conv1d(weight: kernel, bias: bias, stride: 1, padding: 1).floats
                == [-1.5, -1.5, -1.5, 3.5])
        #expect(input.conv1d(weight: kernel, bias: nil, stride: 2, padding: 1).floats == [-2, -2])
    }

    /// Each channel has a kernel of its own where there are as many groups as channels.
    @Test func depthwiseConvolutionInClosedForm() {
        let input = Tensor([1, 2, 3, 10, 20, 30], shape: [1, 2, 3])
        let kernels = Tensor([0, 1, 1, 1, 0, -1], shape: [2, 1, 3])
        #expect(
            input.conv1d(weight: kernels, bias: nil, stride: 1, padding: 1, groups: 2).floats
                == [3, 5, 3, -20, -20, 20])
    }

    @Test func gates() {
        let x = Tensor([0, 2, -3, 0], shape: [1, 4])
        let expected: [Float] = [0, 1.761_594_2, -0.142_277_6, 0]
        #expect(relativeError(x.silu().floats, expected) < 1e-6)
        #expect(
            relativeError(x.hyperbolicTangent().floats, [0, 0.964_027_6, -0.995_054_8, 0]) < 1e-6)
        // 0 σ(-3), 2 σ(0).
        #expect(relativeError(x.gatedLinear(dimension: 1).floats, [0, 1]) < 1e-6)
    }
}
