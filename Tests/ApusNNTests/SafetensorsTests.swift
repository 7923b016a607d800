import ApusNN
import Foundation
import Testing

@Suite struct SafetensorsTests {
    private let content = Safetensors(
        tensors: [
            "b": TensorValues(
                shape: [2, 2], values: [1, -2.5, .infinity, .leastNonzeroMagnitude]),
            "a": TensorValues(shape: [], values: [7]),
            "empty": TensorValues(shape: [3, 0], values: []),
            "naïve \"name\" / \\ 鳥": TensorValues(shape: [1], values: [-0.0]),
        ],
        metadata: ["card": "{\"step\": 3}", "line\nbreak": "ü / \u{1}", "": ""])

    @Test func roundTripKeepsEverything() throws {
        try withFolder { folder in
            let path = folder + "/model.safetensors"
            try content.encoded().write(to: URL(fileURLWithPath: path))
            let read = try Safetensors(contentsOf: path)
            #expect(read == content)
            #expect(read.tensors["naïve \"name\" / \\ 鳥"]?.values.first?.sign == .minus)
            let nothing = Safetensors(tensors: [:])
            try nothing.encoded().write(to: URL(fileURLWithPath: path))
            #expect(try Safetensors(contentsOf: path) == nothing)
        }
    }

    @Test func sameContentGivesSameBytes() throws {
        var reordered = Safetensors(tensors: [:])
        for key in content.tensors.keys.sorted().reversed() {
            reordered.tensors[key] = content.tensors[key]
        }
        reordered.metadata = content.metadata
        #expect(try reordered.encoded() == content.encoded())
    }

    @Test func layoutIsTheFormats() throws {
        let bytes = [UInt8](
            try Safetensors(tensors: ["x": TensorValues(shape: [2], values: [1, 2])]).encoded())
        let header = #"{"x":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        #expect(Array(bytes[0..<8]) == [UInt8(padded.utf8.count), 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(bytes[8..<8 + padded.utf8.count]) == Array(padded.utf8))
        #expect(Array(bytes[(8 + padded.utf8.count)...]) == [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])
    }

    /// `References/layers.safetensors` was written by Python's `safetensors`.
    @Test func readsWhatPythonWrote() throws {
        let file = try Reference().file
        #expect(
            file.tensors["format.counted"]
                == TensorValues(shape: [2, 3], values: [0, 1, 2, 3, 4, 5]))
        #expect(file.tensors["format.scalar"] == TensorValues(shape: [], values: [2.5]))
        #expect(file.tensors["format.empty"] == TensorValues(shape: [0, 3], values: []))
        #expect(file.metadata["safetensors"] != nil)
        #expect(file.metadata["torch"]?.hasPrefix("2.") == true)
    }
}
