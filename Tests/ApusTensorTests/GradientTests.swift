import ApusTensor
import Testing

@Suite struct GradientTests {
    @Test func gradientsAccumulateUntilCleared() {
        let x = Tensor([1, 2, 3], shape: [3])
        #expect(!x.requiresGradient)
        x.requiresGradient = true
        #expect(x.requiresGradient)
        #expect(x.gradient == nil)
        (x * x).sum().backward()
        #expect(x.gradient?.floats == [2, 4, 6])
        (x * 3).sum().backward()
        #expect(x.gradient?.floats == [5, 7, 9])
        x.clearGradient()
        #expect(x.gradient == nil)
        (x * x).sum().backward()
        #expect(x.gradient?.floats == [2, 4, 6])
    }

    @Test func broadcastGradientsAreSummed() {
        let row = Tensor([1, 2], shape: [2])
        row.requiresGradient = true
        (Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2]) * row).sum().backward()
        #expect(row.gradient?.floats == [9, 12])
    }

    @Test func nothingIsRecordedWithoutGradients() throws {
        let x = Tensor([1, 2], shape: [2])
        x.requiresGradient = true
        let inside = withoutGradients { x * 2 }
        #expect(!inside.requiresGradient)
        #expect(x.detached().requiresGradient == false)
        #expect((x * 2).requiresGradient)
        struct Failure: Error {}
        #expect(throws: Failure.self) { try withoutGradients { throw Failure() } }
        #expect((x * 2).requiresGradient, "an error ends the scope too")
        withoutGradients {
            withoutGradients {}
            #expect(!(x * 2).requiresGradient, "an inner scope does not end the outer one")
        }
    }

    @Test func detachedValuesGiveNoGradient() {
        let x = Tensor([3], shape: [1])
        x.requiresGradient = true
        (x * x.detached()).sum().backward()
        #expect(x.gradient?.floats == [3])
    }

    @Test func selectionSendsGradientsHome() {
        let x = Tensor([1, 2, 3, 4], shape: [4])
        x.requiresGradient = true
        let indices = Tensor(integers: [3, 3, 0], shape: [3])
        x.selected(indices, dimension: 0).sum().backward()
        #expect(x.gradient?.floats == [1, 0, 0, 2])
        x.clearGradient()
        let mask = Tensor([0, 1, 1, 0], shape: [4]).cast(to: .bool)
        (x.filled(where: mask, with: 0) * 5).sum().backward()
        #expect(x.gradient?.floats == [5, 0, 0, 5])
        x.clearGradient()
        x.windows(dimension: 0, size: 2).sum().backward()
        #expect(x.gradient?.floats == [1, 2, 2, 1])
    }
}
