import ApusTensor
import Testing

@Suite struct TensorShapeTests {
    let counted = Tensor([0, 1, 2, 3, 4, 5], shape: [2, 3])

    @Test func creationKeepsShapeTypeAndValues() {
        #expect(counted.shape == [2, 3])
        #expect(counted.count == 6)
        #expect(counted.type == .float32)
        #expect(counted.floats == [0, 1, 2, 3, 4, 5])
        let integers = Tensor(integers: [3, -4, 1 << 40], shape: [3])
        #expect(integers.type == .int64)
        #expect(integers.integers == [3, -4, 1 << 40])
        #expect(Tensor(zeros: [2]).floats == [0, 0])
        #expect(Tensor(ones: [2]).floats == [1, 1])
        #expect(Tensor(repeating: 2.5, shape: []).item == 2.5)
        #expect(Tensor(repeating: 2.5, shape: []).shape == [])
        #expect(Tensor([], shape: [0, 3]).floats == [])
        #expect(Tensor([], shape: [0, 3]).shape == [0, 3])
    }

    @Test func reshapingKeepsOrderAndInfersOneSize() {
        #expect(counted.reshaped(3, 2).shape == [3, 2])
        #expect(counted.reshaped(3, 2).floats == [0, 1, 2, 3, 4, 5])
        #expect(counted.reshaped(1, -1, 2).shape == [1, 3, 2])
    }

    @Test func permutingAndTransposingMoveElements() {
        #expect(counted.transposed(0, 1).floats == [0, 3, 1, 4, 2, 5])
        #expect(counted.transposed(-1, -2).floats == [0, 3, 1, 4, 2, 5])
        let cube = Tensor((0..<24).map(Float.init), shape: [2, 3, 4])
        let moved = cube.permuted(2, 0, 1)
        #expect(moved.shape == [4, 2, 3])
        var expected: [Float] = []
        for c in 0..<4 {
            for a in 0..<2 { for b in 0..<3 { expected.append(Float(a * 12 + b * 4 + c)) } }
        }
        #expect(moved.floats == expected)
    }

    @Test func slicingKeepsARange() {
        #expect(counted.sliced(1..<3, dimension: 1).floats == [1, 2, 4, 5])
        #expect(counted.sliced(1..<2, dimension: 0).floats == [3, 4, 5])
        #expect(counted.sliced(0..<1, dimension: -1).shape == [2, 1])
        #expect(counted.sliced(2..<2, dimension: 1).shape == [2, 0])
    }

    @Test func windowsAreRowsOfTheirOwn() {
        let windows = Tensor([0, 1, 2, 3, 4], shape: [5]).windows(dimension: 0, size: 3, step: 2)
        #expect(windows.shape == [2, 3])
        #expect(windows.floats == [0, 1, 2, 2, 3, 4])
        let rows = counted.windows(dimension: 1, size: 2)
        #expect(rows.shape == [2, 2, 2])
        #expect(rows.floats == [0, 1, 1, 2, 3, 4, 4, 5])
    }

    @Test func concatenationJoinsAlongADimension() {
        let other = Tensor([6, 7, 8], shape: [1, 3])
        #expect(
            Tensor.concatenated([counted, other], dimension: 0).floats
                == [0, 1, 2, 3, 4, 5, 6, 7, 8])
        let wide = Tensor.concatenated([counted, counted], dimension: -1)
        #expect(wide.shape == [2, 6])
        #expect(wide.floats == [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5])
    }

    @Test func selectionByIndexAndByMask() {
        let columns = counted.selected(Tensor(integers: [2, 0, 2], shape: [3]), dimension: 1)
        #expect(columns.shape == [2, 3])
        #expect(columns.floats == [2, 0, 2, 5, 3, 5])
        let mask = Tensor([0, 1, 0, 1, 1, 0], shape: [2, 3]).cast(to: .bool)
        #expect(mask.type == .bool)
        #expect(counted.selected(where: mask).floats == [1, 3, 4])
        #expect(counted.filled(where: mask, with: -9).floats == [0, -9, 2, -9, -9, 5])
        let column = Tensor([1, 0], shape: [2, 1]).cast(to: .bool)
        #expect(counted.filled(where: column, with: 7).floats == [7, 7, 7, 3, 4, 5])
    }

    @Test func castingRoundsAsTheTypeDoes() {
        // bfloat16 keeps 8 bits of the significand: 257 lies half-way and goes to the even 256.
        let rounded = Tensor([1, 257, 259], shape: [3]).cast(to: .bfloat16)
        #expect(rounded.type == .bfloat16)
        #expect(rounded.floats == [1, 256, 260])
        #expect(Tensor([1.9, -1.9], shape: [2]).cast(to: .int64).integers == [1, -1])
        #expect(Tensor(integers: [5], shape: [1]).cast(to: .float32).floats == [5])
    }

    @Test func assigningOverwritesWhatViewsSee() {
        let tensor = Tensor(zeros: [2, 2])
        let view = tensor.transposed(0, 1)
        tensor.assign([1, 2, 3, 4])
        #expect(tensor.floats == [1, 2, 3, 4])
        #expect(view.floats == [1, 3, 2, 4])
    }
}
