import ApusNN
import ApusTensor
import Foundation
import Testing

/// The largest difference relative to the largest expected magnitude.
func relativeError(_ values: [Float], _ expected: [Float]) -> Double {
    guard values.count == expected.count else { return .infinity }
    var (difference, scale) = (0.0, 0.0)
    for (a, b) in zip(values, expected) {
        // A comparison drops what is not a number; such an element must fail the test.
        guard a.isFinite, b.isFinite else { return .infinity }
        difference = max(difference, abs(Double(a) - Double(b)))
        scale = max(scale, abs(Double(b)))
    }
    return scale > 0 ? difference / scale : difference
}

/// Normal numbers for tests.
func normal(_ shape: Int..., seed: Int) -> Tensor {
    Tensor(normal: 0, standardDeviation: 1, shape: shape, seed: Seed(UInt64(seed)))
}

/// PyTorch's values, which `References/make_layers.py` or `make_optimizers.py` wrote.
struct Reference {
    let file: Safetensors

    init(_ name: String = "layers") throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        file = try Safetensors(
            contentsOf: folder.appendingPathComponent("References/\(name).safetensors").path)
    }

    func values(_ name: String) throws -> TensorValues {
        try #require(file.tensors[name], "\(name)")
    }

    func tensor(_ name: String) throws -> Tensor {
        let values = try values(name)
        return Tensor(values.values, shape: values.shape)
    }

    func integers(_ name: String) throws -> [Int] { try values(name).values.map { Int($0) } }

    /// The weights of one layer by their names inside it.
    func weights(_ layer: String) -> [String: TensorValues] {
        let prefix = layer + ".weights."
        return Dictionary(
            uniqueKeysWithValues: file.tensors.filter { $0.key.hasPrefix(prefix) }.map {
                (String($0.key.dropFirst(prefix.count)), $0.value)
            })
    }
}

/// A folder of its own for the files of one test, removed afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("apus-nn-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
}
