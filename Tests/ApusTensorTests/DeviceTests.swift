import ApusTensor
import Foundation
import Testing

@Suite struct DeviceTests {
    @Test func devicesAreWrittenAndRead() throws {
        for (text, device) in [("cpu", Device.cpu), ("cuda", .cuda(0)), ("cuda:3", .cuda(3))] {
            #expect(Device(text) == device)
            #expect(device.description == text)
            let json = try JSONEncoder().encode([device])
            #expect(try JSONDecoder().decode([String].self, from: json) == [text])
            #expect(try JSONDecoder().decode([Device].self, from: json) == [device])
        }
        #expect(Device("cuda:0") == .cuda(0))
    }

    @Test(arguments: [
        "", "gpu", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:+1", "cuda:x", "cuda:1:2", "cuda:1000",
        "meta", " cuda",
    ])
    func othersAreRefused(text: String) throws {
        #expect(Device(text) == nil)
        let json = try JSONEncoder().encode([text])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([Device].self, from: json) }
    }

    /// The number after the last is missing wherever this runs.
    @Test func aMissingDeviceIsNamed() {
        let found = Engine.cudaDeviceCount
        let error = #expect(throws: EngineError.self) { try Engine.use(.cuda(found)) }
        #expect(error == .missingDevice(.cuda(found), found: found))
        #expect(Engine.device == .cpu)
        #expect(
            EngineError.missingDevice(.cuda(0), found: 0).description
                == "device: cuda needs a CUDA device and a libtorch that is built for it; this "
                + "libtorch finds none")
        #expect(
            EngineError.missingDevice(.cuda(2), found: 2).description
                == "device: cuda:2 needs a CUDA device and a libtorch that is built for it; this "
                + "libtorch finds 2, the last cuda:1")
    }

    /// Where there is no memory, whatever reads some fails: our operations go without, forwards and
    /// backwards, and make their tensors where the others are.
    ///
    /// libtorch itself can't select by indices or normalise there, nor go back through windows.
    @Test func otherMemoryIsNeverRead() async {
        await #expect(processExitsWith: .success) {
            try Engine.use(.meta)
            #expect(Engine.device == .meta)
            let leftOut = ["gatheredProducts", "residualNorm", "stream"]
            for each in Composition.all(probability: 0.3) where !leftOut.contains(each.name) {
                for input in each.inputs { input.requiresGradient = true }
                let sum = each.function(each.inputs).sum()
                if each.name == "contrastiveScores" { continue }
                sum.backward()
                for input in each.inputs {
                    #expect(input.gradient?.shape == input.shape, "\(each.name)")
                }
            }
        }
    }

    /// A tensor without memory has no numbers to give: this is how the test above would fail.
    @Test func numbersOfNoMemoryTrap() async {
        await #expect(processExitsWith: .failure) {
            try Engine.use(.meta)
            _ = Tensor(ones: [2]).floats
        }
    }
}
