import ApusTensor
import Testing

@Suite(.serialized) struct EngineTests {
    @Test func threadCountIsWhatWasAskedFor() {
        #expect(withThreads(1) { Engine.threadCount } == 1)
        #expect(withThreads(2) { Engine.threadCount } == 2)
    }

    @Test func libtorchSaysWhatItIs() {
        #expect(Engine.libtorchVersion.hasPrefix("2."))
        #expect(Engine.cudaDeviceCount >= 0)
    }
}
