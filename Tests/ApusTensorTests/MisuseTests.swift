import ApusTensor
import Testing

/// Wrong shapes are faults of the calling code: they trap, with libtorch's own words.
@Suite struct MisuseTests {
    private func words(_ result: ExitTest.Result?) -> String {
        String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }

    @Test func productOfMatricesThatDoNotFit() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = Tensor(ones: [2, 3]).matmul(Tensor(ones: [2, 3]))
        }
        #expect(words(result).contains("matmul: mat1 and mat2 shapes cannot be multiplied"))
    }

    @Test func backwardOfAVector() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            let x = Tensor(ones: [2])
            x.requiresGradient = true
            (x * 2).backward()
        }
        #expect(words(result).contains("backward: grad can be implicitly created only for scalar"))
    }

    @Test func dropoutOfEverything() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = Tensor(ones: [2]).dropout(probability: 1, seed: Seed(1))
        }
        #expect(words(result).contains("dropout probability 1 is not in [0, 1)"))
    }

    @Test func productsWithAFrameThatIsNotThere() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = Tensor(ones: [1, 1, 2]).innerProducts(
                with: Tensor(ones: [3, 2]), at: Tensor(integers: [3], shape: [1, 1]))
        }
        #expect(words(result).contains("an index is none of the 3 frames"))
    }

    @Test func valuesThatDoNotFillTheShape() async {
        await #expect(processExitsWith: .failure) { _ = Tensor([1, 2], shape: [3]) }
        await #expect(processExitsWith: .failure) { Tensor(zeros: [3]).assign([1, 2]) }
        await #expect(processExitsWith: .failure) { _ = Tensor(ones: [2]).item }
        await #expect(processExitsWith: .failure) { Engine.start(threadCount: 0) }
    }
}
