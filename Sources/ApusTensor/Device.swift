import CTorch

/// Where tensors live, and what computes with them.
///
/// It is written as `cpu`, `cuda` (the first CUDA device) or `cuda:N`.
public enum Device: Hashable, Sendable {
    /// The processor.
    case cpu
    /// The CUDA device with this number.
    case cuda(Int)
    /// Nowhere: tensors have shapes and no numbers. What runs here reads no tensor's memory and makes
    /// all its tensors on the engine's device, and so does the same code on any device.
    case meta

    /// The number that the C ABI knows a device by.
    var number: Int32 {
        switch self {
        case .cpu: Int32(APUS_CPU)
        case .cuda(let index): Int32(index)
        case .meta: Int32(APUS_META)
        }
    }

    init(number: Int32) {
        switch number {
        case Device.cpu.number: self = .cpu
        case Device.meta.number: self = .meta
        default: self = .cuda(Int(number))
        }
    }
}

extension Device: LosslessStringConvertible {
    /// The device that a text names: `cpu`, `cuda` or `cuda:N`.
    ///
    /// - Parameter description: The text.
    public init?(_ description: String) {
        let parts = description.split(separator: ":", omittingEmptySubsequences: false)
        switch (parts.first, parts.count) {
        case ("cpu", 1): self = .cpu
        case ("cuda", 1): self = .cuda(0)
        case ("cuda", 2):
            guard parts[1].allSatisfy(\.isNumber), let index = Int8(parts[1]) else { return nil }
            self = .cuda(Int(index))
        default: return nil
        }
    }

    /// The text that names the device.
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): index == 0 ? "cuda" : "cuda:\(index)"
        case .meta: "meta"
        }
    }
}

extension Device: Codable {
    /// Reads the text that names a device.
    ///
    /// - Parameter decoder: What holds a single text.
    /// - Throws: `DecodingError` for a text that names none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let device = Device(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "is '\(text)', expected cpu, cuda or cuda:N")
        }
        self = device
    }

    /// Writes the text that names the device.
    ///
    /// - Parameter encoder: What takes a single text.
    /// - Throws: Where the encoder can't take it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// What the engine can't do on this machine.
public enum EngineError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A CUDA device that isn't there, and how many there are.
    case missingDevice(Device, found: Int)

    /// A sentence for the person who runs the command.
    public var description: String {
        switch self {
        case .missingDevice(let device, let found):
            "device: \(device) needs a CUDA device and a libtorch that is built for it; this libtorch "
                + (found == 0 ? "finds none" : "finds \(found), the last cuda:\(found - 1)")
        }
    }
}
